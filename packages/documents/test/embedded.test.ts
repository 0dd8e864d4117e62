import { join } from "node:path";
import { openDocuments } from "../src/open.js";
import { documentsContract } from "./contract.js";
import { temporaryFolders } from "./temporary.js";

const temporaryFolder = temporaryFolders();
let folder: string | undefined;

documentsContract("embedded", async () => {
  folder ??= join(await temporaryFolder(), "made");
  return openDocuments({ folder });
});
