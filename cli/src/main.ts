import { backup } from "./admin/backup.js";
import { migrate, reindex, sweep } from "./admin/maintain.js";
import { restore } from "./admin/restore.js";
import { certs } from "./certs.js";
import { UsageError, type Command } from "./command.js";
import { check } from "./mesh/check.js";
import { fault } from "./mesh/fault.js";
import { graph } from "./mesh/graph.js";
import { createPaint } from "./mesh/paint.js";
import { stat } from "./mesh/stat.js";
import { tap } from "./mesh/tap.js";
import { token } from "./token.js";

const COMMANDS: readonly Command[] = [
  token,
  check,
  stat,
  tap,
  graph,
  fault,
  certs,
  migrate,
  reindex,
  sweep,
  backup,
  restore,
];

const USAGE = `Usage: reelmesh <command>

${COMMANDS.map(({ usage }) => `  ${usage}`).join("\n\n")}
`;

/** Exit codes: 0 done, 1 it went wrong, 2 the command line makes no sense. */
async function main(words: readonly string[]): Promise<number> {
  const [name] = words;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(USAGE);
    return name === undefined ? 2 : 0;
  }
  try {
    const command = COMMANDS.find((candidate) => `${words.join(" ")} `.startsWith(`${candidate.name} `));
    if (!command) throw new UsageError(`There is no command ${name}`);
    const args = words.slice(command.name.split(" ").length);
    const out = (line: string) => process.stdout.write(`${line}\n`);
    const terminal = process.stdout.isTTY;
    // https://no-color.org: what it is set to does not matter, unless it is empty.
    const paint = createPaint(terminal && (process.env.NO_COLOR ?? "") === "" && process.env.TERM !== "dumb");
    await command.run({ arguments: args, environment: process.env, out, terminal, paint });
    return 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage ? `\n${USAGE}` : ""}`);
    return usage ? 2 : 1;
  }
}

// Whoever reads, such as head, may have had enough.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await main(process.argv.slice(2));
