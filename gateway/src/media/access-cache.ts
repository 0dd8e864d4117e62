import type { CallScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import type {
  OpenMediaResponse,
  StreamingServiceDefinition,
} from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";

const REMEMBERED = 10_000;

/** Which medium, and by what right. */
export interface MediaRequest {
  /** `videos/{video}`. */
  readonly video: string;
  readonly grant: string;
  readonly item: string;
}

/** Finds out what may be read, and remembers it for as long as the streaming service allows: at most a minute. */
export interface AccessCache {
  /** @throws DomainError as StreamingService.OpenMedia. */
  open(request: MediaRequest, scope: CallScope): Promise<OpenMediaResponse>;
  /** Forgets an access that turned out to be out of date. */
  forget(request: MediaRequest): void;
}

export function createAccessCache(
  streaming: Client<typeof StreamingServiceDefinition>,
  now: () => number = Date.now,
): AccessCache {
  const known = new Map<string, { access: OpenMediaResponse; untilMs: number }>();
  return {
    async open(request, scope) {
      const key = keyOf(request);
      const held = known.get(key);
      if (held && held.untilMs > now()) return held.access;
      const access = await streaming.openMedia(request, scope);
      known.delete(key);
      const [oldest] = known.keys();
      if (known.size >= REMEMBERED && oldest !== undefined) known.delete(oldest);
      known.set(key, { access, untilMs: access.expireTime?.getTime() ?? 0 });
      return access;
    },
    forget(request) {
      known.delete(keyOf(request));
    },
  };
}

function keyOf({ video, grant, item }: MediaRequest): string {
  return `${video} ${grant} ${item}`;
}
