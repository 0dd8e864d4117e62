import type {
  CatalogServiceDefinition,
  Video as VideoMessage,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { CallContext } from "@reelmesh/mesh/call.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { invalidField, pageSize, requestId, resourceId, text } from "@reelmesh/mesh/fields.js";
import type { Implementation } from "@reelmesh/mesh/module.js";
import type { PageTokens } from "@reelmesh/mesh/page-token.js";
import { customAlphabet } from "nanoid";
import { isOwner, mayAccess, mayKnow } from "./access.js";
import type { CatalogConfig } from "./config.js";
import { readAction, readChange, readDetails, readMedia, readSize, readSource, readViewer } from "./input.js";
import { etagOf, toMessage, toSourceMessage } from "./mapping.js";
import type { VideoRepository } from "./repository.js";
import * as life from "./video.js";
import type { Video } from "./video.js";

/** How long after the time it bears a change may be written, another replica's clock included. */
const OVERLAP_MS = 60_000;

/** Where the changes since a time begin in the order of changes, those that were written late included. */
const keyBefore = (time: Date) => life.timeKey(new Date(time.getTime() - OVERLAP_MS), "");

const newId = customAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 16);

/**
 * The catalogue's RPCs over its videos.
 *
 * @param onChange called with the name of each video that was made or changed.
 */
export function createCatalogService(
  videos: VideoRepository,
  pages: PageTokens,
  { keepDeletedMs }: Pick<CatalogConfig, "keepDeletedMs">,
  onChange: (name: string) => void,
): Implementation<typeof CatalogServiceDefinition> {
  const load = async (id: string) => {
    const video = await videos.find(id);
    if (!video) throw life.notFound(id);
    return video;
  };

  const told = (video: Video): VideoMessage => {
    const message = toMessage(video);
    onChange(message.name);
    return message;
  };

  /**
   * Applies a transition to the video as it is when it is written. Where another change came first it is tried again:
   * somebody gets on each time, and the caller's deadline ends it.
   */
  const change = async (
    id: string,
    signal: AbortSignal,
    transition: (video: Video, now: Date) => Video,
  ): Promise<VideoMessage> => {
    for (;;) {
      signal.throwIfAborted();
      const video = await load(id);
      const next = transition(video, new Date());
      if (next === video) return toMessage(video);
      if (await videos.replace(next)) return told(next);
    }
  };

  /** The same for what only the owner may do, to the version they know. */
  const changeOwned = (
    id: string,
    { principal, signal }: CallContext,
    { etag, action }: { etag?: string; action: string },
    transition: (video: Video, now: Date) => Video,
  ) =>
    change(id, signal, (video, now) => {
      if (!mayKnow(video, principal?.name)) throw life.notFound(id);
      if (!isOwner(video, principal?.name)) throw new DomainError("NOT_PERMITTED", { action });
      if (etag && etag !== etagOf(video)) throw new DomainError("ETAG_MISMATCH", { resource: `videos/${id}` });
      return transition(video, now);
    });

  return {
    async getVideo({ name }, { principal }) {
      const video = await load(resourceId("name", name, "videos/*"));
      if (!mayKnow(video, principal?.name)) throw life.notFound(video._id);
      return toMessage(video);
    },

    async listVideos(request, { principal }) {
      const limit = pageSize(request.pageSize, { default: 24, max: 100 });
      const owner = request.owner === "" ? undefined : `users/${resourceId("owner", request.owner, "users/*")}`;
      const viewer = principal?.name;
      const deleted = viewer !== undefined && request.showDeleted ? [life.deletedAudience(viewer)] : [];
      const audience = viewer === undefined ? ["public"] : [viewer, "members", "public", ...deleted];
      const list = `videos of ${owner ?? "all"} for ${audience.join(", ")}`;
      const [before] = pages.read(list, request.pageToken) ?? [];
      const found = await videos.listFor({
        audience,
        limit: limit + 1,
        ...(owner === undefined ? {} : { owner }),
        ...(before === undefined ? {} : { before }),
      });
      const last = found.length > limit ? found[limit - 1] : undefined;
      const now = new Date();
      const shown = found.slice(0, limit).filter((video) => !life.isExpired(video, now));
      return {
        videos: shown.map(toMessage),
        nextPageToken: last ? pages.make(list, [last.createKey]) : "",
      };
    },

    async createVideo({ video, requestId: request }, { principal }) {
      if (!principal) throw new DomainError("SIGN_IN_REQUIRED");
      if (!video) throw invalidField("video", "must be given");
      const details = readDetails(video);
      const sizeBytes = readSize("video.size_bytes", video.sizeBytes);
      const made = { id: newId(), requestId: requestId(request), owner: principal.name, details, sizeBytes };
      return told(await videos.insert(life.createVideo(made, new Date())));
    },

    async updateVideo({ video, updateMask }, context) {
      if (!video) throw invalidField("video", "must be given");
      const id = resourceId("video.name", video.name, "videos/*");
      const details = readChange(video, updateMask);
      const asked = { etag: video.etag, action: "change this video" };
      return changeOwned(id, context, asked, (current, now) => life.describeVideo(current, details, now));
    },

    async deleteVideo({ name, etag }, context) {
      const id = resourceId("name", name, "videos/*");
      const asked = { etag, action: "delete this video" };
      return changeOwned(id, context, asked, (video, now) => life.deleteVideo(video, keepDeletedMs, now));
    },

    async undeleteVideo({ name }, context) {
      const id = resourceId("name", name, "videos/*");
      return changeOwned(id, context, { action: "take back this deletion" }, life.undeleteVideo);
    },

    async retryVideo({ name }, context) {
      const id = resourceId("name", name, "videos/*");
      return changeOwned(id, context, { action: "retry this video" }, life.retryVideo);
    },

    async markUploaded({ name, source }, { signal }) {
      const id = resourceId("name", name, "videos/*");
      const arrived = readSource(source);
      return change(id, signal, (video, now) => life.markUploaded(video, arrived, now));
    },

    async markPlayable({ name, ...given }, { signal }) {
      const id = resourceId("name", name, "videos/*");
      const media = readMedia(given);
      return change(id, signal, (video, now) => life.markPlayable(video, media, now));
    },

    async markReady({ name }, { signal }) {
      return change(resourceId("name", name, "videos/*"), signal, life.markReady);
    },

    async markFailed({ name, reason }, { signal }) {
      const id = resourceId("name", name, "videos/*");
      const words = text("reason", reason, { min: 1, max: 500 });
      return change(id, signal, (video, now) => life.markFailed(video, words, now));
    },

    async checkAccess(request, { principal }) {
      const id = resourceId("name", request.name, "videos/*");
      const action = readAction(request.action);
      const viewer = request.viewer === undefined ? principal?.name : readViewer(request.viewer);
      const video = await load(id);
      const answer = { open: mayAccess(video, action, undefined), accessEpoch: BigInt(video.accessEpoch) };
      if (!mayAccess(video, action, viewer)) return { allowed: false, ...answer };
      const source = video.source && toSourceMessage(video.source);
      return { allowed: true, ...answer, video: toMessage(video), source };
    },

    async listChanges(request) {
      const limit = pageSize(request.pageSize, { default: 100, max: 1000 });
      const from = request.startTime && keyBefore(request.startTime);
      const [after = from ?? "", again] = pages.read("changes", request.pageToken) ?? [];
      // Whoever reaches the end starts over from the time they set out.
      const restart = again ?? keyBefore(new Date());
      const found = await videos.listChanges({ after, limit });
      const last = found.length === limit ? found.at(-1) : undefined;
      const next = last ? [last.updateKey, restart] : [restart];
      return { videos: found.map(toMessage), nextPageToken: pages.make("changes", next) };
    },
  };
}
