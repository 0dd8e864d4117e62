import type { ContainerClient, StoragePipelineOptions } from "@azure/storage-blob";
import type { AzureAccount } from "../config.js";

// The caller's patience is seconds, not the SDK's default of minutes.
const OPTIONS: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 },
};

/** A client of a container. Nothing is sent yet. */
export async function connect(account: AzureAccount, container: string): Promise<ContainerClient> {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import("@azure/storage-blob");
  switch (account.kind) {
    case "connection string":
      return BlobServiceClient.fromConnectionString(account.connectionString, OPTIONS).getContainerClient(container);
    case "key": {
      const credential = new StorageSharedKeyCredential(account.account, account.key);
      return new BlobServiceClient(endpoint(account.account), credential, OPTIONS).getContainerClient(container);
    }
    case "identity": {
      const { DefaultAzureCredential } = await import("@azure/identity");
      const credential = new DefaultAzureCredential();
      return new BlobServiceClient(endpoint(account.account), credential, OPTIONS).getContainerClient(container);
    }
  }
}

function endpoint(account: string): string {
  return `https://${account}.blob.core.windows.net`;
}
