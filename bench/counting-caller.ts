/**
 * Callers in a process of their own, which make calls at a steady pace, each at its own time whatever became of those
 * before, and count what became of them. The first message is CallerOptions, those that follow are questions.
 */
import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Client, Metadata, credentials, experimental, type ChannelOptions, type ServiceError } from "@grpc/grpc-js";
import { DEADLINE_MS, openChannel, type CallShape, type Channel } from "@reelmesh/mesh/channel.js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import { openIdentities, type Identities } from "@reelmesh/mesh/identity/credentials.js";
import { createLog } from "@reelmesh/mesh/log.js";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { ReadObjectResponse, StoredObject } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import {
  CALLERS,
  GET_OBJECT,
  READ_OBJECT,
  SECRET,
  isMesh,
  type CallerName,
  type CallerOptions,
  type CallerQuestion,
  type Tally,
} from "./failures.js";

/** Makes one call and answers the name of the replica that had it. The signal gives it up. */
type Call = (signal: AbortSignal) => Promise<string>;

const TLS_REFRESH_MS = 100;
const options = await new Promise<CallerOptions>((resolve) => process.once("message", resolve));
const tokens = createTokens(createKeys([Buffer.from(SECRET, "base64")]));
const identities: Identities | undefined =
  options.tls && openIdentities(options.tls, createLog("info"), TLS_REFRESH_MS);

const LEVELS = { reelmesh: "NO_SIDE_EFFECTS", idempotent: "IDEMPOTENT", once: "none" } as const;

function openMesh(addresses: string): Channel {
  return openChannel("storage", addresses, "tester", tokens, DEADLINE_MS, undefined, {
    credentials: identities?.channel("storage"),
    ...(identities ? { grpc: { "grpc.ssl_target_name_override": "storage" } } : {}),
  });
}

function callByMesh(addresses: string, idempotency: CallShape["idempotency"]): Call {
  const channel = openMesh(addresses);
  const shape: CallShape = {
    path: GET_OBJECT,
    kind: "unary",
    idempotency,
    serialize: () => Buffer.alloc(0),
    deserialize: (bytes) => StoredObject.decode(bytes).name,
  };
  return async (signal) =>
    String(
      await channel.unary(shape, undefined, {
        requestId: randomUUID(),
        deadline: Date.now() + options.deadlineMs,
        signal,
      }),
    );
}

const KEEPALIVE = { "grpc.keepalive_time_ms": 5_000, "grpc.keepalive_timeout_ms": 5_000 };
/** As everybody should; the default waits for a second at first, and for two minutes in the end. */
const RECONNECT = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 2_000 };
const OUTLIER_DETECTION = {
  interval: { seconds: 1, nanos: 0 },
  base_ejection_time: { seconds: 2, nanos: 0 },
  max_ejection_percent: 50,
  failure_percentage_ejection: { threshold: 30, enforcement_percentage: 100, minimum_hosts: 2, request_volume: 20 },
  child_policy: [{ round_robin: {} }],
};
const RETRIES = {
  name: [{}],
  retryPolicy: {
    maxAttempts: 5,
    initialBackoff: "0.05s",
    maxBackoff: "1s",
    backoffMultiplier: 2,
    retryableStatusCodes: ["UNAVAILABLE"],
  },
};

function bareOptions(name: "round_robin" | "pick_first" | "tuned"): ChannelOptions {
  const config =
    name === "tuned"
      ? { loadBalancingConfig: [{ outlier_detection: OUTLIER_DETECTION }], methodConfig: [RETRIES] }
      : { loadBalancingConfig: [{ [name]: {} }] };
  return {
    ...RECONNECT,
    ...(name === "tuned" ? KEEPALIVE : {}),
    ...(options.tls ? { "grpc.ssl_target_name_override": "storage" } : {}),
    // Each channel has its own connections.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.service_config": JSON.stringify(config),
  };
}

function bareCredentials() {
  if (!options.tls) return credentials.createInsecure();
  const files = new experimental.FileWatcherCertificateProvider({
    certificateFile: options.tls.certificate,
    privateKeyFile: options.tls.key,
    caCertificateFile: options.tls.authority,
    refreshIntervalMs: TLS_REFRESH_MS,
  });
  // A certificate of the mesh names a service by URI, which Node's own check of host names does not know.
  return experimental.createCertificateProviderChannelCredentials(files, files, {
    checkServerIdentity: () => undefined,
  });
}

function callBare(addresses: string, name: "round_robin" | "pick_first" | "tuned"): Call {
  const [host = ""] = addresses.split(":");
  const target = isIP(host) === 4 ? `ipv4:${addresses}` : `dns:///${addresses}`;
  const client = new Client(target, bareCredentials(), bareOptions(name));
  const serialize = (bytes: Buffer) => bytes;
  const deserialize = (bytes: Buffer) => StoredObject.decode(bytes).name;
  return (signal) =>
    new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, replica: string | undefined) => {
        signal.removeEventListener("abort", giveUp);
        if (error) reject(error);
        else resolve(replica ?? "");
      };
      const deadline = Date.now() + options.deadlineMs;
      const call = client.makeUnaryRequest(
        GET_OBJECT,
        serialize,
        deserialize,
        Buffer.alloc(0),
        new Metadata(),
        { deadline },
        answered,
      );
      const giveUp = () => {
        call.cancel();
      };
      signal.addEventListener("abort", giveUp);
    });
}

function reasonOf(error: unknown): string {
  if (isDomainError(error)) return error.reason;
  // A ServiceError begins with its code and its name.
  return error instanceof Error ? error.message.replace(/^\d+ (\w+):.*$/s, "$1") : String(error);
}

/** One caller and its count. */
class Counter {
  readonly #calls: readonly Call[];
  readonly #open = new Set<Promise<void>>();
  #made = 0;
  #era = 0;
  #latencies: number[] = [];
  #reasons: Record<string, number> = {};
  #answers: Record<string, number> = {};

  constructor(name: CallerName, addresses: string) {
    this.#calls = Array.from({ length: options.channels ?? 1 }, () =>
      isMesh(name) ? callByMesh(addresses, LEVELS[name]) : callBare(addresses, name),
    );
  }

  make(): void {
    const ended = this.#one(this.#era).finally(() => this.#open.delete(ended));
    this.#open.add(ended);
  }

  /** Makes a call and gives it up when it is under way. */
  async makeAndCancel(): Promise<void> {
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort(new Error("given up"));
    }, 5);
    await this.#next()(abort.signal).catch(() => undefined);
  }

  count(): void {
    this.#era += 1;
    this.#latencies = [];
    this.#reasons = {};
    this.#answers = {};
  }

  async settle(): Promise<void> {
    await Promise.all(this.#open);
  }

  tally(): Tally {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const failed = Object.values(this.#reasons).reduce((sum, count) => sum + count, 0);
    return {
      calls: sorted.length,
      failed,
      reasons: this.#reasons,
      answers: this.#answers,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      longestMs: at(1),
    };
  }

  #next(): Call {
    const call = this.#calls[this.#made % this.#calls.length];
    this.#made += 1;
    if (!call) throw new Error("A caller needs a channel");
    return call;
  }

  async #one(era: number): Promise<void> {
    const began = performance.now();
    let counts: Record<string, number>;
    let what: string;
    try {
      what = await this.#next()(new AbortController().signal);
      counts = this.#answers;
    } catch (error) {
      what = reasonOf(error);
      counts = this.#reasons;
    }
    // Calls that began before counting did are none of the count's.
    if (era !== this.#era) return;
    this.#latencies.push(performance.now() - began);
    counts[what] = (counts[what] ?? 0) + 1;
  }
}

const counters = CALLERS.flatMap((name) => {
  const addresses = options.targets[name];
  return addresses === undefined ? [] : [{ name, counter: new Counter(name, addresses) }];
});
let stopped = false;

/** Does something so many times a second. */
async function pace(perSecond: number, act: () => void): Promise<void> {
  const begun = performance.now();
  let done = 0;
  while (!stopped) {
    const due = ((performance.now() - begun) / 1000) * perSecond;
    for (; done < due; done++) act();
    await pause(2);
  }
}

async function openStream(addresses: string): Promise<void> {
  const shape: CallShape = {
    path: READ_OBJECT,
    kind: "stream",
    idempotency: "NO_SIDE_EFFECTS",
    serialize: () => Buffer.alloc(0),
    deserialize: (bytes) => ReadObjectResponse.decode(bytes),
  };
  const scope = { requestId: randomUUID(), signal: new AbortController().signal };
  const stream = openChannel("storage", addresses, "tester", tokens, { ...DEADLINE_MS, stream: 3_600_000 });
  try {
    const messages = stream.stream(shape, undefined, scope);
    while (!(await messages.next()).done);
  } catch {
    // Its end is what is waited for.
  }
}

for (let opened = 0; opened < (options.streams ?? 0); opened++) void openStream(options.targets.reelmesh ?? "");
const paces = counters.flatMap(({ counter }) => [
  pace(options.callsPerSecond, () => {
    counter.make();
  }),
  pace(options.cancelsPerSecond ?? 0, () => {
    void counter.makeAndCancel();
  }),
]);

const tell = () => {
  process.send?.(Object.fromEntries(counters.map(({ name, counter }) => [name, counter.tally()])));
};
tell();
process.on("message", (question: CallerQuestion) => {
  void answer(question).then(tell);
});
process.on("disconnect", () => process.exit());

async function answer(question: CallerQuestion): Promise<void> {
  if (question === "count") for (const { counter } of counters) counter.count();
  if (question !== "stop") return;
  stopped = true;
  await Promise.all(paces);
  await Promise.all(counters.map(({ counter }) => counter.settle()));
}
