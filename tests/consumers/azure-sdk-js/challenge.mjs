// The 401 challenges: whom the SDK asks for a token, what for, and when it gives up.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  CLIENT_ID,
  IDENTITY_URL,
  StaticCredential,
  TENANT_ID,
  client,
  control,
  counted,
  cryptographyClient,
  identitySdk,
  keyClient,
  withSettings,
} from "./sdk.mjs";
import { fact } from "./tap.mjs";

await fact("the challenge names tenant and resource, and the SDK follows it", async () => {
  const who = new StaticCredential();
  await keyClient(who).getKey("kek");
  assert.equal(who.asked.length, 1);
  assert.deepEqual(who.asked[0].scopes, ["https://vault.azure.net/.default"]);
  assert.equal(who.asked[0].tenantId, TENANT_ID);
  assert.equal(who.asked[0].enableCae, true);
});

await fact("one challenge, then one request each", async () => {
  const ours = keyClient(new StaticCredential());
  assert.equal(await counted("get", () => ours.getKey("kek")), 2);
  assert.equal(await counted("get", () => ours.getKey("kek")), 1);
});

await fact("the SDK gives no token to a vault that is not of the resource's domain", async () => {
  const who = new StaticCredential();
  const ours = keyClient(who, { disableChallengeResourceVerification: false });
  await assert.rejects(ours.getKey("kek"), /challenge resource 'vault.azure.net' does not match/);
  assert.equal(who.asked.length, 0);
});

await fact("a wrong secret: no token", async () => {
  const ours = keyClient(new StaticCredential(CLIENT_ID, "wrong"));
  await assert.rejects(ours.getKey("kek"), /AADSTS7000215/);
});

await fact("a token that is none: 401", async () => {
  const who = { getToken: async () => ({ token: "e30.e30.e30", expiresOnTimestamp: Date.now() + 3600_000 }) };
  await assert.rejects(keyClient(who).getKey("kek"), { name: "RestError", statusCode: 401, code: "Unauthorized" });
});

await fact("a token for somebody else: 401", async () => {
  const ours = new StaticCredential();
  const other = { getToken: (_, options) => ours.getToken("https://management.azure.com/.default", options) };
  await assert.rejects(keyClient(other).getKey("kek"), (error) => {
    assert.equal(error.statusCode, 401);
    assert.match(error.message, /AKV10022/);
    return true;
  });
});

await fact("a token of another tenant: 401", () =>
  withSettings({ token_tenant: randomUUID() }, () =>
    assert.rejects(keyClient(new StaticCredential()).getKey("kek"), { statusCode: 401, message: /AKV10032/ }),
  ),
);

await fact("a challenge with a scope instead of a resource", () =>
  withSettings({ challenge_by: "scope" }, async () => {
    const who = new StaticCredential();
    await keyClient(who).getKey("kek");
    assert.deepEqual(who.asked[0].scopes, ["https://vault.azure.net/.default"]);
  }),
);

await fact("a challenge by authorization_uri: the SDK asks its own tenant", () =>
  withSettings({ challenge_uri: true }, async () => {
    const who = new StaticCredential();
    await keyClient(who).getKey("kek");
    assert.equal(who.asked[0].tenantId, undefined);
  }),
);

await fact("a challenge that is none: 401", () =>
  withSettings({ challenge_header: 'Basic realm="here"' }, () =>
    assert.rejects(keyClient(new StaticCredential()).getKey("kek"), { statusCode: 401 }),
  ),
);

// --- Continuous access evaluation ---

const claims = (number) => ({ access_token: { nbf: { essential: true, value: String(1700000000 + number) } } });

// A client of a caller whose tokens are good, until they are challenged.
async function challenged(credentialOf, ...wanted) {
  const id = randomUUID();
  await control("PUT", `/callers/${id}`, { secret: "sesame", permissions: ["get", "wrapKey", "unwrapKey"] });
  const who = credentialOf(id);
  const ours = keyClient(who);
  await ours.getKey("kek");
  await control("PUT", `/callers/${id}`, { claims: wanted });
  return { who, ours };
}

const withStatic = (id) => new StaticCredential(id, "sesame");

await fact("a claims challenge: a new token with these claims, and the same request again", async () => {
  const { who, ours } = await challenged(withStatic, claims(1));
  assert.equal((await ours.getKey("kek")).name, "kek");
  assert.deepEqual(JSON.parse(who.asked.at(-1).claims), claims(1));
});

await fact("a claims challenge while a key is being unwrapped", async () => {
  const { result } = await cryptographyClient(await client.getKey("kek")).wrapKey("RSA-OAEP", Buffer.alloc(16, 9));
  const { ours } = await challenged(withStatic, claims(1));
  const opened = await ours.getCryptographyClient("kek").unwrapKey("RSA-OAEP", result);
  assert.deepEqual(Buffer.from(opened.result), Buffer.alloc(16, 9));
});

await fact("a first challenge, and a claims challenge right after it", async () => {
  const { who } = await challenged(withStatic, claims(1));
  assert.equal((await keyClient(who).getKey("kek")).name, "kek");
});

await fact("two claims challenges in a row: 401 for the caller", async () => {
  const { ours } = await challenged(withStatic, claims(1), claims(2));
  await assert.rejects(ours.getKey("kek"), { statusCode: 401 });
});

await fact("a claims challenge: ClientSecretCredential brings a token with the claims", async () => {
  const { ClientSecretCredential } = identitySdk();
  const options = { authorityHost: IDENTITY_URL, disableInstanceDiscovery: true };
  const { ours } = await challenged((id) => new ClientSecretCredential(TENANT_ID, id, "sesame", options), claims(1));
  assert.equal(await counted("token", () => ours.getKey("kek")), 1);
});
