import { randomUUID } from "node:crypto";
import { buildAll } from "../../../scripts/build.mjs";

/** Tells what this run made from what another one did, beside it or before it. */
export default async function setup() {
  process.env.REELMESH_TEST_RUN = randomUUID();
  await buildAll();
}
