import { isReason, type Reason } from "../errors.js";

/** What happens to a share of the calls whose method matches. */
export interface FaultRule {
  /** `package.Service/Method`, in which `*` stands for anything. Default: every method. */
  readonly method?: string;
  /** The share of calls, from 0 to 1. Default 1. */
  readonly share?: number;
  /** How long each waits first, in milliseconds. */
  readonly delayMs?: number;
  /** The error each then fails with, by its reason, such as `SERVICE_UNAVAILABLE`. */
  readonly error?: Reason;
  /** Whether it is then never answered, until its caller gives up. */
  readonly drop?: boolean;
}

const LONGEST_DELAY_MS = 3_600_000;
const FIELDS = ["method", "share", "delayMs", "error", "drop"];

/**
 * Reads rules from a JSON array such as `[{"method": "*\/GetObject", "share": 0.5, "delayMs": 100}]`.
 *
 * @throws Error that says which rule is wrong, and how.
 */
export function parseFaultRules(json: string): readonly FaultRule[] {
  return checkFaultRules(JSON.parse(json));
}

/** The same for a value that is parsed already. */
export function checkFaultRules(value: unknown): readonly FaultRule[] {
  if (!Array.isArray(value)) throw new Error("Fault rules are an array");
  return value.map((rule: unknown, index) => {
    const wrong = (problem: string) => new Error(`Fault rule ${index + 1}: ${problem}`);
    if (typeof rule !== "object" || rule === null || Array.isArray(rule)) throw wrong("is no object");
    const given: ReadonlyMap<string, unknown> = new Map(Object.entries(rule));
    const unknown = [...given.keys()].find((key) => !FIELDS.includes(key));
    if (unknown !== undefined) throw wrong(`has a field ${unknown}; there are ${FIELDS.join(", ")}`);
    const number = (name: string, most: number) => {
      const found = given.get(name);
      if (found === undefined) return undefined;
      if (typeof found === "number" && found >= 0 && found <= most) return found;
      throw wrong(`${name} is a number from 0 to ${most}`);
    };
    const method = given.get("method");
    if (method !== undefined && typeof method !== "string") throw wrong("method is a text");
    const error = given.get("error");
    if (error !== undefined && !(typeof error === "string" && isReason(error))) throw wrong("error is no known reason");
    const drop = given.get("drop");
    if (drop !== undefined && typeof drop !== "boolean") throw wrong("drop is true or false");
    const [share, delayMs] = [number("share", 1), number("delayMs", LONGEST_DELAY_MS)];
    return {
      ...(method === undefined ? {} : { method }),
      ...(share === undefined ? {} : { share }),
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(error === undefined ? {} : { error }),
      ...(drop === undefined ? {} : { drop }),
    };
  });
}

/** Whether a method, `package.Service/Method`, is one that the pattern means. */
export function matchesMethod(pattern: string, method: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(method);
}
