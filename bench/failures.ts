import { join } from "node:path";
import type { TlsFiles } from "@reelmesh/mesh/identity/files.js";
import { startChild, type Child, type ChildOptions } from "./child.js";

export const GET_OBJECT = "/reelmesh.storage.v1.StorageService/GetObject";
export const READ_OBJECT = "/reelmesh.storage.v1.StorageService/ReadObject";
/** The mesh's secret, as base64. */
export const SECRET = Buffer.alloc(32, 7).toString("base64");

/** What a replica is told to do from now on; what is absent stays as it was. */
export interface Trouble {
  /** How long each call takes, in milliseconds. */
  readonly delayMs?: number;
  /** The share of calls that fail, from 0 to 1, */
  readonly failing?: number;
  /** and how. */
  readonly as?: "INTERNAL" | "UNAVAILABLE";
  /** Whether it calls itself fit to serve. */
  readonly serving?: boolean;
}

export interface ReplicaAnswer {
  /** Where it serves by the mesh, and where by bare grpc-js, as host:port. */
  readonly mesh: string;
  readonly bare: string;
  /** Streams that it has open. */
  readonly streams: number;
}

/** A replica in a process of its own. */
export interface Replica extends Child<ReplicaAnswer> {
  readonly name: string;
  readonly mesh: string;
  readonly bare: string;
}

/**
 * By what calls are made: `reelmesh` as every service is called, with retries and hedging; `idempotent` without
 * hedging; `once` without either, balanced alone; the others are bare grpc-js, of which `tuned` is round_robin with
 * outlier_detection, retries and keepalive, as well as they can be set.
 */
export const CALLERS = ["reelmesh", "idempotent", "once", "round_robin", "pick_first", "tuned"] as const;
export type CallerName = (typeof CALLERS)[number];

export interface CallerOptions {
  /** The callers, and for each where it calls: host:port, comma separated. */
  readonly targets: Readonly<Partial<Record<CallerName, string>>>;
  /** Of each caller. */
  readonly callsPerSecond: number;
  /** When a caller gives up. */
  readonly deadlineMs: number;
  /** Over how many channels each caller spreads its calls. Default 1. */
  readonly channels?: number;
  readonly tls?: TlsFiles;
  /** How many calls each caller makes besides and gives up at once. Default 0. */
  readonly cancelsPerSecond?: number;
  /** Streams that are opened and wait, by the mesh. Default 0. */
  readonly streams?: number;
}

/** What became of a caller's calls. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  /** How many failed for which reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** How many were answered by which replica. */
  readonly answers: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

export type Tallies = Readonly<Partial<Record<CallerName, Tally>>>;

/** `count`: count from now on. `stop`: make no more calls, wait for those under way. Each is answered by the tallies. */
export type CallerQuestion = "count" | "tell" | "stop";
export type Caller = Child<Tallies>;

/** What a DNS server answers: these addresses, SERVFAIL, or nothing at all. */
export type Names = readonly string[] | "failing" | "silent";

/** A DNS server, told what to answer; it tells how often it has been asked. */
export interface NameServer {
  tell(names: Names): Promise<number>;
  kill(): Promise<void>;
}

/** Where replicas and callers are started: from which folder, and in which environment. */
export interface Place extends ChildOptions {
  /** Of the built programs, `failing-replica` and the others. */
  readonly folder: string;
  readonly extension: "js" | "mjs";
}

export async function startReplica(
  place: Place,
  name: string,
  { host = "127.0.0.1", ports = [0, 0] }: { host?: string; ports?: readonly [mesh: number, bare: number] } = {},
): Promise<Replica> {
  const child = startChild<ReplicaAnswer>(join(place.folder, `failing-replica.${place.extension}`), [name], {
    ...place,
    variables: {
      STORAGE_LISTEN: `${host}:${ports[0]}`,
      BARE_LISTEN: `${host}:${ports[1]}`,
      OPS_LISTEN: "127.0.0.1:0",
      MESH_SECRET: SECRET,
      MESH_PLAINTEXT: "allow",
      LOG_LEVEL: "silent",
      ...place.variables,
    },
  });
  const { mesh, bare } = await child.ask({});
  return { ...child, name, mesh, bare };
}

/** Starts callers of all these replicas, each by its own way, in one process. */
export async function startCallers(
  place: Place,
  callers: readonly CallerName[],
  replicas: readonly Pick<Replica, "mesh" | "bare">[],
  options: Omit<CallerOptions, "targets">,
): Promise<Caller> {
  const all = (by: "mesh" | "bare") => replicas.map((replica) => replica[by]).join();
  return startCallersAt(place, {
    ...options,
    targets: Object.fromEntries(callers.map((caller) => [caller, all(isMesh(caller) ? "mesh" : "bare")])),
  });
}

/** The same, each caller where it is told. They call from now on, and count when they are asked to. */
export async function startCallersAt(place: Place, options: CallerOptions): Promise<Caller> {
  const caller = startChild<Tallies>(join(place.folder, `counting-caller.${place.extension}`), [], place);
  await caller.ask(options);
  return caller;
}

/** Starts a DNS server at 127.0.0.1:53 of the place. */
export function startNameServer(place: Place): NameServer {
  const child = startChild<number>(join(place.folder, `name-server.${place.extension}`), [], place);
  return { tell: (names) => child.ask([names]), kill: () => child.kill() };
}

export function isMesh(caller: CallerName): caller is "reelmesh" | "idempotent" | "once" {
  return caller === "reelmesh" || caller === "idempotent" || caller === "once";
}

/** Has a process's clock go wrong by so much: what Node's own `Date` says, and all that stands on it. */
export function wrongClock(offMs: number): string[] {
  const source = `
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) { if (given.length > 0) super(...given); else super(Right.now() + ${offMs}); }
      static now() { return Right.now() + ${offMs}; }
    };`;
  return ["--import", `data:text/javascript,${encodeURIComponent(source)}`];
}
