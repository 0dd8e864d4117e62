import { run } from "@reelmesh/mesh/run.js";
import { gateway } from "./module.js";

await run([gateway]);
