import { expect } from "@jest/globals";
import { jsonIn, type Answer, type HttpClient } from "./http.js";

export const VERSION = { "tus-resumable": "1.0.0" };

/** Upload-Metadata of these pairs. */
export function metadataOf(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`)
    .join(",");
}

/** What a PATCH from an offset says. */
export function patchHeaders(offset: number, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    ...VERSION,
    "content-type": "application/offset+octet-stream",
    "upload-offset": String(offset),
    ...more,
  };
}

/** Creates an upload and returns its path. */
export async function create(
  http: HttpClient,
  size: number,
  metadata: Readonly<Record<string, string>> = { filename: "clip.mp4", filetype: "video/mp4" },
): Promise<string> {
  const { headers } = await createWhole(http, size, metadata);
  return headers.location ?? "";
}

async function createWhole(http: HttpClient, size: number, metadata: Readonly<Record<string, string>>) {
  const answer = await http.ask("/uploads", {
    method: "POST",
    headers: { ...VERSION, "upload-length": String(size), "upload-metadata": metadataOf(metadata) },
  });
  expect(answer.status).toBe(201);
  return answer;
}

/** Uploads bytes whole and returns the video's id. */
export async function upload(
  http: HttpClient,
  bytes: Uint8Array,
  metadata: Readonly<Record<string, string>> = { filename: "clip.mp4", filetype: "video/mp4", visibility: "PUBLIC" },
): Promise<string> {
  const { headers } = await createWhole(http, bytes.length, metadata);
  const answer = await patch(http, headers.location ?? "", 0, bytes);
  expect(answer.status).toBe(204);
  return String(answer.headers["reelmesh-video"]).replace("videos/", "");
}

export function patch(
  http: HttpClient,
  path: string,
  offset: number,
  bytes: Uint8Array,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return http.ask(path, { method: "PATCH", headers: patchHeaders(offset, more), body: bytes });
}

/** Where an upload stands. */
export async function offsetOf(http: HttpClient, path: string): Promise<number> {
  const answer = await http.ask(path, { method: "HEAD", headers: VERSION });
  expect(answer.status).toBe(200);
  return Number(answer.headers["upload-offset"]);
}

/** Where a viewer finds what an upload became. */
export async function mediaOf(http: HttpClient, path: string): Promise<string> {
  const standing = await http.ask(path, { method: "HEAD", headers: VERSION });
  const playback = await http.ask(`/api/v1/${String(standing.headers["reelmesh-video"])}/playback`);
  expect(playback.status).toBe(200);
  return String(jsonIn(playback).path);
}

/** The bytes that an upload became, read back as a viewer does. */
export async function watch(http: HttpClient, path: string): Promise<Buffer> {
  const answer = await http.ask(await mediaOf(http, path));
  expect(answer.status).toBe(200);
  return answer.body;
}
