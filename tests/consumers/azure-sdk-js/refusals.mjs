// Refusals and bad days, as the SDK shows them to its user.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  CLIENT_ID,
  StaticCredential,
  TENANT_ID,
  VAULT_URL,
  callerWith,
  client,
  control,
  counted,
  cryptographyClient,
  keyClient,
  keyUrl,
} from "./sdk.mjs";
import { fact } from "./tap.mjs";

// What a fault does while the action runs; and it is over.
async function during(fault, action) {
  await control("PUT", "/faults", [fault]);
  try {
    return await action();
  } finally {
    await control("DELETE", "/faults");
  }
}

const inner = (error) => error.details?.error?.innerError?.code;

// --- 401 ---

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

// --- 403 ---

await fact("a permission that is missing: 403 Forbidden, ForbiddenByPolicy", async () => {
  const ours = keyClient(await callerWith(["list"]));
  await assert.rejects(ours.getKey("kek"), (error) => {
    assert.equal(error.statusCode, 403);
    assert.equal(error.code, "Forbidden");
    assert.equal(inner(error), "ForbiddenByPolicy");
    assert.match(error.message, /does not have keys get permission/);
    return true;
  });
});

await fact("a role that is missing: 403 Forbidden, ForbiddenByRbac", async () => {
  const ours = keyClient(await callerWith([]));
  await control("PUT", "/settings", { rbac: true });
  try {
    await assert.rejects(ours.getKey("kek"), (error) => {
      assert.equal(inner(error), "ForbiddenByRbac");
      return true;
    });
  } finally {
    await control("PUT", "/settings", { rbac: false });
  }
});

await fact("list, wrapKey and unwrapKey are enough to wrap and unwrap", async () => {
  const crypto = cryptographyClient(keyUrl("kek"), await callerWith(["list", "wrapKey", "unwrapKey"]));
  const key = randomBytes(32);
  const { result } = await crypto.wrapKey("RSA-OAEP", key);
  assert.deepEqual(Buffer.from((await crypto.unwrapKey("RSA-OAEP", result)).result), key);
});

await fact("a disabled key: can be looked at, and 403 KeyDisabled when used", async () => {
  const key = await client.createRsaKey("disabled");
  const { result } = await cryptographyClient(key).wrapKey("RSA-OAEP", randomBytes(16));
  await client.updateKeyProperties("disabled", { enabled: false });
  assert.equal((await client.getKey("disabled")).properties.enabled, false);
  await assert.rejects(cryptographyClient(key).unwrapKey("RSA-OAEP", result), (error) => {
    assert.equal(error.statusCode, 403);
    assert.equal(inner(error), "KeyDisabled");
    return true;
  });
});

await fact("a use that the key is not for: 403 KeyOperationForbidden", async () => {
  await client.createRsaKey("signs-only", { keyOps: ["sign", "verify"] });
  const crypto = cryptographyClient(keyUrl("signs-only"), await callerWith(["wrapKey"]));
  await assert.rejects(crypto.wrapKey("RSA-OAEP", randomBytes(16)), (error) => {
    assert.equal(error.statusCode, 403);
    assert.equal(inner(error), "KeyOperationForbidden");
    return true;
  });
});

// --- 400, 404 ---

await fact("a key that is not there: 404 KeyNotFound", async () => {
  await assert.rejects(client.getKey("nobody"), { name: "RestError", statusCode: 404, code: "KeyNotFound" });
});

await fact("a version that is not there: 404 KeyNotFound", async () => {
  const version = "0".repeat(32);
  await assert.rejects(client.getKey("kek", { version }), { statusCode: 404, code: "KeyNotFound" });
});

await fact("a name that is none: 400, and a page that is no JSON", async () => {
  await assert.rejects(client.getKey("not_a_name"), { statusCode: 400 });
});

await fact("a type of key that is none: 400 BadParameter", async () => {
  await assert.rejects(client.createKey("odd", "round"), { statusCode: 400, code: "BadParameter" });
});

await fact("a ciphertext that is none: 400 BadParameter", async () => {
  const crypto = cryptographyClient(keyUrl("kek"));
  await assert.rejects(crypto.unwrapKey("RSA-OAEP", randomBytes(256)), { statusCode: 400, code: "BadParameter" });
});

await fact("an api-version that is none: 400 BadParameter", async () => {
  const ours = keyClient(undefined, { serviceVersion: "1.0" });
  await assert.rejects(ours.getKey("kek"), { statusCode: 400, code: "BadParameter" });
});

for (const serviceVersion of ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01"]) {
  await fact(`api-version ${serviceVersion}`, async () => {
    assert.equal((await keyClient(undefined, { serviceVersion }).getKey("kek")).name, "kek");
  });
}

// --- Bad days ---

await fact("throttled twice: the SDK comes again", async () => {
  const asked = await during({ match: { op: "get" }, times: 2, status: 429, retry_after: "0" }, () =>
    counted("get", () => client.getKey("kek")),
  );
  assert.equal(asked, 3);
});

await fact("throttled for good: 429 Throttled", async () => {
  await during({ match: { op: "get" }, status: 429, retry_after: "0" }, () =>
    assert.rejects(client.getKey("kek"), { statusCode: 429, code: "Throttled" }),
  );
});

await fact("down once: the SDK comes again", async () => {
  const asked = await during({ match: { op: "unwrapkey" }, times: 1, status: 503 }, () =>
    counted("unwrapkey", async () => {
      const crypto = cryptographyClient(await client.getKey("kek"));
      const { result } = await crypto.wrapKey("RSA-OAEP", randomBytes(16));
      await crypto.unwrapKey("RSA-OAEP", result);
    }),
  );
  assert.equal(asked, 3); // the challenge, 503, 200
});

await fact("a connection that is cut once: the SDK comes again", async () => {
  await during({ match: { op: "get" }, times: 1, cut: true }, async () => {
    assert.equal((await client.getKey("kek")).name, "kek");
  });
});

await fact("a page of some machine in between: an error with its status", async () => {
  await during({ match: { op: "get" }, html: true, status: 403 }, () =>
    assert.rejects(client.getKey("kek"), { statusCode: 403 }),
  );
});

await fact("each answer carries the request id that the SDK sent", async () => {
  let headers;
  const keepHeaders = {
    name: "keepHeaders",
    sendRequest: async (request, next) => {
      const response = await next(request);
      headers = { sent: request.headers.get("x-ms-client-request-id"), got: response.headers.toJSON() };
      return response;
    },
  };
  const ours = keyClient(undefined, { additionalPolicies: [{ policy: keepHeaders, position: "perCall" }] });
  await ours.getKey("kek");
  assert.ok(headers.sent);
  assert.equal(headers.got["x-ms-client-request-id"], headers.sent);
  assert.ok(headers.got["x-ms-request-id"]);
  assert.ok(new URL(VAULT_URL));
});
