// What Microsoft's SDK for JavaScript takes for the same work: node js-sdk.mjs TASK...
//
//   unwrap:CALLERS[:COUNT]       so many at once, so many in all: unwrapKey RSA-OAEP-256 under the key "kek"
//   wrap:ALGORITHM[:COUNT]       wrapKey with RSA-OAEP (the SDK does it itself) or RSA-OAEP-256 (the service)
//
// Prints one line of JSON: {"node", "cold_start": {"seconds", "cpu_seconds"}, "memory_kib", and for each task, under
// its own name, {"operations", "seconds", "cpu_seconds"}}. cold_start is from the start of the process to the end
// of its first unwrap, which every run makes.
// The environment: $BLOB, a data key wrapped with RSA-OAEP-256 under "kek", in hexadecimal; $AZURE_SDK_JS; and of
// tests/with-tokens VAULT_URL, IDENTITY_URL, TENANT_ID, CLIENT_ID, CLIENT_SECRET_FILE, and NODE_EXTRA_CA_CERTS.
import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";

const { VAULT_URL, IDENTITY_URL, TENANT_ID, CLIENT_ID, CLIENT_SECRET_FILE, AZURE_SDK_JS, BLOB } = process.env;
globalThis.crypto ??= webcrypto; // for Node.js 18
const require = createRequire(`${AZURE_SDK_JS}/package.json`);
const { CryptographyClient } = require("@azure/keyvault-keys");
const COUNTS = { unwrap: 400, wrap: 400 };

const credential = {
  async getToken(scopes) {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: CLIENT_ID,
      client_secret: readFileSync(CLIENT_SECRET_FILE, "utf8").trimEnd(),
      scope: [scopes].flat().join(" "),
    });
    const answer = await fetch(`${IDENTITY_URL}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body: form });
    const token = await answer.json();
    return { token: token.access_token, expiresOnTimestamp: Date.now() + token.expires_in * 1000 };
  },
};

const kek = new CryptographyClient(`${VAULT_URL}/keys/kek`, credential, {
  disableChallengeResourceVerification: true,
});
const blob = Buffer.from(BLOB, "hex");
const dataKey = Buffer.alloc(32, 7);

const cpuSeconds = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;

// `count` times in all, by so many callers at once.
async function measure(callers, count, work) {
  let left = count;
  const caller = async () => {
    while (left-- > 0) {
      await work();
    }
  };
  const cpu = cpuSeconds();
  const begin = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return {
    operations: count,
    seconds: (performance.now() - begin) / 1000,
    cpu_seconds: cpuSeconds() - cpu,
  };
}

// Its first operations warm it up and are not counted.
async function run(task) {
  const [what, detail, count = COUNTS[what]] = task.split(":");
  const callers = what === "unwrap" ? Number(detail) : 1;
  const work = what === "unwrap" ? () => kek.unwrapKey("RSA-OAEP-256", blob) : () => kek.wrapKey(detail, dataKey);
  await measure(callers, 2 * callers, work);
  return measure(callers, Number(count), work);
}

const { result } = await kek.unwrapKey("RSA-OAEP-256", blob);
const cold = { seconds: performance.now() / 1000, cpu_seconds: cpuSeconds() };
if (result.length === 0) {
  throw new Error("the unwrapped key is empty");
}
const outcome = { node: process.version, cold_start: cold };
for (const task of process.argv.slice(2)) {
  outcome[task] = await run(task);
}
outcome.memory_kib = process.resourceUsage().maxRSS;
console.log(JSON.stringify(outcome));
