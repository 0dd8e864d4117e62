import { catalog } from "@reelmesh/catalog/module.js";
import { gateway } from "@reelmesh/gateway/module.js";
import { storage } from "@reelmesh/storage/module.js";
import { streaming } from "@reelmesh/streaming/module.js";
import { upload } from "@reelmesh/upload/module.js";

/**
 * Every part of Reelmesh. The catalogue comes first: its embedded store locks the data folder's part, so that a second
 * process is refused before it touches anything else.
 */
export const modules = [catalog, storage, upload, streaming, gateway];
