// proto/ -> proto/gen (TypeScript by ts-proto) and proto/gen/image.ts (descriptors, for reflection and the edge).
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const buf = (...args) => execFileSync(join(root, "node_modules/.bin/buf"), args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });

buf("generate");
const image = buf("build", "--as-file-descriptor-set", "--exclude-source-info", "--output", "-#format=binpb");
writeFileSync(
  join(root, "proto/gen/image.ts"),
  `/** The contracts as a serialized google.protobuf.FileDescriptorSet. */
export const image = Buffer.from("${image.toString("base64")}", "base64");\n`,
);
