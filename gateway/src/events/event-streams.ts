import { fromBinary, toJsonString, type DescMessage, type FileRegistry } from "@bufbuild/protobuf";
import { backgroundScope } from "@reelmesh/mesh/call.js";
import type { Client } from "@reelmesh/mesh/client.js";
import { DomainError, isDomainError } from "@reelmesh/mesh/errors.js";
import type { Mesh } from "@reelmesh/mesh/module.js";
import {
  Video,
  Visibility,
  type CatalogServiceDefinition,
} from "@reelmesh/proto/reelmesh/catalog/v1/catalog_service.js";
import type { ServerResponse } from "node:http";
import type { Caller } from "../scope.js";
import { openEventStream, type EventStream } from "./event-stream.js";

const HEARTBEAT_MS = 15_000;
const CALL_MS = 10_000;
/** How many viewers are asked about at a time. */
const PARALLEL = 16;

/** The pages that are told of changes. */
export interface EventStreams {
  /**
   * Begins to tell a page, at once of the videos it named.
   *
   * @param videos names of videos; undefined: whatever the viewer finds in the library.
   * @throws DomainError OVERLOADED when there are too many, or this edge is about to stop.
   */
  open(response: ServerResponse, caller: Caller, videos: ReadonlySet<string> | undefined): void;
  /**
   * Tells every page that may know of it how a video is now. Changes of one video are told in their order.
   *
   * @throws DomainError when the catalogue does not answer; who could be told has been.
   */
  changed(name: string): Promise<void>;
  /** Ends all of them, for good. */
  close(): void;
}

export function createEventStreams(parts: {
  catalog: Client<typeof CatalogServiceDefinition>;
  contracts: FileRegistry;
  mesh: Pick<Mesh, "log" | "meter" | "signal">;
  most: number;
}): EventStreams {
  const { catalog, contracts, mesh, most } = parts;
  const schema = contracts.getMessage("reelmesh.catalog.v1.Video");
  if (!schema) throw new Error("The contracts know no videos");
  const streams = new Set<EventStream>();
  const inTurn = new Map<string, Promise<void>>();
  const open = mesh.meter.gauge("edge_event_streams", "Pages that are told of changes", []);
  let isClosed = false;

  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.beat();
  }, HEARTBEAT_MS).unref();

  /** The video as somebody may see it. */
  const look = async (name: string, { principal, principalToken }: Caller): Promise<Video | undefined> => {
    try {
      const scope = backgroundScope(mesh.signal, { timeoutMs: CALL_MS });
      return await catalog.getVideo({ name }, { ...scope, principal, principalToken });
    } catch (error) {
      if (isDomainError(error, "RESOURCE_NOT_FOUND", "INVALID_FIELD")) return undefined;
      throw error;
    }
  };

  /** Tells the streams of one viewer. */
  const tell = async (name: string, viewers: readonly EventStream[]) => {
    const [first] = viewers;
    const video = first && (await look(name, first.caller));
    const seen = video && { name, etag: video.etag, json: jsonOf(video, schema) };
    for (const stream of viewers) {
      if (seen && (stream.videos || isListed(video, stream.caller))) stream.show(seen);
      else stream.hide(name);
    }
  };

  const tellAll = async (name: string) => {
    const concerned = [...streams].filter(({ videos }) => videos?.has(name) ?? true);
    const groups = byViewer(concerned);
    const failures: unknown[] = [];
    for (let at = 0; at < groups.length; at += PARALLEL) {
      const some = groups.slice(at, at + PARALLEL).map((group) => tell(name, group));
      for (const result of await Promise.allSettled(some))
        if (result.status === "rejected") failures.push(result.reason);
    }
    if (failures.length > 0) throw failures[0];
  };

  /** Does work on one video after what was begun before. */
  const inOrder = async (name: string, work: () => Promise<void>) => {
    const before = inTurn.get(name) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    inTurn.set(name, turn);
    try {
      await turn;
    } finally {
      if (inTurn.get(name) === turn) inTurn.delete(name);
    }
  };

  const tellFirst = async (stream: EventStream, videos: Iterable<string>) => {
    for (const name of videos) if (streams.has(stream)) await inOrder(name, () => tell(name, [stream]));
  };

  return {
    open(response, caller, videos) {
      if (isClosed || streams.size >= most) throw new DomainError("OVERLOADED", { service: "gateway" });
      const stream = openEventStream(response, { caller, videos });
      streams.add(stream);
      open.set({}, streams.size);
      response.once("close", () => {
        streams.delete(stream);
        open.set({}, streams.size);
      });
      tellFirst(stream, videos ?? []).catch((error: unknown) => {
        mesh.log.warn({ err: error }, "a page was not told how its videos are: it is sent back to ask again");
        stream.end();
      });
    },
    changed: (name) => inOrder(name, () => tellAll(name)),
    close() {
      isClosed = true;
      clearInterval(heartbeat);
      for (const stream of streams) stream.end();
    },
  };
}

function jsonOf(video: Video, schema: DescMessage): string {
  return toJsonString(schema, fromBinary(schema, Video.encode(video).finish()));
}

/** Whether somebody who may see a video also finds it: to an unlisted one only its link leads. */
function isListed({ owner, visibility }: Video, { principal }: Caller): boolean {
  return owner === principal?.name || visibility === Visibility.PUBLIC || visibility === Visibility.MEMBERS;
}

/** What one viewer may see is asked once, however many pages they have open. */
function byViewer(streams: readonly EventStream[]): readonly (readonly EventStream[])[] {
  const groups = new Map<string | undefined, EventStream[]>();
  for (const stream of streams) {
    const viewer = stream.caller.principal?.name;
    const group = groups.get(viewer);
    if (group) group.push(stream);
    else groups.set(viewer, [stream]);
  }
  return [...groups.values()];
}
