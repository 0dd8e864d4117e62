// proto/ -> proto/gen (TypeScript by ts-proto) and proto/dist/image.binpb (descriptors, for reflection and the edge).
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const buf = (...args) => execFileSync(join(root, "node_modules/.bin/buf"), args, { cwd: root, stdio: "inherit" });

buf("generate");
mkdirSync(join(root, "proto/dist"), { recursive: true });
buf("build", "--as-file-descriptor-set", "--output", "proto/dist/image.binpb");
