import { run } from "@reelmesh/mesh/run.js";
import { upload } from "./module.js";

await run([upload]);
