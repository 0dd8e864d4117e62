import type { CallScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import type {
  OpenMediaResponse,
  StreamingServiceDefinition,
} from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";

/** Of how many videos, and how many accesses to each. */
const REMEMBERED = { videos: 1000, accesses: 1000 };

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
  /** Forgets all access to a video, also what is being found out at the moment. */
  forgetVideo(video: string): void;
}

interface Held {
  readonly access: OpenMediaResponse;
  readonly untilMs: number;
}

export function createAccessCache(
  streaming: Pick<Client<typeof StreamingServiceDefinition>, "openMedia">,
  now: () => number = Date.now,
): AccessCache {
  const known = new Map<string, Map<string, Held>>();

  const accessesTo = (video: string) => {
    const accesses = known.get(video) ?? new Map<string, Held>();
    known.delete(video);
    makeRoom(known, REMEMBERED.videos);
    known.set(video, accesses);
    return accesses;
  };

  return {
    async open(request, scope) {
      const accesses = accessesTo(request.video);
      const key = keyOf(request);
      const held = accesses.get(key);
      if (held && held.untilMs > now()) return held.access;
      // Where the video is forgotten meanwhile, the answer is kept in a map that nobody looks into any longer.
      const access = await streaming.openMedia(request, scope);
      accesses.delete(key);
      makeRoom(accesses, REMEMBERED.accesses);
      accesses.set(key, { access, untilMs: access.expireTime?.getTime() ?? 0 });
      return access;
    },
    forget(request) {
      known.get(request.video)?.delete(keyOf(request));
    },
    forgetVideo(video) {
      known.delete(video);
    },
  };
}

/** Drops the oldest where there are `most`. */
function makeRoom(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.keys();
  if (map.size >= most && oldest !== undefined) map.delete(oldest);
}

function keyOf({ grant, item }: MediaRequest): string {
  return `${grant} ${item}`;
}
