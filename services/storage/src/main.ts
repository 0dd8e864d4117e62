import { run } from "@reelmesh/mesh/run.js";
import { storage } from "./module.js";

await run([storage]);
