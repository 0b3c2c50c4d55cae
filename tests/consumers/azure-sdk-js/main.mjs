// All facts, one after the other, in one TAP stream.
import { finish } from "./tap.mjs";

for (const part of ["life", "upkeep", "use", "mhsm", "module", "challenge", "refusals", "identity"]) {
  await import(`./${part}.mjs`);
}
finish();
process.exit(); // whatever a fact that failed has left behind
