import { certs } from "./certs.js";
import { UsageError, type Command } from "./command.js";
import { token } from "./token.js";

const COMMANDS: readonly Command[] = [token, certs];

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
    await command.run({ arguments: args, environment: process.env, out });
    return 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage ? `\n${USAGE}` : ""}`);
    return usage ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
