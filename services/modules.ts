import { catalog } from "@reelmesh/catalog/module.js";
import { gateway } from "@reelmesh/gateway/module.js";
import { storage } from "@reelmesh/storage/module.js";
import { streaming } from "@reelmesh/streaming/module.js";
import { upload } from "@reelmesh/upload/module.js";

/** Every part of Reelmesh. */
export const modules = [storage, catalog, upload, streaming, gateway];
