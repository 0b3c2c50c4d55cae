// @azure/identity: each of its credentials that needs no human, over the stand-in's identity endpoints.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import {
  CLIENT_ID,
  CLIENT_SECRET,
  IDENTITY_URL,
  TENANT_ID,
  control,
  counted,
  identitySdk,
  keyClient,
} from "./sdk.mjs";
import { fact } from "./tap.mjs";

const {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  EnvironmentCredential,
  WorkloadIdentityCredential,
} = identitySdk();
const { env } = process;

// An authority that is none of Microsoft's; nobody is asked whether it is.
const here = { authorityHost: IDENTITY_URL, disableInstanceDiscovery: true };
const secret = (id = CLIENT_ID, value = CLIENT_SECRET, tenant = TENANT_ID) =>
  new ClientSecretCredential(tenant, id, value, here);
const certificate = (id = CLIENT_ID, options = {}) =>
  new ClientCertificateCredential(TENANT_ID, id, env.CLIENT_CERTIFICATE_FILE, { ...here, ...options });
const workload = () =>
  new WorkloadIdentityCredential({
    tenantId: TENANT_ID,
    clientId: CLIENT_ID,
    tokenFilePath: env.FEDERATED_TOKEN_FILE,
    ...here,
  });

async function opens(credential) {
  assert.equal((await keyClient(credential).getKey("kek")).name, "kek");
}

const refused = (credential, why) => assert.rejects(keyClient(credential).getKey("kek"), why);

async function otherCaller(what) {
  const id = randomUUID();
  await control("PUT", `/callers/${id}`, what);
  return id;
}

// --- A secret ---

await fact("ClientSecretCredential", () => opens(secret()));

await fact("ClientSecretCredential: one token for many requests", async () => {
  const client = keyClient(secret());
  const asked = await counted("token", async () => {
    await Promise.all([client.getKey("kek"), client.getKey("kek-3072")]);
    await client.getKey("kek-4096");
  });
  assert.equal(asked, 1);
});

await fact("ClientSecretCredential: a wrong secret", () =>
  refused(secret(CLIENT_ID, "wrong"), { name: "AuthenticationRequiredError", message: /AADSTS7000215/ }),
);

await fact("ClientSecretCredential: an application that nobody knows", () =>
  refused(secret(randomUUID()), /AADSTS700016/),
);

await fact("ClientSecretCredential: an application that was disabled", async () => {
  const id = await otherCaller({ secret: "sesame", disabled: true });
  await refused(secret(id, "sesame"), /AADSTS7000112/);
});

await fact("ClientSecretCredential: the challenge's tenant is the only one that it may ask", () =>
  refused(secret(CLIENT_ID, CLIENT_SECRET, randomUUID()), /tenant/i),
);

// --- A certificate ---

await fact("ClientCertificateCredential", () => opens(certificate()));

await fact("ClientCertificateCredential: with its chain", () =>
  opens(certificate(CLIENT_ID, { sendCertificateChain: true })),
);

await fact("ClientCertificateCredential: a certificate of somebody else", async () => {
  const id = await otherCaller({ permissions: ["get"] });
  await refused(certificate(id), /AADSTS700027/);
});

// --- A federated token ---

await fact("WorkloadIdentityCredential", () => opens(workload()));

await fact("WorkloadIdentityCredential: a token that has ended", async () => {
  await control("PUT", "/federated-token", { expires_in: -3600 });
  await refused(workload(), /AADSTS700024/);
});

await fact("WorkloadIdentityCredential: a token of another issuer", async () => {
  await control("PUT", "/federated-token", { issuer: "https://elsewhere.example" });
  await refused(workload(), /AADSTS70021/);
});

await fact("WorkloadIdentityCredential: a token that somebody made up", async () => {
  await control("PUT", "/federated-token", { false_key: true });
  await refused(workload(), /AADSTS/);
});

await fact("WorkloadIdentityCredential: the file is whole again", async () => {
  await control("PUT", "/federated-token");
  await opens(workload());
});

await fact("ClientAssertionCredential: the same token, brought by the application", async () => {
  const { readFile } = await import("node:fs/promises");
  const assertion = () => readFile(env.FEDERATED_TOKEN_FILE, "utf8");
  await opens(new ClientAssertionCredential(TENANT_ID, CLIENT_ID, assertion, here));
});

// --- The environment ---

const environment = {
  AZURE_TENANT_ID: TENANT_ID,
  AZURE_CLIENT_ID: CLIENT_ID,
  AZURE_AUTHORITY_HOST: IDENTITY_URL,
};

async function withEnvironment(variables, action) {
  Object.assign(env, environment, variables);
  try {
    await action();
  } finally {
    for (const name of Object.keys({ ...environment, ...variables })) {
      delete env[name];
    }
  }
}

await fact("EnvironmentCredential: with a secret", () =>
  withEnvironment({ AZURE_CLIENT_SECRET: CLIENT_SECRET }, () =>
    opens(new EnvironmentCredential({ disableInstanceDiscovery: true })),
  ),
);

await fact("EnvironmentCredential: with a certificate", () =>
  withEnvironment({ AZURE_CLIENT_CERTIFICATE_PATH: env.CLIENT_CERTIFICATE_FILE }, () =>
    opens(new EnvironmentCredential({ disableInstanceDiscovery: true })),
  ),
);

// --- A machine ---

// The SDK settles once what kind of machine it is on; so each kind is a thread to itself, which is asked in turn.
function machine(variables) {
  const worker = new Worker(new URL("./machine.mjs", import.meta.url), { env: { ...env, ...variables } });
  return {
    ask: async (options = {}) => {
      worker.postMessage(options);
      const [answer] = await once(worker, "message");
      return answer;
    },
    end: () => worker.terminate(),
  };
}

const imds = { AZURE_POD_IDENTITY_AUTHORITY_HOST: env.IMDS_URL };
const appService = { IDENTITY_ENDPOINT: env.APP_SERVICE_ENDPOINT, IDENTITY_HEADER: env.APP_SERVICE_HEADER };
const identities = [
  ["the machine's own", {}, env.SYSTEM_ID_CLIENT_ID],
  ["by client id", { clientId: env.MANAGED_ID_CLIENT_ID }, env.MANAGED_ID_CLIENT_ID],
  ["by object id", { objectId: env.MANAGED_ID_OBJECT_ID }, env.MANAGED_ID_CLIENT_ID],
  ["by resource id", { resourceId: env.MANAGED_ID_RESOURCE_ID }, env.MANAGED_ID_CLIENT_ID],
];

for (const [place, variables] of Object.entries({ IMDS: imds, "App Service": appService })) {
  const { ask, end } = machine(variables);

  for (const [which, options, id] of identities) {
    await fact(`ManagedIdentityCredential, ${place}: ${which}`, async () => {
      assert.deepEqual(await ask(options), { key: "kek", caller: id });
    });
  }

  await fact(`ManagedIdentityCredential, ${place}: an identity that is not there`, async () => {
    const { key, error } = await ask({ clientId: randomUUID() });
    assert.equal(key, undefined);
    assert.match(error, /Identity not found|No User Assigned/);
  });
  await end();
}

await fact("ManagedIdentityCredential, App Service: a wrong header", async () => {
  const { ask, end } = machine({ ...appService, IDENTITY_HEADER: "wrong" });
  const { error } = await ask();
  await end();
  assert.match(error, /X-IDENTITY-HEADER is missing or wrong/);
});
