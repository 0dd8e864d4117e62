import { buildAll } from "../../../scripts/build.mjs";

/** Tells what this run made from what another one did that goes on beside it. */
export default async function setup() {
  process.env.REELMESH_TEST_RUN = String(process.pid);
  await buildAll();
}
