import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import type { ChannelOptions } from "@grpc/grpc-js";
import { afterEach } from "@jest/globals";
import { randomUUID } from "node:crypto";
import type { CallScope } from "../../src/call.js";
import { openChannel, type Channel } from "../../src/channel.js";
import { createClient, type Client } from "../../src/client.js";
import type { Module } from "../../src/module.js";
import { startModules, type RunningMesh } from "../../src/start.js";
import type { Tokens } from "../../src/tokens.js";

/** 32 bytes, as base64. */
export const SECRET = Buffer.alloc(32, 7).toString("base64");

const cleanups: (() => Promise<void> | void)[] = [];

/** Has something undone when the test has ended, the last first. */
export function afterTest(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A line of the log. */
export type Line = Readonly<Record<string, unknown>>;

/** A mesh on free ports with what it wrote in its log. */
export interface TestMesh extends RunningMesh {
  readonly lines: readonly Line[];
  /** The lines that calls wrote. */
  calls(): readonly Line[];
}

/** The environment of a test's modules: free ports, one secret, no time wasted at the end. */
export function environmentOf(modules: readonly Pick<Module, "name">[]): Record<string, string> {
  const listens: Record<string, string> = {};
  for (const { name } of modules) listens[`${name.toUpperCase().replaceAll("-", "_")}_LISTEN`] = "127.0.0.1:0";
  return {
    ...listens,
    OPS_LISTEN: "127.0.0.1:0",
    MESH_SECRET: SECRET,
    MESH_DRAIN_MS: "0",
    LOG_LEVEL: "info",
  };
}

/** Starts modules, which stop when the test has ended. */
export async function startMesh(modules: readonly Module[], variables: Record<string, string> = {}): Promise<TestMesh> {
  const lines: Line[] = [];
  const logTo = { write: (text: string) => lines.push(parseLine(text)) };
  const mesh = await startModules(modules, { ...environmentOf(modules), ...variables }, logTo);
  afterTest(() => mesh.stop());
  return { ...mesh, lines, calls: () => lines.filter((line) => typeof line.duration_ms === "number") };
}

export function parseLine(text: string): Line {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** Opens a channel as another service of the mesh would. */
export function channelTo(
  mesh: TestMesh,
  options: {
    service?: string;
    caller?: string;
    tokens?: Tokens;
    deadlines?: Parameters<typeof openChannel>[4];
    grpc?: ChannelOptions;
  } = {},
): Channel {
  const { service = "storage", caller = "tester", tokens = mesh.tokens, deadlines, grpc } = options;
  const channel = openChannel(service, mesh.addressOf(service), caller, tokens, deadlines, undefined, { grpc });
  afterTest(() => {
    channel.close();
  });
  return channel;
}

export function storageClient(
  mesh: TestMesh,
  options: Parameters<typeof channelTo>[1] = {},
): Client<typeof StorageServiceDefinition> {
  return createClient(StorageServiceDefinition, channelTo(mesh, options));
}

/** The scope of a call that nothing ends. */
export function scope(given: Partial<CallScope> = {}): CallScope {
  return { requestId: randomUUID(), signal: new AbortController().signal, ...given };
}
