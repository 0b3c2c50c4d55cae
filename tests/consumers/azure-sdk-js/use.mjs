// Key operations: what the service does and what the SDK does by itself fit together.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { callerWith, client, control, counted, cryptographyClient, keyUrl } from "./sdk.mjs";
import { fact } from "./tap.mjs";

const WRAPPINGS = ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"];
const hash = (bits, text) => createHash(`sha${bits}`).update(text).digest();
const local = cryptographyClient(await client.getKey("kek"));
// Without the permission `get` the SDK knows no modulus and leaves everything to the service.
const remote = cryptographyClient(
  keyUrl("kek"),
  await callerWith(["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]),
);
const sides = { "as it likes": local, "by the service": remote };

for (const [side, crypto] of Object.entries(sides)) {
  for (const algorithm of WRAPPINGS) {
    await fact(`wrapKey ${side}, unwrapKey: ${algorithm}`, async () => {
      const key = randomBytes(32);
      const wrapped = await crypto.wrapKey(algorithm, key);
      assert.equal(wrapped.result.length, 256);
      const unwrapped = await local.unwrapKey(algorithm, wrapped.result);
      assert.deepEqual(Buffer.from(unwrapped.result), key);
      assert.equal(unwrapped.algorithm, algorithm);
    });

    await fact(`encrypt ${side}, decrypt: ${algorithm}`, async () => {
      const plaintext = Buffer.from("a short text");
      const encrypted = await crypto.encrypt({ algorithm, plaintext });
      const decrypted = await local.decrypt({ algorithm, ciphertext: encrypted.result });
      assert.deepEqual(Buffer.from(decrypted.result), plaintext);
    });
  }
}

await fact("wrapKey RSA-OAEP: the SDK does not ask the service", async () => {
  assert.equal(await counted("wrapkey", () => local.wrapKey("RSA-OAEP", randomBytes(16))), 0);
});

await fact("wrapKey RSA-OAEP-256: it asks", async () => {
  assert.equal(await counted("wrapkey", () => local.wrapKey("RSA-OAEP-256", randomBytes(16))), 1);
});

await fact("what is wrapped one way is not unwrapped in another", async () => {
  const { result } = await local.wrapKey("RSA-OAEP", randomBytes(16));
  await assert.rejects(local.unwrapKey("RSA-OAEP-256", result), { statusCode: 400, code: "BadParameter" });
});

await fact("a key without a version in its address is used in its newest", async () => {
  const crypto = cryptographyClient(keyUrl("made-rsa"));
  const { result } = await crypto.wrapKey("RSA-OAEP-256", randomBytes(16));
  assert.equal((await crypto.unwrapKey("RSA-OAEP-256", result)).result.length, 16);
});

for (const algorithm of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]) {
  await fact(`sign, verify: ${algorithm}`, async () => {
    const digest = hash(algorithm.slice(2), "text");
    const { result: signature } = await local.sign(algorithm, digest);
    assert.equal((await local.verify(algorithm, digest, signature)).result, true);
    assert.equal((await local.verify(algorithm, hash(algorithm.slice(2), "other"), signature)).result, false);
  });
}

for (const algorithm of ["RS256", "RS512"]) {
  await fact(`signData by the service, verifyData by the SDK: ${algorithm}`, async () => {
    const { result: signature } = await local.signData(algorithm, Buffer.from("text"));
    assert.equal((await local.verifyData(algorithm, Buffer.from("text"), signature)).result, true);
    assert.equal((await local.verifyData(algorithm, Buffer.from("texts"), signature)).result, false);
  });
}

const CURVES = { ES256: "P-256", ES384: "P-384", ES512: "P-521", ES256K: "P-256K" };

for (const [algorithm, curve] of Object.entries(CURVES)) {
  await fact(`sign, verify: ${algorithm}`, async () => {
    const bits = algorithm.slice(2, 5);
    const crypto = cryptographyClient(await client.getKey(`made-${curve}`));
    const { result: signature } = await crypto.sign(algorithm, hash(bits, "text"));
    assert.equal((await crypto.verify(algorithm, hash(bits, "text"), signature)).result, true);
    assert.equal((await crypto.verify(algorithm, hash(bits, "other"), signature)).result, false);
  });
}

await fact("getCryptographyClient: of a key client", async () => {
  const crypto = client.getCryptographyClient("kek");
  const { result } = await crypto.wrapKey("RSA-OAEP", randomBytes(16));
  assert.equal((await crypto.unwrapKey("RSA-OAEP", result)).result.length, 16);
});

await fact("an expired key still unwraps for who may not look at it", async () => {
  await control("PUT", "/keys/expired", { exp: 1000000000 });
  const crypto = cryptographyClient(keyUrl("expired"), await callerWith(["wrapKey", "unwrapKey"]));
  await assert.rejects(crypto.wrapKey("RSA-OAEP", randomBytes(16)), { statusCode: 403 });
  await control("PUT", "/keys/expired", { exp: null });
  const { result } = await crypto.wrapKey("RSA-OAEP", randomBytes(16));
  await control("PUT", "/keys/expired", { exp: 1000000000 });
  assert.equal((await crypto.unwrapKey("RSA-OAEP", result)).result.length, 16);
});
