import {
  idOf,
  parsePlayback,
  parseUploads,
  parseVideo,
  parseVideoPage,
  type Playback,
  type StoredUpload,
  type Video,
  type VideoPage,
  type Visibility,
} from "./model.js";
import { parseProblem, Problem } from "./problem.js";
import { newTraceparent } from "./trace.js";

const ROOT = "/api/v1";
const PATIENCE_MS = 30_000;

/** The fields of a video that people edit. */
export interface VideoEdit {
  readonly title?: string;
  readonly description?: string;
  readonly visibility?: Visibility;
}

async function answered(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`${ROOT}${path}`, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Problem(0, "UNREACHABLE", "");
  }
}

async function request(path: string, method = "GET", body?: unknown): Promise<unknown> {
  const response = await answered(path, {
    method,
    headers: {
      accept: "application/json",
      traceparent: newTraceparent(),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  if (!response.ok) throw parseProblem(response.status, answer);
  try {
    const json: unknown = JSON.parse(answer);
    return json;
  } catch {
    throw new Problem(response.status, "UNEXPECTED", "");
  }
}

const at = (name: string) => `/${name.split("/").map(encodeURIComponent).join("/")}`;

/** The edge's JSON API. Every function throws `Problem`. */
export const api = {
  async listVideos(pageToken = "", pageSize = 24): Promise<VideoPage> {
    const query = new URLSearchParams({ pageSize: String(pageSize), ...(pageToken ? { pageToken } : {}) });
    return parseVideoPage(await request(`/videos?${query.toString()}`));
  },

  async getVideo(name: string): Promise<Video> {
    return parseVideo(await request(at(name)));
  },

  /** @param etag - fails with ETAG_MISMATCH when it is not current; empty: any. */
  async updateVideo(name: string, edit: VideoEdit, etag = ""): Promise<Video> {
    const query = new URLSearchParams({ updateMask: Object.keys(edit).join(",") });
    return parseVideo(
      await request(`${at(name)}?${query.toString()}`, "PATCH", { ...edit, ...(etag ? { etag } : {}) }),
    );
  },

  async deleteVideo(name: string): Promise<Video> {
    return parseVideo(await request(at(name), "DELETE"));
  },

  async undeleteVideo(name: string): Promise<Video> {
    return parseVideo(await request(`${at(name)}:undelete`, "POST", {}));
  },

  async retryVideo(name: string): Promise<Video> {
    return parseVideo(await request(`${at(name)}:retry`, "POST", {}));
  },

  async getPlayback(name: string): Promise<Playback> {
    return parsePlayback(await request(`${at(name)}/playback`));
  },

  /** The caller's unfinished uploads. */
  async listUploads(): Promise<StoredUpload[]> {
    return parseUploads(await request("/uploads?pageSize=100"));
  },

  async deleteUpload(uploadId: string): Promise<void> {
    await request(`/uploads/${encodeURIComponent(idOf(uploadId))}`, "DELETE");
  },
};
