import { describe, expect, test } from "@jest/globals";
import { Environment } from "@reelmesh/mesh/environment.js";
import {
  CreateUploadRequest,
  RecordBlocksRequest,
  Upload as UploadMessage,
} from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { readConfig } from "../src/config.js";
import { readBlocks, readNewUpload } from "../src/input.js";

const refusal = (field: string) =>
  expect.objectContaining({ reason: "INVALID_FIELD", metadata: expect.objectContaining({ field }) });
const LIMIT = 1000;

describe("a new upload", () => {
  const given = (upload: Partial<UploadMessage>, more: Partial<CreateUploadRequest> = {}): CreateUploadRequest => ({
    ...CreateUploadRequest.fromPartial({}),
    upload: { ...UploadMessage.fromPartial({}), ...upload },
    ...more,
  });

  test("says what it is", () => {
    const upload = { sizeBytes: 5n, filename: "a_b.mp4", contentType: "Video/MP4; codecs=avc1", clientMetadata: " x " };
    expect(readNewUpload(given(upload), LIMIT)).toEqual({
      sizeBytes: 5,
      filename: "a_b.mp4",
      contentType: "video/mp4",
      clientMetadata: " x ",
      title: "a b",
      visibility: "PRIVATE",
    });
    const more = { title: " Mine ", visibility: "UNLISTED" };
    expect(readNewUpload(given(upload, more), LIMIT)).toMatchObject({ title: "Mine", visibility: "UNLISTED" });
  });

  test("of nothing at all", () => {
    expect(readNewUpload(given({}), LIMIT)).toMatchObject({
      sizeBytes: 0,
      title: "Untitled",
      contentType: "application/octet-stream",
    });
  });

  test("beyond the limit is too large, and says the limit", () => {
    expect(readNewUpload(given({ sizeBytes: 1000n }), LIMIT).sizeBytes).toBe(1000);
    for (const sizeBytes of [1001n, 5n * 10n ** 9n, 2n ** 63n - 1n])
      expect(() => readNewUpload(given({ sizeBytes }), LIMIT)).toThrow(
        expect.objectContaining({ reason: "TOO_LARGE", metadata: expect.objectContaining({ limit_bytes: "1000" }) }),
      );
  });

  test.each<[string, Partial<UploadMessage>, string]>([
    ["a negative size", { sizeBytes: -1n }, "upload.size_bytes"],
    ["a file name of 256 characters", { filename: "a".repeat(256) }, "upload.filename"],
    ["NUL in the file name", { filename: "a\0.mp4" }, "upload.filename"],
    ["a file name that was not UTF-8", { filename: "\uFFFD.mp4" }, "upload.filename"],
    ["a type that is none", { contentType: "video" }, "upload.content_type"],
    ["a type of two lines", { contentType: "video/mp4\r\nx: y" }, "upload.content_type"],
    ["a type of 128 characters", { contentType: `video/${"a".repeat(122)}` }, "upload.content_type"],
    ["metadata of 4097 characters", { clientMetadata: "a".repeat(4097) }, "upload.client_metadata"],
    ["metadata of blanks beyond that", { clientMetadata: `a${" ".repeat(4096)}` }, "upload.client_metadata"],
    ["a line break in the metadata", { clientMetadata: "a\n" }, "upload.client_metadata"],
  ])("%s is refused", (_, upload, field) => {
    expect(() => readNewUpload(given(upload), LIMIT)).toThrow(refusal(field));
  });

  test.each<[string, Partial<CreateUploadRequest>, string]>([
    ["a title of 10,000 characters", { title: "a".repeat(10_000) }, "title"],
    ["a title with a control character", { title: "a\u0007" }, "title"],
    ["an unknown visibility", { visibility: "SECRET" }, "visibility"],
    ["a visibility in lower case", { visibility: "public" }, "visibility"],
    ["no upload", { upload: undefined }, "upload"],
  ])("%s is refused", (_, more, field) => {
    expect(() => readNewUpload(given({}, more), LIMIT)).toThrow(refusal(field));
  });
});

describe("recorded blocks", () => {
  const block = { id: "0000000a-00000000", sha256: Buffer.alloc(32), sizeBytes: 1n };
  const given = (blocks: readonly Partial<typeof block>[], fence = 10n): RecordBlocksRequest => ({
    ...RecordBlocksRequest.fromPartial({}),
    fence,
    blocks: blocks.map((differing) => ({ ...block, ...differing })),
  });

  test("are read", () => {
    expect(readBlocks(given([{ sizeBytes: 4_194_304n }]))).toEqual([{ ...block, sizeBytes: 4_194_304 }]);
    expect(readBlocks(given(Array.from({ length: 256 }, () => ({}))))).toHaveLength(256);
  });

  test.each([
    ["none", [], "blocks"],
    ["257", Array.from({ length: 257 }, () => ({})), "blocks"],
    ["another writer's", [{}, { id: "0000000b-00000000" }], "blocks[1].id"],
    ["one with upper-case digits", [{ id: "0000000A-00000000" }], "blocks[0].id"],
    ["one whose id is too long", [{ id: "0000000a-000000000" }], "blocks[0].id"],
    ["one of two lines", [{ id: "0000000a-00000000\n" }], "blocks[0].id"],
    ["one with a short digest", [{ sha256: Buffer.alloc(31) }], "blocks[0].sha256"],
    ["an empty one", [{ sizeBytes: 0n }], "blocks[0].size_bytes"],
    ["a negative one", [{ sizeBytes: -1n }], "blocks[0].size_bytes"],
    ["one beyond 4 MiB", [{ sizeBytes: 4_194_305n }], "blocks[0].size_bytes"],
  ])("%s are refused", (_, blocks, field) => {
    expect(() => readBlocks(given(blocks))).toThrow(refusal(field));
  });

  test("of a fence that is none are refused", () => {
    for (const fence of [-10n, 2n ** 40n])
      expect(() => readBlocks(given([{}], fence))).toThrow(refusal("blocks[0].id"));
  });
});

test("settings: defaults, and every fault at once", () => {
  const read = (variables: Record<string, string>) => {
    const environment = new Environment(variables, { alone: false });
    return { config: readConfig(environment), faults: environment.faults.map(({ variable }) => variable) };
  };
  expect(read({})).toEqual({
    config: {
      documents: { folder: "data/upload" },
      events: "in process",
      maxBytes: 64 * 2 ** 30,
      keepMs: 86_400_000,
      reconcileEveryMs: 15_000,
      sweepEveryMs: 600_000,
      sweepAgeMs: 3_600_000,
    },
    faults: [],
  });
  const all = ["MAX_BYTES", "EXPIRE_SECONDS", "RECONCILE_SECONDS", "SWEEP_SECONDS", "SWEEP_AGE_SECONDS"];
  const variables = all.map((name) => `UPLOAD_${name}`);
  expect(read(Object.fromEntries(variables.map((name) => [name, "-1"]))).faults).toEqual(variables);
});
