import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { AccessTable } from "../../src/access.js";
import { DomainError } from "../../src/errors.js";
import {
  defineModule,
  serve,
  type Implementation,
  type Mesh,
  type Module,
  type RunningModule,
} from "../../src/module.js";

type Storage = typeof StorageServiceDefinition;

export const EVERYBODY: AccessTable<Storage> = {
  stageBlock: "anybody",
  commitBlocks: "anybody",
  discardBlocks: "anybody",
  readObject: "anybody",
  getObject: "anybody",
  deleteObject: "anybody",
  listObjects: "anybody",
};

const refuse = () => Promise.reject(new DomainError("UNIMPLEMENTED"));

/** What a test's module is besides the methods it implements. */
export interface StorageOptions {
  readonly name?: string;
  readonly clients?: readonly string[];
  readonly access?: Partial<AccessTable<Storage>>;
  readonly running?: Omit<RunningModule, "services">;
}

/** A module that serves the storage contract by the methods given, and refuses the others. */
export function storageModule(
  implement: Partial<Implementation<Storage>> | ((mesh: Mesh) => Partial<Implementation<Storage>>),
  options: StorageOptions = {},
): Module {
  return defineModule({
    name: options.name ?? "storage",
    port: 7001,
    clients: options.clients ?? [],
    config: () => undefined,
    async start(_, mesh) {
      const implementation: Implementation<Storage> = {
        stageBlock: refuse,
        commitBlocks: refuse,
        discardBlocks: refuse,
        readObject: async function* () {
          yield await refuse();
        },
        getObject: refuse,
        deleteObject: refuse,
        listObjects: refuse,
        ...(typeof implement === "function" ? implement(mesh) : implement),
      };
      const access = { ...EVERYBODY, ...options.access };
      return { ...options.running, services: [serve(StorageServiceDefinition, implementation, access)] };
    },
  });
}
