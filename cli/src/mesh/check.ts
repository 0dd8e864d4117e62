import { daysLeft } from "@reelmesh/mesh/ops/markup.js";
import type { Answer, MeshState } from "@reelmesh/mesh/ops/state.js";
import type { Command } from "../command.js";
import { askAll } from "./ask.js";
import { OPS_USAGE, readMeshOptions } from "./options.js";
import { alignColumns, printable, type Cell, type Paint } from "./paint.js";

const DAY_MS = 86_400_000;
/** Fewer days than this are a problem: whoever renews certificates has failed to. */
const FEWEST_DAYS = 7;

/** One line of the answer. */
interface Finding {
  readonly subject: string;
  readonly ok: boolean;
  readonly what: string;
}

/** Says whether every process answers, is ready, runs the same version, and has a certificate that lasts. */
export const check: Command = {
  name: "mesh check",
  usage: `mesh check [--ops HOST:PORT,...] [--json]
      Is everything reachable and ready, of one version, with certificates that last? Code 1 if not.
      ${OPS_USAGE}.`,
  async run(invocation) {
    const { ops, json } = readMeshOptions(invocation);
    const answers = await askAll(ops);
    const findings = [...answers.flatMap(findingsOf), ...versions(answers)];
    const problems = findings.filter(({ ok }) => !ok);
    if (json) invocation.out(JSON.stringify({ ok: problems.length === 0, findings }));
    else for (const line of render(findings, invocation.paint)) invocation.out(line);
    if (problems.length > 0) throw new Error(problems.length === 1 ? "1 problem" : `${problems.length} problems`);
  },
};

function findingsOf(answer: Answer): readonly Finding[] {
  if ("problem" in answer) return [{ subject: answer.address, ok: false, what: answer.problem }];
  const { state, address } = answer;
  const reachable = { subject: address, ok: true, what: `reachable, version ${state.version}, Node ${state.node}` };
  const modules = state.modules.map(({ name, ready, address: at }) => ({
    subject: name,
    ok: ready,
    what: ready ? `ready${at === undefined ? "" : ` at ${at}`}` : "not ready: its own store does not answer",
  }));
  const ejected = state.backends
    .filter((backend) => backend.ejected === true)
    .map(({ service, backend }) => ({ subject: service, ok: false, what: `${backend} is ejected` }));
  const rules = state.faults?.length ?? 0;
  const harm = rules === 0 ? [] : [{ subject: address, ok: false, what: `harms calls on purpose: ${rulesOf(rules)}` }];
  return [reachable, ...certificateOf(state, address), ...modules, ...ejected, ...harm];
}

function rulesOf(count: number): string {
  return count === 1 ? "1 rule" : `${count} rules`;
}

function certificateOf({ certificate }: MeshState, subject: string): readonly Finding[] {
  if (!certificate) return [];
  const left = daysLeft(certificate.notAfter, new Date().toISOString());
  const ok = Date.parse(certificate.notAfter) - Date.now() >= FEWEST_DAYS * DAY_MS;
  return [{ subject, ok, what: left === "expired" ? "the certificate has expired" : `the certificate lasts ${left}` }];
}

function versions(answers: readonly Answer[]): readonly Finding[] {
  const found = [...new Set(answers.flatMap((answer) => ("state" in answer ? [answer.state.version] : [])))].sort();
  return found.length > 1 ? [{ subject: "mesh", ok: false, what: `several versions: ${found.join(", ")}` }] : [];
}

function render(findings: readonly Finding[], paint: Paint): readonly string[] {
  const rows = findings.map(({ subject, ok, what }): readonly Cell[] => [
    ok ? { text: "✓", colour: "green" } : { text: "✗", colour: "red" },
    { text: printable(subject), colour: "bold" },
    { text: printable(what), colour: ok ? undefined : "red" },
  ]);
  return alignColumns(rows, paint);
}
