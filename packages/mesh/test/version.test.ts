import { expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as version from "../src/version.js";

test("the version that the mesh tells of is the workspace's", async () => {
  const text = await readFile(join(__dirname, "../../../package.json"), "utf8");
  expect(Object.values(version)).toEqual([/"version": "([^"]+)"/.exec(text)?.[1]]);
});
