import type { CallContext } from "@reelmesh/mesh/call.js";
import { mintCapability } from "@reelmesh/mesh/capability.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { resourceId } from "@reelmesh/mesh/fields.js";
import type { Implementation } from "@reelmesh/mesh/module.js";
import type { Keys } from "@reelmesh/mesh/secret.js";
import {
  Action,
  type CatalogServiceDefinition,
  type Source,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { StreamingServiceDefinition } from "@reelmesh/proto/reelmesh/streaming/v1/streaming_service.js";
import type { StreamingConfig } from "./config.js";
import { OPEN_GRANT, grantInvalid, mintGrant, readGrant, type Grant } from "./grant.js";
import { arrivedSource, playableSource } from "./playable.js";

/** How long a capability to read outlives the access it was made for: one response may take as long. */
const READ_MS = 12 * 3600_000;

/** The streaming service's RPCs. */
export function createStreamingService(parts: {
  catalog: Client<typeof CatalogServiceDefinition>;
  keys: Keys;
  config: StreamingConfig;
}): Implementation<typeof StreamingServiceDefinition> {
  const { catalog, keys, config } = parts;

  /** The source that a grant opens; undefined is the grant of whoever comes without one. */
  const openSource = async (video: string, grant: Grant | undefined, context: CallContext): Promise<Source> => {
    const access = await catalog.checkAccess(
      { name: video, action: Action.WATCH, viewer: grant?.viewer ?? "" },
      context,
    );
    if (!access.allowed && !grant) throw notFound(video);
    if (!access.allowed || (grant && grant.accessEpoch !== access.accessEpoch)) throw grantInvalid("it was withdrawn");
    return arrivedSource(access.source);
  };

  return {
    async getPlayback({ name }, context) {
      const id = resourceId("name", name, "videos/*/playback");
      const video = `videos/${id}`;
      const access = await catalog.checkAccess({ name: video, action: Action.WATCH }, context);
      const viewer = context.principal?.name;
      if (!access.allowed) throw notFound(video);
      const { contentType, sizeBytes } = playableSource(access.source);
      const answer = (grant: string) => ({ name, grant, path: `/media/${id}/${grant}/source`, contentType, sizeBytes });
      if (access.open || viewer === undefined) return answer(OPEN_GRANT);
      const { accessEpoch } = access;
      const expires = grantExpiry(config.grantMs);
      return { ...answer(mintGrant(keys, { video, viewer, accessEpoch, expires })), expireTime: expires };
    },

    async openMedia({ video, grant, item }, context) {
      resourceId("video", video, "videos/*");
      if (item !== "source") throw new DomainError("RESOURCE_NOT_FOUND", { resource: `${video}/${item}` });
      const now = Date.now();
      const read = grant === OPEN_GRANT ? undefined : readGrant(keys, grant, video, new Date(now));
      const source = await openSource(video, read, context);
      const { object, objectEtag, sizeBytes, contentType, filename } = source;
      const capability = mintCapability(keys, { opens: object, verbs: ["read"], expires: new Date(now + READ_MS) });
      const expireTime = new Date(Math.min(now + config.accessMs, read?.expires.getTime() ?? Infinity));
      return { object, objectEtag, sizeBytes, contentType, filename, capability, expireTime };
    },
  };
}

/** In whole seconds, as a grant bears it. */
function grantExpiry(grantMs: number): Date {
  return new Date(Math.floor((Date.now() + grantMs) / 1000) * 1000);
}

function notFound(resource: string): DomainError {
  return new DomainError("RESOURCE_NOT_FOUND", { resource });
}
