/** Uploads and what they stand on as a process of their own, which a test can kill. Says where they are when ready. */
import { catalog } from "@reelmesh/catalog/module.js";
import { run } from "@reelmesh/mesh/run.js";
import { storage } from "@reelmesh/storage/module.js";
import { upload } from "../../src/module.js";

const MODULES = [storage, catalog, upload];

await run(MODULES, (mesh) => {
  const addresses = Object.fromEntries(MODULES.map(({ name }) => [name, mesh.addressOf(name)]));
  process.stdout.write(`ready ${JSON.stringify(addresses)}\n`);
});
