import { parseArgs } from "node:util";
import { isReason } from "@reelmesh/mesh/errors.js";
import { checkFaultRules, FaultRuleError, type FaultRule } from "@reelmesh/mesh/faults/rules.js";
import { problemOf } from "@reelmesh/mesh/ops/ask.js";
import { UsageError, type Command, type Invocation } from "../command.js";
import { OPS_USAGE, readOps } from "./options.js";
import { alignColumns, printable, type Cell } from "./paint.js";

const PATIENCE_MS = 3_000;
const EVERY_METHOD = "*";

/** Harms calls on purpose, where that is allowed. */
export const fault: Command = {
  name: "mesh fault",
  usage: `mesh fault set [--method PATTERN] [--share 0..1] [--delay MS] [--error REASON | --drop] [--ops HOST:PORT,...]
    mesh fault list [--ops HOST:PORT,...] [--json]
    mesh fault clear [--method PATTERN] [--ops HOST:PORT,...]
      Harm a share of the calls to the methods that a pattern such as '*/GetObject' means: delay them, fail them with a
      reason such as SERVICE_UNAVAILABLE, or never answer them. set replaces the rule of the same pattern (default every
      method), clear without one ends all harm. Only where the processes run with MESH_FAULTS=allow.
      ${OPS_USAGE}.`,
  async run(invocation) {
    const { verb, ops, json, method, rule } = read(invocation);
    const found = await Promise.all(
      ops.map(async (address) => ({ address, rules: await rulesAfter(address, verb, method, rule) })),
    );
    if (json) invocation.out(JSON.stringify(found));
    else for (const line of render(found, invocation)) invocation.out(line);
  },
};

type Verb = "set" | "list" | "clear";

/** Does what is asked of one process, and tells the rules that are then in force there. */
async function rulesAfter(address: string, verb: Verb, method: string | undefined, rule: FaultRule | undefined) {
  if (verb === "clear" && method === undefined) return ask(address, "DELETE");
  const rules = await ask(address, "GET");
  if (verb === "list") return rules;
  const others = rules.filter(({ method: pattern = EVERY_METHOD }) => pattern !== (method ?? EVERY_METHOD));
  return ask(address, "PUT", rule ? [...others, rule] : others);
}

async function ask(address: string, verb: string, rules?: readonly FaultRule[]): Promise<readonly FaultRule[]> {
  try {
    const response = await fetch(`http://${address}/mesh/faults`, {
      method: verb,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(rules ? { body: JSON.stringify(rules), headers: { "content-type": "application/json" } } : {}),
    });
    const answer: unknown = await response.json();
    if (response.ok) return checkFaultRules(answer);
    throw new Error(statusOf(answer) ?? `answered ${response.status}`);
  } catch (error) {
    const problem = error instanceof SyntaxError ? "is no operators' port of Reelmesh" : problemOf(error, PATIENCE_MS);
    throw new Error(`${address}: ${printable(problem)}`, { cause: error });
  }
}

function statusOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("status" in answer)) return undefined;
  return typeof answer.status === "string" ? answer.status : undefined;
}

interface Found {
  readonly address: string;
  readonly rules: readonly FaultRule[];
}

function render(found: readonly Found[], { paint }: Invocation): readonly string[] {
  const rows = found.flatMap(({ address, rules }): (readonly Cell[])[] => {
    const first: Cell = { text: address, colour: "bold" };
    if (rules.length === 0) return [[first, { text: "no calls are harmed", colour: "dim" }]];
    return rules.map(({ method = EVERY_METHOD, share = 1, ...harm }) => [
      first,
      { text: printable(method) },
      { text: `${Math.round(share * 10_000) / 100}%`, align: "right" },
      { text: harmOf(harm), colour: "yellow" },
    ]);
  });
  return alignColumns(rows, paint);
}

function harmOf({ delayMs, error, drop }: Pick<FaultRule, "delayMs" | "error" | "drop">): string {
  const parts = [
    ...(delayMs === undefined ? [] : [`wait ${delayMs} ms`]),
    ...(drop === true ? ["are never answered"] : error === undefined ? [] : [`fail as ${error}`]),
  ];
  return parts.join(", then ");
}

function read({ arguments: args, environment }: Invocation) {
  const { values, positionals } = parse(args);
  const [word, ...rest] = positionals;
  const verb = VERBS.find((known) => known === word);
  if (verb === undefined || rest.length > 0) throw new UsageError(`It takes one of ${VERBS.join(", ")}`);
  const misplaced = MISPLACED[verb].find((name) => values[name] !== undefined);
  if (misplaced !== undefined) throw new UsageError(`${verb} takes no --${misplaced}`);
  return {
    verb,
    ops: readOps(values.ops, environment),
    json: values.json === true,
    method: values.method,
    rule: verb === "set" ? ruleOf(values) : undefined,
  };
}

const VERBS: readonly Verb[] = ["set", "list", "clear"];

const HARM = ["share", "delay", "error", "drop"] as const;
const MISPLACED = { set: [], list: ["method", ...HARM], clear: HARM } as const satisfies Record<
  Verb,
  readonly string[]
>;

type Values = ReturnType<typeof parse>["values"];

function ruleOf({ method, share, delay, error, drop }: Values): FaultRule {
  if (error !== undefined && !isReason(error)) throw new UsageError(`${error} is no reason that Reelmesh knows`);
  const given = {
    ...(method === undefined ? {} : { method }),
    ...(share === undefined ? {} : { share: numberOf("share", share) }),
    ...(delay === undefined ? {} : { delayMs: numberOf("delay", delay) }),
    ...(error === undefined ? {} : { error }),
    ...(drop === undefined ? {} : { drop }),
  };
  try {
    checkFaultRules([given]);
    return given;
  } catch (cause) {
    if (!(cause instanceof FaultRuleError)) throw cause;
    const problem = cause.message.replace("[0].delayMs", "--delay").replace("[0].", "--");
    throw new UsageError(cause.field === "[0]" ? "Give --delay, --error or --drop" : problem, { cause });
  }
}

function numberOf(option: string, text: string): number {
  if (/^\d*\.?\d+$/.test(text)) return Number(text);
  throw new UsageError(`--${option} takes a number`);
}

const OPTIONS = {
  ops: { type: "string" },
  json: { type: "boolean" },
  method: { type: "string" },
  share: { type: "string" },
  delay: { type: "string" },
  error: { type: "string" },
  drop: { type: "boolean" },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
