import type { Logger } from "@reelmesh/mesh/log.js";
import type { Bus, EventHandler, EventType, ResourceEvent, Subscription } from "./bus.js";
import { createEventQueue } from "./event-queue.js";
import { createListener, type Listener } from "./listener.js";
import type { EventMetrics } from "./metrics.js";

const MOST_WAITING = 10_000;
const CONCURRENCY = 16;

/** Where a process's buses meet. */
export interface Exchange {
  /** Those who are told of everything. */
  readonly ears: Set<Ear>;
  readonly groups: Map<string, Group>;
}

interface Ear {
  readonly types: readonly EventType[];
  hear(event: ResourceEvent): void;
}

type Member = Pick<Ear, "types"> & { readonly listener: Listener };

/** Subscriptions that share what comes, the next in turn first. */
interface Group {
  readonly members: Set<Member>;
  hear(event: ResourceEvent): void;
}

export function createExchange(): Exchange {
  return { ears: new Set(), groups: new Map() };
}

/** A bus among those who share an exchange. */
export function createInProcessBus(exchange: Exchange, parts: { log: Logger; metrics: EventMetrics }): Bus {
  const { metrics } = parts;
  const open = new Set<Subscription>();
  metrics.connected(true);

  const queueTo = (work: (event: ResourceEvent) => Promise<unknown>) =>
    createEventQueue({
      limit: MOST_WAITING,
      concurrency: CONCURRENCY,
      work,
      onDrop: ({ type }) => {
        metrics.dropped(type, "full");
      },
    });

  const listenAlone = (types: readonly EventType[], handler: EventHandler): Subscription => {
    const listener = createListener(handler, parts);
    const queue = queueTo((event) => listener.hear(event));
    const ear: Ear = {
      types,
      hear: (event) => {
        queue.add(event);
      },
    };
    exchange.ears.add(ear);
    return {
      async close() {
        exchange.ears.delete(ear);
        queue.clear();
        await listener.close();
      },
    };
  };

  const createGroup = (): Group => {
    const members = new Set<Member>();
    const queue = queueTo(async (event) => {
      const member = [...members].find(({ types }) => types.includes(event.type));
      if (!member) return;
      members.delete(member);
      members.add(member);
      if (!(await member.listener.hear(event))) queue.add(event);
    });
    return {
      members,
      hear: (event) => {
        queue.add(event);
      },
    };
  };

  const join = (name: string, types: readonly EventType[], handler: EventHandler): Subscription => {
    const group = exchange.groups.get(name) ?? createGroup();
    exchange.groups.set(name, group);
    const member = { types, listener: createListener(handler, parts) };
    group.members.add(member);
    return {
      async close() {
        group.members.delete(member);
        await member.listener.close();
      },
    };
  };

  return {
    publish(event) {
      metrics.published(event.type);
      for (const ear of exchange.ears) if (ear.types.includes(event.type)) ear.hear(event);
      for (const group of exchange.groups.values()) group.hear(event);
    },
    subscribe(types, handler, { group, onHearing } = {}) {
      const subscription = group === undefined ? listenAlone(types, handler) : join(group, types, handler);
      open.add(subscription);
      if (onHearing) queueMicrotask(onHearing);
      return {
        async close() {
          open.delete(subscription);
          await subscription.close();
        },
      };
    },
    async close() {
      await Promise.all(Array.from(open, (subscription) => subscription.close()));
      open.clear();
    },
  };
}
