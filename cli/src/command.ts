import type { Paint } from "./mesh/paint.js";

/** What a command is given, and where it writes. */
export interface Invocation {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  /** Whether a person watches what is written. */
  readonly terminal: boolean;
  readonly paint: Paint;
}

/** One command of `reelmesh`. */
export interface Command {
  readonly name: string;
  /** Its arguments and what it does, in a line each. */
  readonly usage: string;
  /** @throws UsageError for arguments that it does not take; Error with a sentence for what went wrong. */
  run(invocation: Invocation): Promise<void>;
}

/** The command line makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
