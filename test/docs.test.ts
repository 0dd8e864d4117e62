import { describe, expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandBlocksOf } from "./support/commands.js";

const ROOT = join(__dirname, "..");
const DOCUMENTS = readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md"));

/** The test that takes all of a document's commands from it and runs them, where there is one. */
const RUN_BY: ReadonlyMap<string, string> = new Map([["mesh.md", "cli/test/docs.test.ts"]]);

/**
 * Every block of commands in docs/ is run by a test: by the one above, or by the one that the comment before it names,
 * `<!-- run by test/deploy/compose.test.ts -->`, which has each command in it word for word, or takes them from the
 * document. What nothing can run here says why: `<!-- not run: it needs a cloud -->`.
 */
describe("the commands in docs/", () => {
  test.each(DOCUMENTS)("%s: each is run by a test, or says why none can", (file) => {
    const unproven = commandBlocksOf(readFileSync(join(ROOT, "docs", file), "utf8")).flatMap(({ note, commands }) => {
      if (/^not run: \w.{4,}/.test(note ?? "")) return [];
      const tester = RUN_BY.get(file) ?? /^run by (\S+)$/.exec(note ?? "")?.[1];
      if (tester === undefined) return commands;
      const text = readFileSync(join(ROOT, tester), "utf8");
      return text.includes(`docs/${file}`) ? [] : commands.filter((command) => !text.includes(command));
    });
    expect(unproven).toEqual([]);
  });
});
