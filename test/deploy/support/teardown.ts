import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CLUSTER_IS_OURS } from "./cluster-mark.js";

/** Removes the cluster that the tests made. One that was there before stays. */
export default function teardown(): void {
  if (!existsSync(CLUSTER_IS_OURS)) return;
  const script = join(__dirname, "../../../scripts/cluster.mjs");
  spawnSync(process.execPath, [script, "down"], { stdio: "inherit" });
  rmSync(CLUSTER_IS_OURS);
}
