import { afterAll, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCleanup } from "../../../test/support/cleanup.js";
import { startWholeMesh } from "../../../test/support/mesh.js";
import { expectSameBytes, someBytes } from "../support/bytes.js";
import { createHttpClient, jsonIn } from "../support/http.js";
import { create, offsetOf, patch, watch } from "../support/tus.js";

const MIB = 1024 * 1024;

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const mount = (options: string, folder: string) =>
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "pipe" });
const unmount = (folder: string) => execFileSync("umount", [folder], { stdio: "pipe" });

/** Why no small disk can be had here; undefined when it can. */
function whyNoDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "reelmesh-"));
  try {
    mkdirSync(join(folder, "disk"));
    mount("size=1m", join(folder, "disk"));
    unmount(join(folder, "disk"));
    return undefined;
  } catch {
    return "mounting a small disk needs root";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const why = whyNoDisk();
const withDisk = why === undefined || process.env.CI === "true" ? test : test.skip;

withDisk(
  `a full disk ends a PATCH with 507, and it goes on when there is room${why ? ` (skipped: ${why})` : ""}`,
  async () => {
    const data = await cleanup.folder();
    const disk = join(data, "objects");
    await mkdir(disk);
    mount("size=7m", disk);
    cleanup.add(() => Promise.resolve(unmount(disk)));
    const mesh = await startWholeMesh({ REELMESH_DATA: data });
    cleanup.add(() => mesh.stop());
    const http = createHttpClient(mesh.url, cleanup);

    const bytes = someBytes(20 * MIB);
    const path = await create(http, bytes.length);
    const full = await patch(http, path, 0, bytes);
    expect(full.status).toBe(507);
    expect(jsonIn(full)).toMatchObject({ reason: "NO_SPACE", detail: expect.stringMatching(/full: .*try again/) });
    const kept = await offsetOf(http, path);
    expect(kept).toBe(6 * MIB);
    expect((await patch(http, path, kept, bytes.subarray(kept))).status).toBe(507);
    expect(await offsetOf(http, path)).toBe(kept);

    mount("remount,size=64m", disk);
    expect((await patch(http, path, kept, bytes.subarray(kept))).status).toBe(204);
    expectSameBytes(await watch(http, path), bytes);
  },
);
