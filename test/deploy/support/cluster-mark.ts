import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that is there while a cluster is that tests made, and not somebody at work. */
export const CLUSTER_IS_OURS = join(tmpdir(), "reelmesh-test-cluster");
