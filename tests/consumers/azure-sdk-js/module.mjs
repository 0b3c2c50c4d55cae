// The SDK and our module: what the one wraps the other unwraps, and whoever takes the key away stops both.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { byModule, client, cryptographyClient, keyUrl } from "./sdk.mjs";
import { fact } from "./tap.mjs";

const ALGORITHMS = ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"];

async function sdkWraps(name, algorithm) {
  const key = randomBytes(32);
  const { result } = await cryptographyClient(keyUrl(name)).wrapKey(algorithm, key);
  assert.deepEqual(await byModule("unwrap", name, algorithm, result), key);
}

async function moduleWraps(name, algorithm) {
  const key = randomBytes(32);
  const blob = await byModule("wrap", name, algorithm, key);
  const { result } = await cryptographyClient(keyUrl(name)).unwrapKey(algorithm, blob);
  assert.deepEqual(Buffer.from(result), key);
}

for (const name of ["kek", "kek-3072", "kek-4096"]) {
  for (const algorithm of ALGORITHMS) {
    await fact(`the SDK wraps, our module unwraps: ${name}, ${algorithm}`, () => sdkWraps(name, algorithm));
    await fact(`our module wraps, the SDK unwraps: ${name}, ${algorithm}`, () => moduleWraps(name, algorithm));
  }
}

await fact("our module works under a key that the SDK has made", async () => {
  await client.createRsaKey("shared");
  await moduleWraps("shared", "RSA-OAEP-256");
  await sdkWraps("shared", "RSA-OAEP-256");
});

await fact("our module works under a key that the SDK has brought into an HSM", async () => {
  await moduleWraps("brought-hsm", "RSA-OAEP");
  await sdkWraps("brought-hsm", "RSA-OAEP");
});

await fact("our module takes the new version once the SDK has rotated the key", async () => {
  const { properties } = await client.rotateKey("shared");
  const key = randomBytes(32);
  const blob = await byModule("wrap", "shared", "RSA-OAEP", key);
  const { result } = await cryptographyClient(keyUrl("shared", properties.version)).unwrapKey("RSA-OAEP", blob);
  assert.deepEqual(Buffer.from(result), key);
});

const blob = await byModule("wrap", "shared", "RSA-OAEP", Buffer.from("sixteen bytes so"));

await fact("the SDK disables the key: it is closed to our module", async () => {
  await client.updateKeyProperties("shared", { enabled: false });
  await assert.rejects(byModule("unwrap", "shared", "RSA-OAEP", blob), /KeyDisabled[^]*C_UnwrapKey: 0x68 /);
});

await fact("the SDK enables the key: it is open again", async () => {
  await client.updateKeyProperties("shared", { enabled: true });
  assert.equal(String(await byModule("unwrap", "shared", "RSA-OAEP", blob)), "sixteen bytes so");
});

await fact("the SDK deletes the key: it is gone for our module", async () => {
  await (await client.beginDeleteKey("shared", { intervalInMs: 100 })).pollUntilDone();
  await assert.rejects(byModule("unwrap", "shared", "RSA-OAEP", blob), /there is no key/);
});

await fact("the SDK recovers the key: it is back", async () => {
  await (await client.beginRecoverDeletedKey("shared", { intervalInMs: 100 })).pollUntilDone();
  assert.equal(String(await byModule("unwrap", "shared", "RSA-OAEP", blob)), "sixteen bytes so");
});
