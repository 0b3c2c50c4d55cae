// The same SDK with a Managed HSM: AES keys, random bytes, proofs; and how a key travels into an HSM.
import assert from "node:assert/strict";
import {
  constants,
  createCipheriv,
  createPublicKey,
  createVerify,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import {
  MHSM_URL,
  StaticCredential,
  all,
  callerWith,
  client,
  cryptographyClient,
  keyClient,
  keyUrl,
  watchedClient,
} from "./sdk.mjs";
import { fact } from "./tap.mjs";

const hsm = keyClient(undefined, {}, MHSM_URL);
const bytes = (data) => Buffer.from(data);

await fact("Managed HSM: the challenge names its own resource", async () => {
  const who = new StaticCredential();
  await keyClient(who, {}, MHSM_URL).getRandomBytes(1);
  assert.deepEqual(who.asked[0].scopes, ["https://managedhsm.azure.net/.default"]);
});

await fact("Managed HSM: a vault's token is none", async () => {
  const ours = new StaticCredential();
  const other = { getToken: (_, options) => ours.getToken("https://vault.azure.net/.default", options) };
  const { client: watched, answers } = watchedClient(other, MHSM_URL);
  await assert.rejects(watched.getKey("kek")); // a TypeError: the true 401 has no body, and the SDK reads it
  assert.deepEqual(answers.map((answer) => answer.status), [401]);
});

await fact("Managed HSM: getRandomBytes", async () => {
  const one = await hsm.getRandomBytes(32);
  const other = await hsm.getRandomBytes(32);
  assert.equal(one.length, 32);
  assert.notDeepEqual(one, other);
  assert.equal((await hsm.getRandomBytes(128)).length, 128);
});

await fact("Managed HSM: getRandomBytes, more than there are: 400 BadParameter", () =>
  assert.rejects(hsm.getRandomBytes(129), { statusCode: 400, code: "BadParameter" }),
);

await fact("Managed HSM: createRsaKey", async () => {
  const key = await hsm.createRsaKey("kek", { hsm: true });
  assert.equal(key.keyType, "RSA-HSM");
  assert.equal(key.id, `${MHSM_URL}/keys/kek/${key.properties.version}`);
  assert.ok(key.properties.hsmPlatform);
});

await fact("Managed HSM: createRsaKey, without a word of hardware: it has nothing else", async () => {
  assert.equal((await hsm.createRsaKey("soft")).keyType, "RSA-HSM");
});

for (const algorithm of ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"]) {
  await fact(`Managed HSM: wrapKey, unwrapKey: ${algorithm}`, async () => {
    const crypto = cryptographyClient(`${MHSM_URL}/keys/kek`);
    const key = randomBytes(32);
    const { result } = await crypto.wrapKey(algorithm, key);
    assert.deepEqual(bytes((await crypto.unwrapKey(algorithm, result)).result), key);
  });
}

for (const keySize of [128, 192, 256]) {
  await fact(`Managed HSM: createOctKey, ${keySize} bits, never shown`, async () => {
    const key = await hsm.createOctKey(`aes-${keySize}`, { hsm: true, keySize });
    assert.equal(key.keyType, "oct-HSM");
    assert.equal(key.key.k, undefined);
    assert.ok(key.keyOperations.includes("wrapKey"));
  });

  await fact(`Managed HSM: wrapKey, unwrapKey: A${keySize}KW`, async () => {
    const crypto = cryptographyClient(`${MHSM_URL}/keys/aes-${keySize}`);
    const key = randomBytes(32);
    const { result } = await crypto.wrapKey(`A${keySize}KW`, key);
    assert.equal(result.length, 40);
    assert.deepEqual(bytes((await crypto.unwrapKey(`A${keySize}KW`, result)).result), key);
  });

  await fact(`Managed HSM: encrypt, decrypt: A${keySize}GCM`, async () => {
    const crypto = cryptographyClient(`${MHSM_URL}/keys/aes-${keySize}`);
    const plaintext = Buffer.from("a text of any length");
    const additionalAuthenticatedData = Buffer.from("beside it");
    const algorithm = `A${keySize}GCM`;
    const sealed = await crypto.encrypt({ algorithm, plaintext, additionalAuthenticatedData });
    const { iv, authenticationTag, result: ciphertext } = sealed;
    const whole = { algorithm, ciphertext, iv, authenticationTag, additionalAuthenticatedData };
    assert.deepEqual(bytes((await crypto.decrypt(whole)).result), plaintext);
    const changed = { ...whole, additionalAuthenticatedData: Buffer.from("besides it") };
    await assert.rejects(crypto.decrypt(changed), { statusCode: 400 });
  });

  await fact(`Managed HSM: encrypt, decrypt: A${keySize}CBCPAD`, async () => {
    const crypto = cryptographyClient(`${MHSM_URL}/keys/aes-${keySize}`);
    const plaintext = Buffer.from("a text of any length");
    const algorithm = `A${keySize}CBCPAD`;
    const iv = randomBytes(16);
    const { result: ciphertext } = await crypto.encrypt({ algorithm, plaintext, iv });
    assert.deepEqual(bytes((await crypto.decrypt({ algorithm, ciphertext, iv })).result), plaintext);
  });
}

await fact("Managed HSM: importKey, of an AES key: it is the one that was brought", async () => {
  const k = randomBytes(32);
  await hsm.importKey("aes-brought", { kty: "oct-HSM", k }, { hardwareProtected: true });
  const plaintext = randomBytes(32);
  const iv = randomBytes(16);
  const crypto = cryptographyClient(`${MHSM_URL}/keys/aes-brought`);
  const { result } = await crypto.encrypt({ algorithm: "A256CBC", plaintext, iv });
  const cipher = createCipheriv("aes-256-cbc", k, iv).setAutoPadding(false);
  assert.deepEqual(bytes(result), Buffer.concat([cipher.update(plaintext), cipher.final()]));
});

await fact("Managed HSM: delete, recover, purge", async () => {
  const soon = { intervalInMs: 100 };
  await hsm.createOctKey("mortal", { hsm: true });
  await (await hsm.beginDeleteKey("mortal", soon)).pollUntilDone();
  await assert.rejects(hsm.getKey("mortal"), { statusCode: 404, code: "KeyNotFound" });
  await (await hsm.beginRecoverDeletedKey("mortal", soon)).pollUntilDone();
  await (await hsm.beginDeleteKey("mortal", soon)).pollUntilDone();
  await hsm.purgeDeletedKey("mortal");
  assert.ok(!(await all(hsm.listDeletedKeys())).some((key) => key.name === "mortal"));
});

await fact("Managed HSM: it has its own keys, not the vault's", async () => {
  const names = (await all(hsm.listPropertiesOfKeys())).map((key) => key.name);
  assert.ok(names.includes("aes-256"));
  assert.ok(!names.includes("kek-3072"));
});

await fact("Managed HSM: getKeyAttestation", async () => {
  const key = await hsm.getKeyAttestation("kek");
  assert.ok(key.properties.attestation.privateKeyAttestation.length > 0);
});

await fact("Managed HSM: a role that is missing: 403 AccessDenied", async () => {
  const ours = keyClient(await callerWith([]), {}, MHSM_URL);
  await assert.rejects(ours.getKey("kek"), { statusCode: 403, code: "AccessDenied" });
});

// --- A key that travels ---

// The transfer file of the service's own specification: an AES key under the exchange key, the target under it.
function transferFile(exchange, target) {
  const aes = randomBytes(32);
  const n = bytes(exchange.key.n).toString("base64url");
  const e = bytes(exchange.key.e).toString("base64url");
  const key = createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" };
  const kwp = createCipheriv("id-aes256-wrap-pad", aes, Buffer.from("a65959a6", "hex"));
  const ciphertext = Buffer.concat([publicEncrypt(oaep, aes), kwp.update(target), kwp.final()]);
  const header = { kid: exchange.id, alg: "dir", enc: "CKM_RSA_AES_KEY_WRAP" };
  const file = { schema_version: "1.0.0", header, ciphertext: ciphertext.toString("base64url"), generator: "a test" };
  return Buffer.from(JSON.stringify(file));
}

await fact("importKey: a key of another HSM, under an exchange key", async () => {
  const exchange = await client.createRsaKey("exchange", { hsm: true, keyOps: ["import"] });
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const t = transferFile(exchange, privateKey.export({ type: "pkcs8", format: "der" }));
  const key = await client.importKey("travelled", { kty: "RSA-HSM", t });
  assert.equal(bytes(key.key.n).toString("base64url"), publicKey.export({ format: "jwk" }).n);
  const { result } = await cryptographyClient(key).signData("RS256", Buffer.from("text"));
  assert.ok(createVerify("SHA256").update("text").verify(publicKey, result));
});

await fact("importKey: an exchange key is for nothing else", async () => {
  const crypto = cryptographyClient(keyUrl("exchange"), await callerWith(["wrapKey"]));
  await assert.rejects(crypto.wrapKey("RSA-OAEP", randomBytes(16)), { statusCode: 403 });
});

await fact("importKey: a transfer file that was changed", async () => {
  const exchange = await client.getKey("exchange");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const file = JSON.parse(transferFile(exchange, privateKey.export({ type: "pkcs8", format: "der" })));
  file.ciphertext = `AAAA${file.ciphertext.slice(4)}`;
  const t = Buffer.from(JSON.stringify(file));
  await assert.rejects(client.importKey("changed", { kty: "RSA-HSM", t }), { statusCode: 400 });
});
