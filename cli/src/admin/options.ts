import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError, type Invocation } from "../command.js";

/** The options of an `admin` command, by their names. @throws UsageError for others. */
export function readOptions(
  { arguments: args }: Pick<Invocation, "arguments">,
  options: NonNullable<ParseArgsConfig["options"]>,
): { readonly text: (name: string) => string | undefined; readonly has: (name: string) => boolean } {
  try {
    const { values } = parseArgs({ args: [...args], options });
    return {
      text(name) {
        const value = values[name];
        return typeof value === "string" && value !== "" ? value : undefined;
      },
      has: (name) => values[name] === true,
    };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The text of an option that must be given. @throws UsageError */
export function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new UsageError(`Give ${option}`);
  return value;
}

export const ADDRESSES_USAGE =
  "Reads MESH_SECRET and where services are: CATALOG_ADDRESS, UPLOAD_ADDRESS, STORAGE_ADDRESS";
