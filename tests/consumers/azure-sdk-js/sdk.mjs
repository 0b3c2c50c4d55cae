// The SDK as it is installed, and the stand-in that tests/with-tokens has started.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";

// The SDK wants Node.js 20; all that it misses in 18, which Debian 12 has, is this name.
globalThis.crypto ??= webcrypto;

const require = createRequire(`${process.env.AZURE_SDK_JS}/package.json`);
const { CryptographyClient, KeyClient } = require("@azure/keyvault-keys");

export const identitySdk = () => require("@azure/identity");

export const { VAULT_URL, MHSM_URL, IDENTITY_URL, CONTROL_URL, TENANT_ID, CLIENT_ID, BUILDDIR } = process.env;
export const CLIENT_SECRET = readFileSync(process.env.CLIENT_SECRET_FILE, "utf8").trimEnd();

// The service's address is none of its domains here: the SDK has an option for that.
const loopback = { disableChallengeResourceVerification: true, retryOptions: { retryDelayInMs: 20 } };

// A credential without @azure/identity. `asked` is what the SDK wanted of it, request by request.
export class StaticCredential {
  constructor(id = CLIENT_ID, secret = CLIENT_SECRET) {
    Object.assign(this, { id, secret, asked: [] });
  }

  async getToken(scopes, options = {}) {
    this.asked.push({ scopes, ...options });
    const claims = options.claims ? JSON.parse(options.claims) : {};
    claims.access_token = { ...claims.access_token, xms_cc: { values: ["cp1"] } };
    const form = {
      grant_type: "client_credentials",
      client_id: this.id,
      client_secret: this.secret,
      scope: [scopes].flat().join(" "),
      claims: JSON.stringify(claims),
    };
    const url = `${IDENTITY_URL}/${options.tenantId ?? TENANT_ID}/oauth2/v2.0/token`;
    const answer = await (await fetch(url, { method: "POST", body: new URLSearchParams(form) })).json();
    if (!answer.access_token) {
      throw new Error(answer.error_description);
    }
    return { token: answer.access_token, expiresOnTimestamp: Date.now() + answer.expires_in * 1000 };
  }
}

export const credential = new StaticCredential();

export function keyClient(who = credential, options = {}, url = VAULT_URL) {
  return new KeyClient(url, who, { ...loopback, ...options });
}

// The same, and `answers`: what came back to it, and the id that it had sent.
export function watchedClient(who = credential, url = VAULT_URL) {
  const answers = [];
  const policy = {
    name: "watch",
    sendRequest: async (request, next) => {
      const response = await next(request);
      const sent = request.headers.get("x-ms-client-request-id");
      answers.push({ status: response.status, headers: response.headers.toJSON(), sent });
      return response;
    },
  };
  const additionalPolicies = [{ policy, position: "perCall" }];
  return { client: keyClient(who, { additionalPolicies }, url), answers };
}

// key: what a KeyClient gave, or an identifier.
export function cryptographyClient(key, who = credential, options = {}) {
  return new CryptographyClient(key, who, { ...loopback, ...options });
}

export const keyUrl = (name, version) => [VAULT_URL, "keys", name, version].filter(Boolean).join("/");

export const client = keyClient();

// A call of the stand-in's control port.
export async function control(method, path, body) {
  const answer = await fetch(CONTROL_URL + path, { method, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  return JSON.parse(text);
}

// The stand-in behaves so while the action runs.
export async function withSettings(settings, action) {
  const before = await control("GET", "/settings");
  const names = Object.keys(settings);
  await control("PUT", "/settings", settings);
  try {
    return await action();
  } finally {
    await control("PUT", "/settings", Object.fromEntries(names.map((name) => [name, before[name]])));
  }
}

// How many requests of this kind an action makes.
export async function counted(kind, action) {
  const count = async () => (await control("GET", "/counts")).requests[kind];
  const before = await count();
  await action();
  return (await count()) - before;
}

let callers = 0;

// Somebody with these permissions only.
export async function callerWith(permissions) {
  const id = `00000000-0000-0000-0000-${String(++callers).padStart(12, "0")}`;
  await control("PUT", `/callers/${id}`, { secret: "sesame", permissions });
  return new StaticCredential(id, "sesame");
}

const run = promisify(execFile);

// Our module does it: verb "wrap" or "unwrap", under the key of this label. Rejects with the CK_RV's name.
export async function byModule(verb, label, algorithm, bytes) {
  const program = `${BUILDDIR}/tests/consumers/module_wrap`;
  const hex = Buffer.from(bytes).toString("hex");
  const { stdout } = await run(program, [verb, label, algorithm, hex]);
  return Buffer.from(stdout.trim(), "hex");
}

// A time of the service, which is this machine's.
export function near(date, expected, name) {
  assert.ok(Math.abs(date - expected) < 60_000, `${name}: ${date}`);
}

export async function all(pages) {
  const items = [];
  for await (const item of pages) {
    items.push(item);
  }
  return items;
}
