import { run } from "@reelmesh/mesh/run.js";
import { catalog } from "./module.js";

await run([catalog]);
