import { status, type ChannelInterface, type Metadata, type StatusObject } from "@grpc/grpc-js";
import { DomainError } from "../errors.js";
import { grpcTimeout } from "./deadlines.js";
import type { Resettable } from "./cancels.js";
import type { Line } from "./lines.js";

/** How an attempt ended. */
export interface AttemptEnd extends StatusObject {
  /** Where it was answered, as host:port; absent when it never left this process. */
  readonly backend: string | undefined;
  /** False when it provably never left this process. */
  readonly sent: boolean;
}

/** What one attempt is made of. */
export interface AttemptOptions {
  readonly line: Line;
  /** The service called. */
  readonly service: string;
  readonly path: string;
  readonly metadata: Metadata;
  /** Milliseconds since the epoch; Infinity for none. */
  readonly deadline: number;
  readonly request: Buffer;
}

/** Hears of an attempt until it ends or is dropped. */
export interface AttemptListener {
  onMessage(bytes: Buffer): void;
  onEnd(end: AttemptEnd): void;
}

/**
 * One request on its way. It asks for the first message by itself.
 *
 * @throws DomainError SERVICE_UNAVAILABLE once the channel is closed.
 */
export class Attempt implements Resettable {
  readonly endless: boolean;
  readonly #call: ReturnType<ChannelInterface["createCall"]>;
  readonly #target: string;
  readonly #line: Line;
  #listener: AttemptListener | undefined;
  #over = false;

  constructor({ line, service, path, metadata, deadline, request }: AttemptOptions, listener: AttemptListener) {
    this.#listener = listener;
    this.#target = line.channel.getTarget();
    this.#line = line;
    this.endless = deadline === Infinity;
    if (!this.endless) metadata.set("grpc-timeout", grpcTimeout(deadline - Date.now()));
    // The deadline is in the metadata, and its timer with whoever makes the attempt: grpc-js would answer one that has
    // passed with a reset, which a connection bears only so many of.
    this.#call = createCall(line.channel, path, service);
    line.began();
    this.#call.start(metadata, {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (bytes: Buffer) => this.#listener?.onMessage(bytes),
      onReceiveStatus: (end) => {
        this.#ended(end);
      },
    });
    this.#call.sendMessageWithContext({}, request);
    this.#call.startRead();
    this.#call.halfClose();
  }

  /** Where it was answered, as host:port; undefined until then, and for good when it was never sent. */
  get backend(): string | undefined {
    const peer = this.#call.getPeer();
    // grpc-js names nothing before an answer, and the target when there was no HTTP/2 stream.
    return peer === this.#target || peer === "unknown" ? undefined : peer;
  }

  /** Asks for the next message. */
  read(): void {
    this.#call.startRead();
  }

  /** Listens no more, and has the call reset unless it is over. Doing it again changes nothing. */
  drop(): void {
    if (this.#over || !this.#listener) return;
    this.#listener = undefined;
    if (this.#sent()) this.#line.cancels.cancel(this);
    else this.reset();
    this.#line.ended();
  }

  reset(): void {
    this.#call.cancelWithStatus(status.CANCELLED, "Cancelled on client");
  }

  #sent(): boolean {
    return this.#call.getPeer() !== this.#target;
  }

  #ended(end: StatusObject): void {
    this.#over = true;
    if (!this.#listener) {
      this.#line.cancels.ended(this);
      return;
    }
    this.#line.ended();
    const { code, details, metadata } = end;
    this.#listener.onEnd({
      code,
      details,
      metadata,
      backend: this.backend,
      sent: this.#sent(),
    });
  }
}

function createCall(channel: ChannelInterface, path: string, service: string) {
  try {
    return channel.createCall(path, Infinity, null, null, null);
  } catch (cause) {
    throw Object.assign(new DomainError("SERVICE_UNAVAILABLE", { service }), { cause });
  }
}
