import { spawnSync } from "node:child_process";
import { test } from "@jest/globals";

/** Every command in the blocks of a Markdown text that are marked as a shell's, in lists too. */
export function commandsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^ *```(?:sh|bash|shell|console)\n([\s\S]*?)^ *```/gm)].flatMap(([, block = ""]) =>
    block
      .replace(/\\\n\s*/g, "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
}

/** A test that needs a program: skipped where it is missing, as its name then says; with CI=true it runs, and fails. */
export function testWith(program: string, name: string, body: () => Promise<void>, timeoutMs?: number): void {
  const there = process.env.CI === "true" || spawnSync(program, ["--version"]).error === undefined;
  if (there) test(name, body, timeoutMs);
  else test.skip(`${name} (skipped: there is no ${program} here)`, body, timeoutMs);
}
