import { RepairIndexesResponse } from "@reelmesh/proto/reelmesh/documents/v1/documents_service.js";
import type { Command } from "../command.js";
import { printable } from "../mesh/paint.js";
import { withConnection } from "./connection.js";
import { ADDRESSES_USAGE, readOptions } from "./options.js";
import { createProgress } from "./progress.js";

const JSON_OPTION = { json: { type: "boolean" } } as const;

/** Writes every document in the present schema. */
export const migrate: Command = {
  name: "admin migrate",
  usage: `admin migrate [--json]
      Write every stored document in the schema of the version that runs, while it runs. Repeated, it does what is left.
      ${ADDRESSES_USAGE}.`,
  async run(invocation) {
    const json = readOptions(invocation, JSON_OPTION).has("json");
    const progress = createProgress(invocation, !json);
    await withConnection(invocation.environment, async ({ owners, scope }) => {
      for (const { name: service, documents } of owners) {
        const { collections } = await documents.listCollections({}, await scope());
        for (const { name: collection, schema, documentCount } of collections) {
          let done = { examinedCount: 0n, migratedCount: 0n };
          for await (const step of documents.migrateDocuments({ collection }, await scope())) {
            done = step;
            progress.show(`${service} ${collection}: ${done.examinedCount} of ${documentCount}`);
          }
          progress.clear();
          const [examined, migrated] = [Number(done.examinedCount), Number(done.migratedCount)];
          const words = `${service} ${collection}: ${migrated} of ${examined} written anew, all in schema ${schema}`;
          invocation.out(json ? JSON.stringify({ service, collection, schema, examined, migrated }) : words);
        }
      }
    });
  },
};

/** Puts the stores' indexes right. */
export const reindex: Command = {
  name: "admin reindex",
  usage: `admin reindex [--json]
      Build the indexes that are missing and put right those that are there, while everything runs.
      ${ADDRESSES_USAGE}.`,
  async run(invocation) {
    const json = readOptions(invocation, JSON_OPTION).has("json");
    const progress = createProgress(invocation, !json);
    await withConnection(invocation.environment, async ({ owners, scope }) => {
      for (const { name: service, documents } of owners) {
        const { collections } = await documents.listCollections({}, await scope());
        for (const { name: collection } of collections) {
          let done = RepairIndexesResponse.fromPartial({});
          for await (const step of documents.repairIndexes({ collection }, await scope())) {
            done = step;
            progress.show(`${service} ${collection}: ${done.examinedCount} documents`);
          }
          progress.clear();
          const { built, unused } = done;
          const repaired = Number(done.repairedCount);
          const notes = [
            `${repaired} entries put right`,
            ...(built.length > 0 ? [`built ${built.join(", ")}`] : []),
            ...(unused.length > 0 ? [`not used by this version: ${unused.join(", ")}`] : []),
          ];
          const words = `${service} ${collection}: ${notes.join("; ")}`;
          invocation.out(json ? JSON.stringify({ service, collection, repaired, built, unused }) : printable(words));
        }
      }
    });
  },
};

/** Removes what is past its time. */
export const sweep: Command = {
  name: "admin sweep",
  usage: `admin sweep [--dry-run] [--json]
      Remove at once what is past its time: deleted videos, ended uploads, sources without a video, blocks never committed.
      With --dry-run, only tell what would be removed now.
      ${ADDRESSES_USAGE}.`,
  async run(invocation) {
    const options = readOptions(invocation, { ...JSON_OPTION, "dry-run": { type: "boolean" } });
    const [json, dryRun] = [options.has("json"), options.has("dry-run")];
    let count = 0;
    await withConnection(invocation.environment, async ({ sweeps, scope }) => {
      for (const { service, client } of sweeps) {
        for await (const swept of client.sweep({ dryRun }, await scope())) {
          count++;
          const words = `${swept.sweep}: ${swept.resource}`;
          invocation.out(json ? JSON.stringify({ service, ...swept, removed: !dryRun }) : printable(words));
        }
      }
    });
    if (!json) invocation.out(dryRun ? `${count} would be removed` : `${count} removed`);
  },
};
