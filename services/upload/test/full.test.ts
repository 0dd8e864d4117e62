import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open as openFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Upload_State } from "@reelmesh/proto/reelmesh/upload/v1/upload_service.js";
import { reasonOf, until } from "../../catalog/test/support/services.js";
import { someBytes, startUploading, type Uploading } from "./support/uploading.js";

const data = mkdtempSync(join(tmpdir(), "reelmesh-full-"));
const objects = join(data, "objects");

/** Has objects on a file system of 4 MiB; false where this process may not mount one. */
function mountSmall(): boolean {
  mkdirSync(objects);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", objects], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const mounted = mountSmall();
afterAll(async () => {
  // The files of a read that was left early are closed a little later.
  if (mounted) await until(isUnmounted);
  rmSync(data, { recursive: true });
});

function isUnmounted(): boolean {
  try {
    execFileSync("umount", [objects], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Takes all the room there is. */
async function fillUp(): Promise<void> {
  const file = await openFile(join(objects, ".filler"), "w");
  try {
    for (;;) await file.write(Buffer.alloc(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    await file.close();
  }
}
const makeRoom = () => rm(join(objects, ".filler"));

describe("a full store", () => {
  if (!mounted) {
    test.skip("loses nothing, and uploads go on when there is room (skipped: mounting a small one takes root)", () =>
      undefined);
    return;
  }
  let running: Uploading;
  beforeAll(async () => {
    running = await startUploading({ REELMESH_DATA: data });
  });
  afterAll(() => running.stop());

  test("refuses bytes and says so; the upload goes on where it stood when there is room", async () => {
    const { create, open, uploads, read, ann } = running;
    const bytes = someBytes(300_000);
    const { name } = await create(bytes.length);
    const first = await open(name);
    await first.write(bytes.subarray(0, 100_000));
    await fillUp();
    expect(await reasonOf(first.write(bytes.subarray(100_000, 200_000)))).toBe("NO_SPACE");
    const stood = await uploads.getUpload({ name }, ann);
    expect(stood).toMatchObject({ state: Upload_State.RECEIVING, offsetBytes: 100_000n });
    await makeRoom();
    const second = await open(name, 100_000);
    expect(await second.write(bytes.subarray(100_000))).toMatchObject({ state: Upload_State.FINISHED });
    expect(await read(second.opened.object)).toEqual(bytes);
  });

  test("holds back an upload whose bytes are all in, which is finished by itself when there is room", async () => {
    const { create, open, uploads, read, ann } = running;
    const bytes = someBytes(100_000);
    const { name } = await create(bytes.length);
    const writer = await open(name);
    const block = await writer.stage(bytes);
    await fillUp();
    expect(await writer.record([block])).toMatchObject({ state: Upload_State.FINISHING, offsetBytes: 100_000n });
    await makeRoom();
    await until(async () => (await uploads.getUpload({ name }, ann)).state === Upload_State.FINISHED);
    expect(await read(writer.opened.object)).toEqual(bytes);
  });
});
