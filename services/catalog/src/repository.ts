import type { Collection, Documents } from "@reelmesh/documents/collection.js";
import { DuplicateKeyError } from "@reelmesh/documents/errors.js";
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
  /** Removes deleted videos whose time is up. */
  purge(now: Date): Promise<void>;
}

type OptionalField = { [F in keyof Video]-?: undefined extends Video[F] ? F : never }[keyof Video];

/** The fields that a transition may take away: all that are optional. */
const OPTIONAL = { stateBefore: true, failureReason: true, source: true, expireTime: true } as const satisfies Record<
  OptionalField,
  true
>;

/** Opens the collection of videos. */
export async function openVideos(documents: Documents): Promise<VideoRepository> {
  const videos = await documents.collection<Video>("videos", {
    indexes: [
      { keys: { owner: 1, requestId: 1 }, unique: true },
      { keys: { audience: 1, createKey: -1 } },
      { keys: { owner: 1, audience: 1, createKey: -1 } },
      { keys: { updateKey: 1 } },
      { keys: { expireTime: 1 } },
    ],
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
    async purge(now) {
      await videos.deleteMany({ expireTime: { $lte: now } });
    },
  };
}

async function insert(videos: Collection<Video>, video: Video): Promise<Video> {
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

async function replace(videos: Collection<Video>, next: Video): Promise<boolean> {
  const { _id, ...fields } = next;
  const gone = Object.entries(OPTIONAL).filter(([field]) => !Object.hasOwn(next, field));
  const replaced = await videos.findOneAndUpdate(
    { _id, revision: next.revision - 1 },
    { $set: fields, ...(gone.length === 0 ? {} : { $unset: Object.fromEntries(gone) }) },
  );
  return replaced !== undefined;
}
