// Questions of a machine with a managed identity: who am I, and does the vault let me in? A worker thread.
import { parentPort } from "node:worker_threads";
import { identitySdk, keyClient } from "./sdk.mjs";

const { ManagedIdentityCredential } = identitySdk();
const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

// options: which identity, as ManagedIdentityCredential takes it.
async function answer(options) {
  const credential = new ManagedIdentityCredential({ ...options, retryOptions: { maxRetries: 0 } });
  const { name } = await keyClient(credential).getKey("kek");
  const { token } = await credential.getToken("https://vault.azure.net/.default");
  return { key: name, caller: claimsOf(token).appid };
}

parentPort.on("message", async (options) => {
  parentPort.postMessage(await answer(options).catch((error) => ({ error: String(error.message) })));
});
