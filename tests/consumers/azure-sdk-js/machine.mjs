// One question of a machine with a managed identity: who am I, and does the vault let me in? A worker thread.
import { parentPort, workerData } from "node:worker_threads";
import { identitySdk, keyClient } from "./sdk.mjs";

const { ManagedIdentityCredential } = identitySdk();
const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

try {
  const credential = new ManagedIdentityCredential({ ...workerData, retryOptions: { maxRetries: 0 } });
  const { name } = await keyClient(credential).getKey("kek");
  const { token } = await credential.getToken("https://vault.azure.net/.default");
  parentPort.postMessage({ key: name, caller: claimsOf(token).appid });
} catch (error) {
  parentPort.postMessage({ error: String(error.message) });
}
