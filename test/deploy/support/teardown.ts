import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that is there while a cluster is that tests made, and not somebody at work. */
export const CLUSTER_IS_OURS = join(tmpdir(), "reelmesh-test-cluster");

/** Removes the cluster that the tests made. One that was there before stays. */
export default function teardown(): void {
  if (!existsSync(CLUSTER_IS_OURS)) return;
  const script = join(__dirname, "../../../scripts/cluster.mjs");
  spawnSync(process.execPath, [script, "down"], { stdio: "inherit" });
  rmSync(CLUSTER_IS_OURS);
}
