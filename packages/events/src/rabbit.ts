import { setTimeout as pause } from "node:timers/promises";
import { backoffMs } from "@reelmesh/mesh/calls/backoff.js";
import type { Logger } from "@reelmesh/mesh/log.js";
import { settlesWithin } from "@reelmesh/mesh/patience.js";
import { Connection, ConsumerStatus, type ConsumerProps } from "rabbitmq-client";
import { parseEvent, type Bus, type ResourceEvent, type Subscription } from "./bus.js";
import { createEventQueue } from "./event-queue.js";
import { createListener } from "./listener.js";
import type { EventMetrics } from "./metrics.js";

/** How long to wait before a lost broker is looked for again: at random between the two, doubling up to the second. */
const RECONNECT_MS = { least: 250, most: 10_000 };
const HEARTBEAT_SECONDS = 10;

const MOST_WAITING = 10_000;
const MOST_UNCONFIRMED = 64;
const CONCURRENCY = 16;
/** Some are at hand while the others are worked on, few enough that other replicas get theirs. */
const PREFETCH = 2 * CONCURRENCY;

/** How long the broker may take to hear the last events, and then to say goodbye. */
const PARTING_MS = 2_000;

export interface RabbitOptions {
  readonly log: Logger;
  readonly metrics: EventMetrics;
  /** What the broker's own tools call the connection. */
  readonly connectionName?: string;
  /** The exchange, and what the groups' queues begin with. Default `reelmesh.events`. */
  readonly exchange?: string;
}

/**
 * A bus through RabbitMQ: a durable topic exchange, whose routing keys are the events' types; a quorum queue for each
 * group, and one that lasts as long as its connection for each subscription that hears all. Returns before it is connected,
 * and connects again whenever the connection is lost.
 */
export function connectRabbit(url: string, options: RabbitOptions): Bus {
  const { log, metrics, connectionName, exchange = "reelmesh.events" } = options;
  const exchanges = [{ exchange, type: "topic", durable: true }];
  const closing = new AbortController();
  const open = new Set<Subscription>();
  let isConnected = false;

  const connection = new Connection({
    url: withUser(url),
    ...(connectionName === undefined ? {} : { connectionName }),
    heartbeat: HEARTBEAT_SECONDS,
    retryLow: RECONNECT_MS.least,
    retryHigh: RECONNECT_MS.most,
  });
  const publisher = connection.createPublisher({ confirm: true, exchanges });

  const send = async (event: ResourceEvent) => {
    try {
      await publisher.send({ exchange, routingKey: event.type, durable: true }, event);
      metrics.published(event.type);
    } catch {
      await pause(backoffMs(10), undefined, { signal: closing.signal }).catch(() => undefined);
      outbox.add(event);
    }
  };
  const outbox = createEventQueue({
    limit: MOST_WAITING,
    concurrency: MOST_UNCONFIRMED,
    work: send,
    onDrop: ({ type }) => {
      metrics.dropped(type, "full");
    },
  });
  const setConnected = (now: boolean) => {
    isConnected = now;
    metrics.connected(now);
    if (now) outbox.resume();
    else outbox.pause();
  };
  setConnected(false);
  connection.on("connection", () => {
    log.info("connected to the broker");
    setConnected(true);
  });
  connection.on("error", (error: unknown) => {
    log.warn({ err: error }, "the broker cannot be reached: events wait, and state catches up without them");
    setConnected(false);
  });

  const subscribe: Bus["subscribe"] = (types, handler, { group, onHearing } = {}) => {
    const listener = createListener(handler, { log, metrics });
    const queue: ConsumerProps = group === undefined ? ownQueue() : groupQueue(`${exchange}.${group}`);
    const consumer = connection.createConsumer(
      {
        ...queue,
        exchanges,
        queueBindings: types.map((routingKey) => ({ exchange, routingKey })),
        qos: { prefetchCount: PREFETCH },
        concurrency: CONCURRENCY,
      },
      async ({ body, redelivered }) => {
        const event = parseEvent(body);
        // What nobody here knows or asked for comes from another version, which also bound the queue.
        if (!event || !types.includes(event.type)) return ConsumerStatus.ACK;
        if (redelivered) metrics.redelivered(event.type);
        return (await listener.hear(event)) ? ConsumerStatus.ACK : ConsumerStatus.REQUEUE;
      },
    );
    consumer.on("error", (error: unknown) => {
      log.warn({ err: error, types, group }, "a subscription was interrupted");
    });
    if (onHearing) consumer.on("ready", onHearing);
    const subscription = {
      async close() {
        open.delete(subscription);
        await listener.close();
        // Where the broker is away there is nothing to wait for.
        const closed = consumer.close().catch(() => undefined);
        if (isConnected) await settlesWithin(PARTING_MS, closed);
      },
    };
    open.add(subscription);
    return subscription;
  };

  const part = async () => {
    await outbox.idle();
    await publisher.close();
    await connection.close();
  };

  return {
    publish(event) {
      outbox.add(event);
    },
    subscribe,
    async close() {
      await Promise.all(Array.from(open, (subscription) => subscription.close()));
      const parted = isConnected && (await settlesWithin(PARTING_MS, part()).catch(() => false));
      closing.abort();
      if (!parted) connection.unsafeDestroy();
      metrics.connected(false);
    },
  };
}

/** A URL that names nobody means RabbitMQ's own default user. */
function withUser(url: string): string {
  const target = new URL(url);
  if (target.username === "") Object.assign(target, { username: "guest", password: "guest" });
  return target.href;
}

/** Named by the broker, gone with the connection. */
function ownQueue(): ConsumerProps {
  return {
    queue: "",
    queueOptions: { exclusive: true, autoDelete: true, arguments: { "x-max-length": MOST_WAITING } },
  };
}

/**
 * A queue keeps the arguments it was made with, and refuses others: a change to them needs another name.
 *
 * A hint that nobody took within an hour is older than any loop's own turn. What ends its consumer's process several
 * times is dropped by the broker.
 */
function groupQueue(queue: string): ConsumerProps {
  return {
    queue,
    queueOptions: {
      durable: true,
      arguments: {
        "x-queue-type": "quorum",
        "x-delivery-limit": 5,
        "x-max-length": MOST_WAITING,
        "x-message-ttl": 3_600_000,
        "x-expires": 24 * 3_600_000,
      },
    },
  };
}
