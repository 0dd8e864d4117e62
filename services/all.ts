import { run } from "@reelmesh/mesh/run.js";
import { modules } from "./modules.js";

await run(modules, (mesh) => {
  process.stdout.write(`Reelmesh is at http://${mesh.addressOf("gateway")}\n`);
});
