import type { Command } from "../command.js";
import { askAll, type Answer } from "./ask.js";
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
  if (!state.certificate) return [reachable, ...modules, ...ejected];
  const days = Math.floor((Date.parse(state.certificate.notAfter) - Date.now()) / DAY_MS);
  const what = days < 0 ? "the certificate has expired" : `the certificate lasts ${days} days`;
  return [reachable, { subject: address, ok: days >= FEWEST_DAYS, what }, ...modules, ...ejected];
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
