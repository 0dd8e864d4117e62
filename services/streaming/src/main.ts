import { run } from "@reelmesh/mesh/run.js";
import { streaming } from "./module.js";

await run([streaming]);
