import {
  Client,
  Metadata,
  Server,
  ServerCredentials,
  credentials,
  status,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { balanced } from "../../src/balancing/balanced.js";
import type { createBalancing } from "../../src/balancing/balancing.js";
import type { MethodTraits } from "../../src/definition.js";
import type { BackendEvent } from "../../src/observe/events.js";
import { afterTest } from "../support/mesh.js";

export const PATH = "/test.Echo/Call";

const asIs = (bytes: Buffer) => bytes;
const METHOD = {
  path: PATH,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

/** How a replica answers: at once, unless it is told otherwise. */
export type Answer = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void;

/** A server of one method, and how many calls it has had. */
export interface Replica {
  readonly address: string;
  readonly calls: () => number;
  answer: Answer;
  setServing(serving: boolean): void;
  /** Cuts every connection. */
  kill(): void;
}

export const atOnce: Answer = (_call, done) => {
  done(null, Buffer.alloc(0));
};

export const failing =
  (code: status): Answer =>
  (_call, done) => {
    done({ code, details: "on purpose", metadata: new Metadata() });
  };

export async function startReplica(
  options: { host?: string; port?: number; health?: boolean; serving?: boolean } = {},
): Promise<Replica> {
  const { host = "127.0.0.1", port = 0, health = true, serving = true } = options;
  const server = new Server();
  let calls = 0;
  const told = new HealthImplementation({ "": serving ? "SERVING" : "NOT_SERVING" });
  if (health) told.addToServer(server);
  const bound = await new Promise<number>((resolve, reject) => {
    const replied = (error: Error | null, value: number) => {
      if (error) reject(error);
      else resolve(value);
    };
    server.addService(
      { Call: METHOD },
      {
        Call(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
          calls += 1;
          replica.answer(call, done);
        },
      },
    );
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), replied);
  });
  const replica: Replica = {
    address: `${host}:${bound}`,
    calls: () => calls,
    answer: atOnce,
    setServing(now) {
      told.setStatus("", now ? "SERVING" : "NOT_SERVING");
    },
    kill() {
      server.forceShutdown();
    },
  };
  afterTest(() => {
    server.forceShutdown();
  });
  return replica;
}

/** A balanced client, and what its balancer told of its backends. */
export interface BalancedClient {
  /** Resolves with the status of a call, `OK` when it went well. */
  call(options?: { deadlineMs?: number; metadata?: Metadata; path?: string }): Promise<keyof typeof status>;
  /** Makes calls one after the other; how many ended in which way. */
  calls(count: number): Promise<Record<string, number>>;
  readonly events: BackendEvent[];
  /** The last that was told of a backend. */
  last(address: string): BackendEvent | undefined;
  learn(path: string, kind: MethodTraits["kind"]): void;
  readonly grpc: Client;
}

export function openClient(
  addresses: readonly string[] | string,
  options: Partial<Parameters<typeof createBalancing>[0]> = {},
): BalancedClient {
  const events: BackendEvent[] = [];
  const mesh = balanced(typeof addresses === "string" ? addresses : addresses.join(), {
    caller: "tester",
    service: "echo",
    observer: { backendState: (event) => events.push(event) },
    ...options,
  });
  const grpc = new Client(mesh.target, credentials.createInsecure(), {
    ...mesh.options,
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 200,
  });
  afterTest(() => {
    grpc.close();
  });
  const call: BalancedClient["call"] = ({ deadlineMs = 10_000, metadata = new Metadata(), path = PATH } = {}) =>
    new Promise((resolve) => {
      const answered = (error: ServiceError | null) => {
        resolve(nameOf(error?.code ?? status.OK));
      };
      grpc.makeUnaryRequest(
        path,
        asIs,
        asIs,
        Buffer.alloc(0),
        metadata,
        { deadline: Date.now() + deadlineMs },
        answered,
      );
    });
  return {
    call,
    async calls(count) {
      const ended: Record<string, number> = {};
      for (let i = 0; i < count; i++) {
        const code = await call();
        ended[code] = (ended[code] ?? 0) + 1;
      }
      return ended;
    },
    events,
    last: (address) => events.findLast(({ backend }) => backend === address),
    learn: (path, kind) => {
      mesh.learn(path, kind);
    },
    grpc,
  };
}

function nameOf(code: status): keyof typeof status {
  const names: Record<number, string> = status;
  const name = names[code];
  if (name !== undefined && isName(name)) return name;
  throw new Error(`${code} is no status`);
}

function isName(name: string): name is keyof typeof status {
  return name in status;
}
