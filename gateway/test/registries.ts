import type { FileRegistry } from "@bufbuild/protobuf";
import { image } from "@reelmesh/proto/image.js";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { readContracts } from "../src/json/contracts.js";

const root = join(__dirname, "../..");

/** The contracts of this repository. */
export const reelmesh: FileRegistry = readContracts(image);

/** Compiles the contracts under `gateway/test/contracts`. */
export function compileLibrary(): FileRegistry {
  return readContracts(compile("gateway/test/contracts"));
}

function compile(folder: string): Buffer {
  const config = {
    version: "v2",
    modules: [{ path: folder }, { path: "node_modules/protobufjs", includes: ["node_modules/protobufjs/google/api"] }],
  };
  const options = ["--config", JSON.stringify(config), "--as-file-descriptor-set", "--output", "-#format=binpb"];
  return execFileSync(join(root, "node_modules/.bin/buf"), ["build", ...options], { cwd: root });
}
