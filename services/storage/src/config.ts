import { join } from "node:path";
import type { Environment } from "@reelmesh/mesh/environment.js";
import { dataFolder } from "@reelmesh/mesh/secret.js";

/** How to reach an Azure storage account. */
export type AzureAccount =
  | { readonly kind: "connection string"; readonly connectionString: string }
  | { readonly kind: "key"; readonly account: string; readonly key: string }
  | { readonly kind: "identity"; readonly account: string };

/** Where objects are kept. */
export type StorageConfig =
  | { readonly kind: "disk"; readonly folder: string }
  | { readonly kind: "azure"; readonly account: AzureAccount; readonly container: string };

const ACCOUNT = /^[a-z0-9]{3,24}$/;
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const BASE64 = /^[A-Za-z0-9+/]{4,}={0,2}$/;

/**
 * Reads where objects are kept: in Azure by `AZURE_STORAGE_CONNECTION_STRING`, by `STORAGE_ACCOUNT_NAME` and
 * `STORAGE_ACCESS_KEY`, or by `STORAGE_ACCOUNT_NAME` alone and the process's own identity; in the container
 * `STORAGE_CONTAINER`, default `reelmesh`. Without any of them on disk, unless the module has the process to itself.
 */
export function readConfig(environment: Environment): StorageConfig {
  const account = readAccount(environment);
  const container = environment.string("STORAGE_CONTAINER", { default: "reelmesh" });
  if (!CONTAINER.test(container))
    environment.fault("STORAGE_CONTAINER", container, "3 to 63 of a-z 0-9 and single dashes between them");
  if (account) return { kind: "azure", account, container };
  const lonely = ["STORAGE_ACCESS_KEY", "STORAGE_CONTAINER"].find((name) => environment.optional(name) !== undefined);
  if (lonely !== undefined)
    environment.fault("STORAGE_ACCOUNT_NAME", undefined, `the Azure storage account that ${lonely} belongs to`);
  else if (environment.alone)
    environment.fault(
      "STORAGE_ACCOUNT_NAME",
      undefined,
      "an Azure storage account (or AZURE_STORAGE_CONNECTION_STRING): a service of its own does not keep objects on its disk",
    );
  return { kind: "disk", folder: join(dataFolder(environment), "objects") };
}

function readAccount(environment: Environment): AzureAccount | undefined {
  const connectionString = environment.optional("AZURE_STORAGE_CONNECTION_STRING");
  const account = environment.optional("STORAGE_ACCOUNT_NAME");
  const key = environment.optional("STORAGE_ACCESS_KEY");
  if (connectionString !== undefined) {
    if (account !== undefined || key !== undefined)
      environment.fault("AZURE_STORAGE_CONNECTION_STRING", undefined, "either it or STORAGE_ACCOUNT_NAME, not both");
    if (!isConnectionString(connectionString))
      environment.fault(
        "AZURE_STORAGE_CONNECTION_STRING",
        undefined,
        "a connection string as the Azure portal shows it",
      );
    return { kind: "connection string", connectionString };
  }
  if (key !== undefined && !BASE64.test(key))
    environment.fault("STORAGE_ACCESS_KEY", undefined, "an access key of the account, in base64");
  if (account === undefined) return undefined;
  if (!ACCOUNT.test(account)) environment.fault("STORAGE_ACCOUNT_NAME", account, "3 to 24 of a-z 0-9");
  return key === undefined ? { kind: "identity", account } : { kind: "key", account, key };
}

function isConnectionString(text: string): boolean {
  const keys = text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => /^\s*([A-Za-z]+)=\S+/.exec(part)?.[1]);
  const has = (...wanted: string[]) => wanted.every((key) => keys.includes(key));
  if (keys.includes(undefined)) return false;
  return (
    has("UseDevelopmentStorage") || has("AccountName", "AccountKey") || has("BlobEndpoint", "SharedAccessSignature")
  );
}
