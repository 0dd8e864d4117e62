import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ofThisRun = (what: string) => join(tmpdir(), `reelmesh-test-${process.env.REELMESH_TEST_RUN ?? ""}-${what}`);

/** A file that is there while a cluster is that this run made, and not somebody at work. */
export const CLUSTER_IS_OURS = ofThisRun("cluster");
/** A file that is there once this run's images are in the cluster. */
export const IMAGES_ARE_THERE = ofThisRun("images");

/** Removes the cluster that the tests made. One that was there before stays. */
export default function teardown(): void {
  rmSync(IMAGES_ARE_THERE, { force: true });
  if (!existsSync(CLUSTER_IS_OURS)) return;
  const script = join(__dirname, "../../../scripts/cluster.mjs");
  spawnSync(process.execPath, [script, "down"], { stdio: "inherit" });
  rmSync(CLUSTER_IS_OURS);
}
