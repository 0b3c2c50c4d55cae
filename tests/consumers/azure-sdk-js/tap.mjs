// Facts, one TAP line each, in the order in which they are told.
const LONGEST = 20_000; // milliseconds that a fact may take

let count = 0;

function comment(text) {
  for (const line of String(text).split("\n")) {
    console.log(`# ${line}`);
  }
}

function tooLate() {
  let timer;
  const promise = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LONGEST} ms`)), LONGEST);
  });
  return { promise, stop: () => clearTimeout(timer) };
}

// True: it holds.
export async function fact(name, check) {
  const limit = tooLate();
  const number = ++count;
  try {
    await Promise.race([check(), limit.promise]);
    console.log(`ok ${number} - ${name}`);
    return true;
  } catch (error) {
    console.log(`not ok ${number} - ${name}`);
    comment(error.stack ?? error);
    return false;
  } finally {
    limit.stop();
  }
}

export function skipped(name, why) {
  console.log(`ok ${++count} - ${name} # SKIP ${why}`);
}

export function finish() {
  console.log(`1..${count}`);
}
