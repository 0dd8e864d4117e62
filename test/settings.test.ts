import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

test("the documents' tables of settings are what the code reads, with its defaults and bounds", async () => {
  const script = join(__dirname, "../scripts/settings.mjs");
  await expect(promisify(execFile)(process.execPath, [script, "--check"])).resolves.toMatchObject({ stderr: "" });
});
