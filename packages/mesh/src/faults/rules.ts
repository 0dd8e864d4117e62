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

/** A rule that makes no sense. */
export class FaultRuleError extends Error {
  override readonly name = "FaultRuleError";
  /** What is wrong, such as `[0].share`; empty for the whole. */
  readonly field: string;

  constructor(field: string, problem: string) {
    super(field === "" ? problem : `${field} ${problem}`);
    this.field = field;
  }
}

/**
 * Reads rules from a JSON array such as `[{"method": "*\/GetObject", "share": 0.5, "delayMs": 100}]`.
 *
 * @throws FaultRuleError that says which field is wrong, and how.
 */
export function parseFaultRules(json: string): readonly FaultRule[] {
  return checkFaultRules(parse(json));
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new FaultRuleError("", "no JSON");
  }
}

/** The same for a value that is parsed already. */
export function checkFaultRules(value: unknown): readonly FaultRule[] {
  if (!Array.isArray(value)) throw new FaultRuleError("", "no array of rules");
  return value.map(checkRule);
}

function checkRule(rule: unknown, index: number): FaultRule {
  const at = `[${index}]`;
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) throw new FaultRuleError(at, "is no object");
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(rule));
  const unknown = [...given.keys()].find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) {
    throw new FaultRuleError(`${at}.${unknown}`, `is no field of a rule; there are ${FIELDS.join(", ")}`);
  }
  const wrong = (name: string, problem: string) => new FaultRuleError(`${at}.${name}`, problem);
  const number = (name: string, most: number) => {
    const found = given.get(name);
    if (found === undefined) return undefined;
    if (typeof found === "number" && found >= 0 && found <= most) return found;
    throw wrong(name, `must be a number from 0 to ${most}`);
  };
  const method = given.get("method");
  if (method !== undefined && typeof method !== "string") throw wrong("method", "must be a text");
  const error = given.get("error");
  if (error !== undefined && !(typeof error === "string" && isReason(error))) {
    throw wrong("error", "must be the reason of an error, such as SERVICE_UNAVAILABLE");
  }
  const drop = given.get("drop");
  if (drop !== undefined && typeof drop !== "boolean") throw wrong("drop", "must be true or false");
  const [share, delayMs] = [number("share", 1), number("delayMs", LONGEST_DELAY_MS)];
  if (delayMs === undefined && error === undefined && drop !== true) {
    throw new FaultRuleError(at, "does no harm: give delayMs, error or drop");
  }
  return {
    ...(method === undefined ? {} : { method }),
    ...(share === undefined ? {} : { share }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(error === undefined ? {} : { error }),
    ...(drop === undefined ? {} : { drop }),
  };
}

/** Whether a method, `package.Service/Method`, is one that the pattern means. */
export function matchesMethod(pattern: string, method: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(method);
}
