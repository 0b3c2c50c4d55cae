// Refusals and bad days, as the SDK shows them to its user.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  callerWith,
  client,
  control,
  counted,
  cryptographyClient,
  keyClient,
  keyUrl,
  watchedClient,
  withSettings,
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

async function refused(promise, status, why) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, "RestError");
    assert.equal(error.statusCode, status);
    assert.equal(error.code, "Forbidden");
    assert.equal(error.details.error.innerError.code, why);
    return true;
  });
}

// --- 403 ---

await fact("a permission that is missing: 403 Forbidden, ForbiddenByPolicy", async () => {
  const ours = keyClient(await callerWith(["list"]));
  await refused(ours.getKey("kek"), 403, "ForbiddenByPolicy");
  await assert.rejects(ours.getKey("kek"), /does not have keys get permission/);
});

await fact("a role that is missing: 403 Forbidden, ForbiddenByRbac", async () => {
  const ours = keyClient(await callerWith([]));
  await withSettings({ rbac: true }, () => refused(ours.getKey("kek"), 403, "ForbiddenByRbac"));
});

await fact("a permission that is given is there a little later", () =>
  withSettings({ permission_delay_ms: 2000 }, async () => {
    const who = await callerWith([]);
    const given = Date.now();
    await control("PUT", `/callers/${who.id}/permissions`, ["get"]);
    // A machine that is too slow to ask within the two seconds has shown nothing.
    const early = await keyClient(who).getKey("kek").then(() => null, (error) => error);
    assert.ok(early?.statusCode === 403 || Date.now() - given >= 2000);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    assert.equal((await keyClient(who).getKey("kek")).name, "kek");
  }),
);

for (const [setting, why] of [["firewall", "ForbiddenByFirewall"], ["private_link", "ForbiddenByConnection"]]) {
  await fact(`the way is closed: 403 Forbidden, ${why}`, () =>
    withSettings({ [setting]: true }, () => refused(keyClient().getKey("kek"), 403, why)),
  );
}

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
  await refused(cryptographyClient(key).unwrapKey("RSA-OAEP", result), 403, "KeyDisabled");
});

await fact("a use that the key is not for: 403 KeyOperationForbidden", async () => {
  await client.createRsaKey("signs-only", { keyOps: ["sign", "verify"] });
  const crypto = cryptographyClient(keyUrl("signs-only"), await callerWith(["wrapKey"]));
  await refused(crypto.wrapKey("RSA-OAEP", randomBytes(16)), 403, "KeyOperationForbidden");
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

await fact("more than the vault's quota: the SDK waits as long as it is told, and comes through", () =>
  withSettings({ quota_per_second: 5, quota_retry_after: "1" }, async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => client.getKey("kek")));
    assert.equal(keys.length, 8);
  }),
);

// A true 429 does not say how long.
await fact("more than the vault's quota, and not told how long to wait: 429", () =>
  withSettings({ quota_per_second: 1 }, () =>
    assert.rejects(Promise.all([1, 2, 3].map(() => client.getKey("kek"))), { statusCode: 429, code: "Throttled" }),
  ),
);

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
  const { client: ours, answers } = watchedClient();
  await ours.getKey("kek");
  const { headers, sent } = answers.at(-1);
  assert.ok(sent);
  assert.equal(headers["x-ms-client-request-id"], sent);
  assert.ok(headers["x-ms-request-id"]);
});
