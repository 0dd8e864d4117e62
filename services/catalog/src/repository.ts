import type { Data } from "@reelmesh/documents/data.js";
import { DuplicateKeyError } from "@reelmesh/documents/errors.js";
import type { VersionedCollection } from "@reelmesh/documents/versioned.js";
import type { Video } from "./video.js";

/** The videos as they are kept. Every method throws DomainError STORE_UNAVAILABLE when the store does not answer. */
export interface VideoRepository {
  find(id: string): Promise<Video | undefined>;
  /** Keeps a new video and returns it; or returns the owner's video that was made by the same request. */
  insert(video: Video): Promise<Video>;
  /** Replaces the revision before `next` by `next`; false when another change came first. */
  replace(next: Video): Promise<boolean>;
  /** What any of `audience` finds, of one owner or of all: by create key, newest first, before `key`. */
  listFor(query: { audience: readonly string[]; owner?: string; before?: string; limit: number }): Promise<Video[]>;
  /** All videos by update key, oldest change first, after `key`. */
  listChanges(query: { after: string; limit: number }): Promise<Video[]>;
  /** Deleted videos whose time is up, the earliest first. */
  listExpired(now: Date, limit: number): Promise<Video[]>;
  /** Removes a deleted video if its time is up; false when it is not, or no longer. */
  purge(id: string, now: Date): Promise<boolean>;
}

type OptionalField = { [F in keyof Video]-?: undefined extends Video[F] ? F : never }[keyof Video];

/** The fields that a transition may take away: all that are optional. */
const OPTIONAL = { stateBefore: true, failureReason: true, source: true, expireTime: true } as const satisfies Record<
  OptionalField,
  true
>;

/** Opens the collection of videos. */
export async function openVideos(data: Data): Promise<VideoRepository> {
  const videos = await data.collection<Video>("videos", {
    indexes: [
      { keys: { owner: 1, requestId: 1 }, unique: true },
      { keys: { audience: 1, createKey: -1 } },
      { keys: { owner: 1, audience: 1, createKey: -1 } },
      { keys: { updateKey: 1 } },
      { keys: { expireTime: 1 } },
    ],
    // Without its source there is nothing to restore: whatever was under way ends with the system it was under way in.
    isLasting: ({ source }) => source !== undefined,
    objectsOf: ({ source }) => (source ? [{ name: source.object, etag: source.objectEtag }] : []),
  });
  return {
    find: (id) => videos.findOne({ _id: id }),
    insert: (video) => insert(videos, video),
    replace: (next) => replace(videos, next),
    listFor({ audience, owner, before, limit }) {
      return videos.find(
        {
          audience: { $in: audience },
          ...(owner === undefined ? {} : { owner }),
          ...(before === undefined ? {} : { createKey: { $lt: before } }),
        },
        { sort: { createKey: -1 }, limit },
      );
    },
    listChanges: ({ after, limit }) => videos.find({ updateKey: { $gt: after } }, { sort: { updateKey: 1 }, limit }),
    listExpired: (now, limit) => videos.find({ expireTime: { $lte: now } }, { sort: { expireTime: 1 }, limit }),
    purge: (id, now) => videos.deleteOne({ _id: id, expireTime: { $lte: now } }),
  };
}

async function insert(videos: VersionedCollection<Video>, video: Video): Promise<Video> {
  try {
    await videos.insertOne(video);
    return video;
  } catch (error) {
    const made =
      error instanceof DuplicateKeyError && (await videos.findOne({ owner: video.owner, requestId: video.requestId }));
    if (made) return made;
    throw error;
  }
}

async function replace(videos: VersionedCollection<Video>, next: Video): Promise<boolean> {
  const { _id, ...fields } = next;
  const gone = Object.entries(OPTIONAL).filter(([field]) => !Object.hasOwn(next, field));
  const replaced = await videos.findOneAndUpdate(
    { _id, revision: next.revision - 1 },
    { $set: fields, ...(gone.length === 0 ? {} : { $unset: Object.fromEntries(gone) }) },
  );
  return replaced !== undefined;
}
