// proto/ -> proto/gen (TypeScript by ts-proto) and proto/gen/image.ts (descriptors, for reflection and the edge).
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const root = join(import.meta.dirname, "..");
const buf = (...args) =>
  execFileSync(join(root, "node_modules/.bin/buf"), args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });

buf("generate");
const set = fromBinary(FileDescriptorSetSchema, buf("build", "--as-file-descriptor-set", "--output", "-#format=binpb"));
for (const { name, sourceCodeInfo } of set.file) {
  // Of the source only our comments are kept, which the edge's OpenAPI document and reflection show.
  if (!sourceCodeInfo) continue;
  const isOurs = name.startsWith("reelmesh/");
  sourceCodeInfo.location = sourceCodeInfo.location.filter(({ leadingComments }) => isOurs && leadingComments !== "");
}
const image = Buffer.from(toBinary(FileDescriptorSetSchema, set));
writeFileSync(
  join(root, "proto/gen/image.ts"),
  `/** The contracts as a serialized google.protobuf.FileDescriptorSet. */
export const image = Buffer.from("${image.toString("base64")}", "base64");\n`,
);
