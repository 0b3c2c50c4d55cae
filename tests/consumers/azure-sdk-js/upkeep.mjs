// A key is brought, rotated, saved, deleted, recovered and purged.
import assert from "node:assert/strict";
import { createHash, createSign, createVerify, generateKeyPairSync } from "node:crypto";
import { all, client, counted, cryptographyClient, near, withSettings } from "./sdk.mjs";
import { fact } from "./tap.mjs";

const soon = { intervalInMs: 100 };
const names = (list) => list.map((properties) => properties.name);

// --- Imported ---

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = pair.privateKey.export({ format: "jwk" });
const NUMBERS = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
const imported = Object.fromEntries(NUMBERS.map((name) => [name, Buffer.from(jwk[name], "base64url")]));

await fact("importKey: the public part is the one that was brought", async () => {
  const key = await client.importKey("brought", { kty: "RSA", ...imported }, { tags: { from: "outside" } });
  assert.deepEqual(Buffer.from(key.key.n), imported.n);
  assert.deepEqual(Buffer.from(key.key.e), imported.e);
  assert.equal(key.key.d, undefined);
  assert.equal(key.properties.tags.from, "outside");
});

await fact("importKey: the private part works", async () => {
  const key = await client.getKey("brought");
  const { result } = await cryptographyClient(key).signData("RS256", Buffer.from("text"));
  assert.ok(createVerify("SHA256").update("text").verify(pair.publicKey, result));
});

await fact("importKey: protected by hardware", async () => {
  const key = await client.importKey("brought-hsm", { kty: "RSA-HSM", ...imported }, { hardwareProtected: true });
  assert.equal(key.keyType, "RSA-HSM");
});

await fact("importKey: what it signed elsewhere, the vault verifies", async () => {
  const signature = createSign("SHA256").update("text").sign(pair.privateKey);
  const crypto = cryptographyClient(await client.getKey("brought"));
  const { result } = await crypto.verify("RS256", createHash("sha256").update("text").digest(), signature);
  assert.equal(result, true);
});

// --- Rotated ---

await fact("rotateKey: a new version of the same kind", async () => {
  const before = await client.createRsaKey("rotating", { keySize: 3072 });
  const after = await client.rotateKey("rotating");
  assert.notEqual(after.properties.version, before.properties.version);
  assert.equal(after.key.n.length, 384);
  assert.notDeepEqual(after.key.n, before.key.n);
  assert.equal((await client.getKey("rotating")).id, after.id);
});

await fact("rotateKey: the old version still opens what it closed", async () => {
  const versions = await all(client.listPropertiesOfKeyVersions("rotating"));
  for (const { id } of versions) {
    const crypto = cryptographyClient(id);
    const { result } = await crypto.wrapKey("RSA-OAEP-256", Buffer.alloc(32, 7));
    assert.deepEqual(Buffer.from((await crypto.unwrapKey("RSA-OAEP-256", result)).result), Buffer.alloc(32, 7));
  }
});

await fact("getKeyRotationPolicy: of a key without one", async () => {
  const policy = await client.getKeyRotationPolicy("made-rsa");
  assert.deepEqual(policy.lifetimeActions.map((item) => item.action), ["Notify"]);
  assert.equal(policy.expiresIn, undefined);
});

await fact("updateKeyRotationPolicy: is told again", async () => {
  const wanted = {
    expiresIn: "P2Y",
    lifetimeActions: [
      { action: "Rotate", timeAfterCreate: "P90D" },
      { action: "Notify", timeBeforeExpiry: "P30D" },
    ],
  };
  const updated = await client.updateKeyRotationPolicy("made-rsa", wanted);
  const read = await client.getKeyRotationPolicy("made-rsa");
  for (const policy of [updated, read]) {
    assert.equal(policy.expiresIn, "P2Y");
    assert.deepEqual(policy.lifetimeActions.map((item) => item.action).sort(), ["Notify", "Rotate"]);
    assert.equal(policy.lifetimeActions.find((item) => item.action === "Rotate").timeAfterCreate, "P90D");
    near(policy.createdOn, new Date(), "createdOn");
    near(policy.updatedOn, new Date(), "updatedOn");
  }
});

// --- Deleted, recovered, purged ---

await fact("beginDeleteKey: done, and the key tells when and for how long", async () => {
  await client.createRsaKey("mortal");
  const poller = await client.beginDeleteKey("mortal", soon);
  const deleted = await poller.pollUntilDone();
  assert.equal(deleted.name, "mortal");
  near(deleted.properties.deletedOn, new Date(), "deletedOn");
  assert.ok(deleted.properties.scheduledPurgeDate > deleted.properties.deletedOn);
  assert.equal(deleted.properties.recoveryId, `${client.vaultUrl}/deletedkeys/mortal`);
});

await fact("a deleted key is not there", async () => {
  await assert.rejects(client.getKey("mortal"), { statusCode: 404, code: "KeyNotFound" });
  assert.ok(!names(await all(client.listPropertiesOfKeys())).includes("mortal"));
});

await fact("getDeletedKey, listDeletedKeys: but it is here", async () => {
  assert.equal((await client.getDeletedKey("mortal")).name, "mortal");
  assert.ok(names(await all(client.listDeletedKeys())).includes("mortal"));
});

await fact("createKey: a deleted key keeps its name", async () => {
  await assert.rejects(client.createRsaKey("mortal"), { statusCode: 409, code: "Conflict" });
});

await fact("beginRecoverDeletedKey: the same key again", async () => {
  const deleted = await client.getDeletedKey("mortal");
  const poller = await client.beginRecoverDeletedKey("mortal", soon);
  const recovered = await poller.pollUntilDone();
  assert.equal(recovered.id, deleted.id);
  assert.deepEqual((await client.getKey("mortal")).key.n, deleted.key.n);
});

await fact("beginRecoverDeletedKey: of a key that was never deleted", async () => {
  await assert.rejects(client.beginRecoverDeletedKey("nobody", soon), { statusCode: 404 });
});

await fact("a slow service: the SDK asks until the key is deleted, and until it is back", async () => {
  await client.createRsaKey("slow");
  await withSettings({ delete_delay_ms: 400, recover_delay_ms: 400 }, async () => {
    const polls = await counted("getdeleted", async () => {
      await (await client.beginDeleteKey("slow", soon)).pollUntilDone();
    });
    assert.ok(polls >= 3, `${polls} polls`);
    await (await client.beginRecoverDeletedKey("slow", soon)).pollUntilDone();
  });
  assert.equal((await client.getKey("slow")).name, "slow");
});

await fact("backupKey, purgeDeletedKey, restoreKeyBackup: back with all its versions", async () => {
  await client.createRsaKey("saved");
  const newest = await client.createRsaKey("saved", { tags: { number: "two" } });
  const { result } = await cryptographyClient(newest).wrapKey("RSA-OAEP", Buffer.alloc(16, 1));
  const backup = await client.backupKey("saved");
  await (await client.beginDeleteKey("saved", soon)).pollUntilDone();
  await client.purgeDeletedKey("saved");
  const restored = await client.restoreKeyBackup(backup);
  assert.equal(restored.id, newest.id);
  assert.equal(restored.properties.tags.number, "two");
  assert.equal((await all(client.listPropertiesOfKeyVersions("saved"))).length, 2);
  const opened = await cryptographyClient(restored).unwrapKey("RSA-OAEP", result);
  assert.deepEqual(Buffer.from(opened.result), Buffer.alloc(16, 1));
});

await fact("purgeDeletedKey: gone for good, and the name is free", async () => {
  await client.createRsaKey("gone");
  await (await client.beginDeleteKey("gone", soon)).pollUntilDone();
  await client.purgeDeletedKey("gone");
  await assert.rejects(client.getDeletedKey("gone"), { statusCode: 404 });
  assert.equal((await client.createRsaKey("gone")).name, "gone");
});

await fact("restoreKeyBackup: not over a key that is there", async () => {
  const backup = await client.backupKey("made-rsa");
  await assert.rejects(client.restoreKeyBackup(backup), { statusCode: 409 });
});

await fact("restoreKeyBackup: not of anything", async () => {
  await assert.rejects(client.restoreKeyBackup(Buffer.from("nonsense")), { statusCode: 400 });
});
