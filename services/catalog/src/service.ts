import { Action, type CatalogServiceDefinition } from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import { DomainError } from "@reelmesh/mesh/errors.js";
import { invalidField, pageSize, requestId, resourceId, text } from "@reelmesh/mesh/fields.js";
import type { Implementation } from "@reelmesh/mesh/module.js";
import type { PageTokens } from "@reelmesh/mesh/page-token.js";
import { customAlphabet } from "nanoid";
import { mayAccess } from "./access.js";
import type { CatalogConfig } from "./config.js";
import { readChange, readDetails, readSize, readSource } from "./input.js";
import { etagOf, toMessage, toSourceMessage } from "./mapping.js";
import type { VideoRepository } from "./repository.js";
import * as life from "./video.js";
import type { Video } from "./video.js";

/** How far back a reader of changes goes again: a write on another replica may bear an earlier time than one seen. */
const OVERLAP_MS = 30_000;
/** Two writers may meet on one video; as many in a row mean something else is wrong. */
const MOST_ATTEMPTS = 10;

const newId = customAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 16);

/** The catalogue's RPCs over its videos. */
export function createCatalogService(
  videos: VideoRepository,
  pages: PageTokens,
  { keepDeletedMs }: Pick<CatalogConfig, "keepDeletedMs">,
): Implementation<typeof CatalogServiceDefinition> {
  const load = async (id: string) => {
    const video = await videos.find(id);
    if (!video) throw life.notFound(id);
    return video;
  };

  const loadFor = async (id: string, viewer: string | undefined) => {
    const video = await load(id);
    if (!mayAccess(video, "WATCH", viewer)) throw life.notFound(id);
    return video;
  };

  /** Applies a transition to the video as it is when it is written. */
  const change = async (id: string, transition: (video: Video, now: Date) => Video, read = load) => {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const video = await read(id);
      const next = transition(video, new Date());
      if (next === video || (await videos.replace(next))) return toMessage(next);
    }
    throw new DomainError("ETAG_MISMATCH", { resource: `videos/${id}` });
  };

  /** The same for what only the owner may do, to the version they know. */
  const changeOwned = (
    id: string,
    { viewer, etag, action }: { viewer: string | undefined; etag?: string; action: string },
    transition: (video: Video, now: Date) => Video,
  ) =>
    change(
      id,
      (video, now) => {
        if (!mayAccess(video, "MANAGE", viewer)) throw new DomainError("NOT_PERMITTED", { action });
        if (etag && etag !== etagOf(video)) throw new DomainError("ETAG_MISMATCH", { resource: `videos/${id}` });
        return transition(video, now);
      },
      (wanted) => loadFor(wanted, viewer),
    );

  return {
    async getVideo({ name }, { principal }) {
      return toMessage(await loadFor(resourceId("name", name, "videos/*"), principal?.name));
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
      return {
        videos: found.slice(0, limit).map(toMessage),
        nextPageToken: last ? pages.make(list, [last.createKey]) : "",
      };
    },

    async createVideo({ video, requestId: request }, { principal }) {
      if (!principal) throw new DomainError("SIGN_IN_REQUIRED");
      if (!video) throw invalidField("video", "must be given");
      const details = readDetails(video);
      const sizeBytes = readSize("video.size_bytes", video.sizeBytes);
      const made = { id: newId(), requestId: requestId(request), owner: principal.name, details, sizeBytes };
      return toMessage(await videos.insert(life.createVideo(made, new Date())));
    },

    async updateVideo({ video, updateMask }, { principal }) {
      if (!video) throw invalidField("video", "must be given");
      const id = resourceId("video.name", video.name, "videos/*");
      const details = readChange(video, updateMask);
      const asked = { viewer: principal?.name, etag: video.etag, action: "change this video" };
      return changeOwned(id, asked, (current, now) => life.describeVideo(current, details, now));
    },

    async deleteVideo({ name, etag }, { principal }) {
      const id = resourceId("name", name, "videos/*");
      const asked = { viewer: principal?.name, etag, action: "delete this video" };
      return changeOwned(id, asked, (video, now) => life.deleteVideo(video, keepDeletedMs, now));
    },

    async undeleteVideo({ name }, { principal }) {
      const id = resourceId("name", name, "videos/*");
      return changeOwned(id, { viewer: principal?.name, action: "take back this deletion" }, life.undeleteVideo);
    },

    async retryVideo({ name }, { principal }) {
      const id = resourceId("name", name, "videos/*");
      return changeOwned(id, { viewer: principal?.name, action: "retry this video" }, life.retryVideo);
    },

    async markUploaded({ name, source }) {
      const arrived = readSource(source);
      return change(resourceId("name", name, "videos/*"), (video, now) => life.markUploaded(video, arrived, now));
    },

    async markPlayable({ name, durationMs, width, height }) {
      if (durationMs <= 0n) throw invalidField("duration_ms", "must be more than 0");
      if (width < 0 || height < 0) throw invalidField(width < 0 ? "width" : "height", "must not be negative");
      const media = { durationMs: readSize("duration_ms", durationMs), width, height };
      return change(resourceId("name", name, "videos/*"), (video, now) => life.markPlayable(video, media, now));
    },

    async markReady({ name }) {
      return change(resourceId("name", name, "videos/*"), life.markReady);
    },

    async markFailed({ name, reason }) {
      const words = text("reason", reason, { min: 1, max: 500 });
      return change(resourceId("name", name, "videos/*"), (video, now) => life.markFailed(video, words, now));
    },

    async checkAccess({ name, action, viewer }, { principal }) {
      const video = await load(resourceId("name", name, "videos/*"));
      if (action !== Action.WATCH && action !== Action.MANAGE) throw invalidField("action", "must be WATCH or MANAGE");
      const wanted = action === Action.MANAGE ? "MANAGE" : "WATCH";
      const who = viewer === undefined ? principal?.name : viewer === "" ? undefined : viewer;
      const answer = { open: mayAccess(video, wanted, undefined), accessEpoch: BigInt(video.accessEpoch) };
      if (video.state === "DELETED" || !mayAccess(video, wanted, who)) return { allowed: false, ...answer };
      const source = video.source && toSourceMessage(video.source);
      return { allowed: true, ...answer, video: toMessage(video), source };
    },

    async listChanges(request) {
      const limit = request.pageSize === 0 ? 100 : pageSize(request.pageSize, { default: 100, max: 1000 });
      const [after = ""] = pages.read("changes", request.pageToken) ?? [];
      const found = await videos.listChanges({ after, limit });
      const last = found.at(-1);
      const reached = last?.updateKey ?? after;
      const overlap = life.timeKey(new Date(Date.now() - OVERLAP_MS), "");
      // Whoever has caught up starts a little earlier next time, in case something was written late.
      const next = found.length === limit || reached < overlap ? reached : overlap;
      return { videos: found.map(toMessage), nextPageToken: pages.make("changes", [next]) };
    },
  };
}
