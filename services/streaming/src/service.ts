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
import { OPEN_GRANT, grantInvalid, mintGrant, readGrant } from "./grant.js";
import { playableSource } from "./playable.js";

/** How long a capability to read outlives the access it was made for: as long as one response may take. */
const READ_MS = 12 * 3600_000;

/** The streaming service's RPCs. */
export function createStreamingService(parts: {
  catalog: Client<typeof CatalogServiceDefinition>;
  keys: Keys;
  config: StreamingConfig;
}): Implementation<typeof StreamingServiceDefinition> {
  const { catalog, keys, config } = parts;

  /** Who a grant says is watching; undefined for whoever comes with the open one. */
  const viewerOf = (token: string, video: string) =>
    token === OPEN_GRANT ? undefined : readGrant(keys, token, video, new Date());

  const openSource = async (video: string, token: string, context: CallContext): Promise<Source> => {
    const grant = viewerOf(token, video);
    const access = await catalog.checkAccess(
      { name: video, action: Action.WATCH, viewer: grant?.viewer ?? "" },
      context,
    );
    if (!access.allowed && !grant) throw notFound(video);
    if (!access.allowed || (grant && grant.accessEpoch !== access.accessEpoch)) throw grantInvalid("it was withdrawn");
    return playableSource(access.source);
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
      const expireTime = new Date(Date.now() + config.grantMs);
      const { accessEpoch } = access;
      return { ...answer(mintGrant(keys, { video, viewer, accessEpoch, expires: expireTime })), expireTime };
    },

    async openMedia({ video, grant, item }, context) {
      resourceId("video", video, "videos/*");
      if (item !== "source") throw new DomainError("RESOURCE_NOT_FOUND", { resource: `${video}/${item}` });
      const source = await openSource(video, grant, context);
      const { object, objectEtag, sizeBytes, contentType, filename } = source;
      const capability = mintCapability(keys, {
        opens: object,
        verbs: ["read"],
        expires: new Date(Date.now() + READ_MS),
      });
      const expireTime = new Date(Date.now() + config.accessMs);
      return { object, objectEtag, sizeBytes, contentType, filename, capability, expireTime };
    },
  };
}

function notFound(resource: string): DomainError {
  return new DomainError("RESOURCE_NOT_FOUND", { resource });
}
