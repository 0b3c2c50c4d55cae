// A key is made, found and changed.
import assert from "node:assert/strict";
import { all, client, control, near, withSettings } from "./sdk.mjs";
import { fact } from "./tap.mjs";

const SIX = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];
const names = (list) => list.map((properties) => properties.name);
const sixes = (key) => [...key.keyOperations].sort();

// --- Made ---

await fact("createRsaKey: the bundle is whole", async () => {
  const key = await client.createRsaKey("made-rsa", { keySize: 2048 });
  assert.equal(key.name, "made-rsa");
  assert.equal(key.keyType, "RSA");
  assert.equal(key.key.n.length, 256);
  assert.deepEqual([...key.key.e], [1, 0, 1]);
  assert.deepEqual(sixes(key), [...SIX].sort());
  assert.match(key.properties.version, /^[0-9a-f]{32}$/);
  assert.equal(key.id, `${client.vaultUrl}/keys/made-rsa/${key.properties.version}`);
  assert.equal(key.properties.enabled, true);
  assert.equal(key.properties.exportable, false);
  near(key.properties.createdOn, new Date(), "createdOn");
  near(key.properties.updatedOn, new Date(), "updatedOn");
  assert.match(key.properties.recoveryLevel, /Recoverable/);
  assert.ok(key.properties.recoverableDays >= 7);
});

await fact("createRsaKey: no private part is ever told", async () => {
  const key = await client.createRsaKey("made-rsa-2");
  for (const part of ["d", "p", "q", "dp", "dq", "qi", "k"]) {
    assert.equal(key.key[part], undefined, part);
  }
});

await fact("createRsaKey: 3072 and 4096 bits", async () => {
  for (const keySize of [3072, 4096]) {
    const key = await client.createRsaKey(`made-rsa-${keySize}`, { keySize });
    assert.equal(key.key.n.length, keySize / 8);
  }
});

await fact("createRsaKey: an HSM's key says so", async () => {
  const key = await client.createRsaKey("made-rsa-hsm", { hsm: true });
  assert.equal(key.keyType, "RSA-HSM");
});

await fact("createKey: what is asked for is set", async () => {
  const notBefore = new Date("2020-01-02T03:04:05Z");
  const expiresOn = new Date("2037-01-02T03:04:05Z");
  const key = await client.createKey("made-so", "RSA", {
    enabled: false,
    keyOps: ["wrapKey", "unwrapKey"],
    tags: { purpose: "storage", note: "äöü" },
    notBefore,
    expiresOn,
  });
  assert.equal(key.properties.enabled, false);
  assert.deepEqual(sixes(key), ["unwrapKey", "wrapKey"]);
  assert.deepEqual({ ...key.properties.tags }, { purpose: "storage", note: "äöü" });
  assert.deepEqual(key.properties.notBefore, notBefore);
  assert.deepEqual(key.properties.expiresOn, expiresOn);
});

for (const [curve, size] of [["P-256", 32], ["P-384", 48], ["P-521", 66], ["P-256K", 32]]) {
  await fact(`createEcKey: ${curve}`, async () => {
    const key = await client.createEcKey(`made-${curve}`, { curve });
    assert.equal(key.keyType, "EC");
    assert.equal(key.key.crv, curve);
    assert.equal(key.key.x.length, size);
    assert.equal(key.key.y.length, size);
    assert.deepEqual(sixes(key), ["sign", "verify"]);
  });
}

// --- Found ---

await fact("listPropertiesOfKeys: every key once", async () => {
  const list = names(await all(client.listPropertiesOfKeys()));
  for (const name of ["kek", "signer", "made-rsa"]) {
    assert.equal(list.filter((other) => other === name).length, 1, name);
  }
});

await fact("listPropertiesOfKeys: pages are followed to the end", async () => {
  const whole = names(await all(client.listPropertiesOfKeys()));
  const pages = await all(client.listPropertiesOfKeys().byPage({ maxPageSize: 2 }));
  assert.deepEqual(names(pages.flat()), whole);
});

await fact("listPropertiesOfKeys: more than 25 keys are more than one page", async () => {
  for (let i = 0; i < 26; i++) {
    await control("PUT", `/keys/many-${i}`, { kty: "EC" });
  }
  const pages = await all(client.listPropertiesOfKeys().byPage());
  assert.ok(pages.length >= 2 && pages[0].length === 25, pages.map((page) => page.length).join(" "));
  assert.equal(names(pages.flat()).filter((name) => name.startsWith("many-")).length, 26);
});

await fact("listPropertiesOfKeys: empty pages are no end", async () => {
  const list = await withSettings({ empty_pages: 2 }, async () => names(await all(client.listPropertiesOfKeys())));
  assert.ok(list.includes("made-rsa") && list.includes("kek"));
});

await fact("getKey: the one made last, and any by its version", async () => {
  const first = await client.createRsaKey("twice");
  const second = await client.createRsaKey("twice");
  assert.notEqual(first.properties.version, second.properties.version);
  assert.equal((await client.getKey("twice")).properties.version, second.properties.version);
  const again = await client.getKey("twice", { version: first.properties.version });
  assert.deepEqual(again.key.n, first.key.n);
});

await fact("listPropertiesOfKeyVersions: all of them", async () => {
  const list = await all(client.listPropertiesOfKeyVersions("twice"));
  assert.equal(list.length, 2);
  assert.equal(new Set(list.map((item) => item.version)).size, 2);
  assert.deepEqual(new Set(names(list)), new Set(["twice"]));
});

// --- Changed ---

await fact("updateKeyProperties: tags, and nothing else", async () => {
  const before = await client.getKey("made-rsa");
  await client.updateKeyProperties("made-rsa", { tags: { colour: "green" } });
  const after = await client.getKey("made-rsa");
  assert.deepEqual({ ...after.properties.tags }, { colour: "green" });
  assert.equal(after.properties.enabled, true);
  assert.deepEqual(sixes(after), sixes(before));
  assert.deepEqual(after.key.n, before.key.n);
});

await fact("updateKeyProperties: one version only", async () => {
  const [one, other] = await all(client.listPropertiesOfKeyVersions("twice"));
  await client.updateKeyProperties("twice", one.version, { enabled: false });
  assert.equal((await client.getKey("twice", { version: one.version })).properties.enabled, false);
  assert.equal((await client.getKey("twice", { version: other.version })).properties.enabled, true);
});

await fact("updateKeyProperties: uses and end", async () => {
  const expiresOn = new Date("2037-06-01T00:00:00Z");
  await client.updateKeyProperties("made-rsa-2", { keyOps: ["verify", "sign"], expiresOn });
  const key = await client.getKey("made-rsa-2");
  assert.deepEqual(sixes(key), ["sign", "verify"]);
  assert.deepEqual(key.properties.expiresOn, expiresOn);
});
