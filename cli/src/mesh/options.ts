import { parseArgs } from "node:util";
import { UsageError, type Invocation } from "../command.js";

/** What every `reelmesh mesh` command that asks processes takes. */
export interface MeshOptions {
  /** The operators' ports to ask, as host:port. */
  readonly ops: readonly string[];
  readonly json: boolean;
  /** Show it once in place of again and again. */
  readonly once: boolean;
  readonly words: readonly string[];
}

export const OPS_USAGE = "--ops HOST:PORT,... or REELMESH_OPS: the operators' ports to ask (default 127.0.0.1:9090)";

/** @throws UsageError for options that it does not take, and unless there are as many words as `words`. */
export function readMeshOptions(
  { arguments: args, environment }: Pick<Invocation, "arguments" | "environment">,
  { words = 0, once = false }: { words?: number; once?: boolean } = {},
): MeshOptions {
  const { values, positionals } = parse(args, once);
  if (positionals.length !== words) throw new UsageError(words === 0 ? "It takes no words" : "Name one service");
  const ops = readOps(values.ops, environment);
  return { ops, json: values.json === true, once: values.once === true, words: positionals };
}

/** The operators' ports of `--ops`, or else of `REELMESH_OPS`. @throws UsageError for what is no address. */
export function readOps(given: string | undefined, environment: Invocation["environment"]): readonly string[] {
  const ops = (given ?? environment.REELMESH_OPS ?? "127.0.0.1:9090").split(",").map((address) => address.trim());
  for (const address of ops) {
    if (!/^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/.test(address)) {
      throw new UsageError(`${JSON.stringify(address)} is no address: give host:port, such as 127.0.0.1:9090`);
    }
  }
  return ops;
}

const OPTIONS = { ops: { type: "string" }, json: { type: "boolean" }, once: { type: "boolean" } } as const;

function parse(args: readonly string[], once: boolean) {
  try {
    const parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (parsed.values.once === true && !once) throw new Error("Unknown option '--once'");
    return parsed;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
