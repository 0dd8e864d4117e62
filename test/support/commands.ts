import { spawnSync } from "node:child_process";
import { test } from "@jest/globals";

/** A block of commands in a handbook. */
export interface CommandBlock {
  readonly commands: readonly string[];
  /** What stands in the comment above it, such as `run by test/deploy/compose.test.ts`. */
  readonly note: string | undefined;
}

/** The blocks of a Markdown text that are marked as commands of a shell. */
export function commandBlocksOf(markdown: string): readonly CommandBlock[] {
  return [...markdown.matchAll(/(?:^<!-- ([^\n]*) -->\n\n?)?^```(?:sh|bash|shell|console)\n([\s\S]*?)^```/gm)].map(
    ([, note, block = ""]) => ({
      note,
      commands: block
        .replaceAll("\\\n", "")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#")),
    }),
  );
}

/** Every command of a Markdown text. */
export function commandsOf(markdown: string): readonly string[] {
  return commandBlocksOf(markdown).flatMap(({ commands }) => commands);
}

/** A test that needs a program: skipped where it is missing, as its name then says; with CI=true it runs, and fails. */
export function testWith(program: string, name: string, body: () => Promise<void>, timeoutMs?: number): void {
  const there = process.env.CI === "true" || spawnSync(program, ["--version"]).error === undefined;
  if (there) test(name, body, timeoutMs);
  else test.skip(`${name} (skipped: there is no ${program} here)`, body, timeoutMs);
}
