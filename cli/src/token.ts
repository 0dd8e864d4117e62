import { parseArgs } from "node:util";
import { Environment } from "@reelmesh/mesh/environment.js";
import { createKeys, readSecrets } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { UsageError, type Command } from "./command.js";

const HOUR = 3600;

/** Prints a token to call the services with, signed by the secret that this machine's mesh uses. */
export const token: Command = {
  name: "token",
  usage: `token [--user NAME] [--hours N]
      Print a token for grpcurl's -H "authorization: Bearer ...". Default: the user local, 12 hours.
      Reads MESH_SECRET, or the secret kept under REELMESH_DATA (default data).`,
  async run({ arguments: args, environment, out }) {
    const { user, hours } = read(args);
    // A command line stands where `npm start` does: the secret kept in the data folder will do.
    const settings = new Environment(environment, { alone: false });
    const secrets = readSecrets(settings);
    settings.assertUsable();
    out(await createTokens(createKeys(secrets)).forPrincipal({ name: `users/${user}` }, hours * HOUR));
  },
};

function read(args: readonly string[]): { user: string; hours: number } {
  const { values } = parse(args);
  const user = values.user ?? "local";
  const hours = Number(values.hours ?? "12");
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/i.test(user)) throw new UsageError("--user takes letters, digits and hyphens");
  if (!(hours > 0 && hours <= 24 * 30)) throw new UsageError("--hours takes a number up to 720");
  return { user, hours };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { user: { type: "string" }, hours: { type: "string" } } });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
