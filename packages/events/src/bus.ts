/** What can be told: `{owner}.{resource}.{what happened}`. */
export const EVENT_TYPES = ["catalog.video.changed", "upload.completed"] as const;

/** One kind of event. */
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * A hint that something happened to a resource. It says nothing of what: whoever hears it asks the resource's owner.
 */
export interface ResourceEvent {
  readonly type: EventType;
  /** The resource, such as `videos/{video}`: parts of `A-Z a-z 0-9 _ -` with slashes between them, at most 200 characters. */
  readonly name: string;
}

/** What is done about an event. The signal aborts when the subscription closes. */
export type EventHandler = (event: ResourceEvent, signal: AbortSignal) => Promise<void> | void;

/** How to listen. */
export interface Listening {
  /**
   * Shares what comes among all subscriptions of this group, wherever they run: each event is heard by one of them.
   * Absent: this subscription hears all.
   */
  readonly group?: string;
  /** Called whenever it begins to hear, at first and after every interruption: what was told before it may be missing. */
  readonly onHearing?: () => void;
}

/** Listening, until it is closed. */
export interface Subscription {
  /** Resolves when no handler runs any longer. */
  close(): Promise<void>;
}

/**
 * Carries hints between services, in one process or through a broker.
 *
 * Nothing may depend on an event for more than time: it may come late, twice, in another order, as one where several were
 * equal, or never.
 */
export interface Bus {
  /** Tells whoever listens. Returns at once and never throws: what cannot be told waits, within bounds. */
  publish(event: ResourceEvent): void;
  /** A handler that fails is called again a few times, each later than the one before; then the event is dropped. */
  subscribe(types: readonly EventType[], handler: EventHandler, listening?: Listening): Subscription;
  /** Closes the subscriptions, and tells what still waits if that can be done shortly. */
  close(): Promise<void>;
}

/** Reads an event out of what came from elsewhere; undefined when it is none that is known here. */
export function parseEvent(given: unknown): ResourceEvent | undefined {
  if (typeof given !== "object" || given === null || !("type" in given) || !("name" in given)) return undefined;
  const type = EVENT_TYPES.find((known) => known === given.type);
  const { name } = given;
  if (type === undefined || typeof name !== "string" || name.length > 200) return undefined;
  return /^[\w-]+(?:\/[\w-]+)*$/.test(name) ? { type, name } : undefined;
}
