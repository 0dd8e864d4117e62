import { daysLeft, duration, escape, lapse, name } from "./markup.js";
import { statesIn } from "./ask.js";
import type { Answer, MeshState } from "./state.js";

/** A certificate that lasts less is a matter for today. */
const FEWEST_DAYS_MS = 7 * 86_400_000;

/** The state of everything in a line. */
export function renderSummary(answers: readonly Answer[]): string {
  const states = statesIn(answers);
  const waiting = states.flatMap(({ modules }) => modules.filter(({ ready }) => !ready));
  const silent = answers.length - states.length;
  const ejected = states.flatMap(({ backends }) => backends).filter((backend) => backend.ejected === true).length;
  const faults = states.flatMap(({ faults: rules = [] }) => rules).length;
  const expiring = states.filter(isExpiring).length;
  const pills = [
    waiting.length > 0 && pill("bad", `${[...new Set(waiting.map((module) => module.name))].join(", ")} not ready`),
    silent > 0 && pill("bad", `${silent} unreachable`),
    ejected > 0 && pill("warn", `${ejected} ejected`),
    faults > 0 && pill("warn", faults === 1 ? "1 fault on purpose" : `${faults} faults on purpose`),
    expiring > 0 && pill("warn", expiring === 1 ? "1 certificate ends soon" : `${expiring} certificates end soon`),
  ].filter((each) => each !== false);
  const all = pills.length > 0 ? pills : [pill("good", "All ready")];
  return `${all.join("")}<span class="facts">${factsOf(states).map(fact).join("")}</span>`;
}

function pill(tone: "good" | "warn" | "bad", text: string): string {
  return `<span class="pill ${tone}">${escape(text)}</span>`;
}

function fact(text: string): string {
  return `<span>${escape(text)}</span>`;
}

function factsOf(states: readonly MeshState[]): readonly string[] {
  const versions = [...new Set(states.map(({ version }) => version))].sort();
  const delay = duration(Math.max(0, ...states.map(({ eventLoopDelayMs }) => eventLoopDelayMs)));
  const [only, ...others] = states;
  const ends = states.flatMap(({ certificate, time }) => (certificate ? [{ ...certificate, time }] : []));
  const [soonest] = ends.sort((a, b) => a.notAfter.localeCompare(b.notAfter));
  return [
    ...(others.length > 0 ? [`${states.length} processes`] : []),
    `${versions.length > 1 ? "versions" : "version"} ${versions.join(", ")}`,
    ...(only && others.length === 0 ? [`up ${upOf(only)}`] : []),
    `event loop ${delay}${others.length > 0 ? " at most" : ""}`,
    ...(only && others.length === 0 ? [`Node ${only.node}`] : []),
    ...(soonest ? [`certificates for ${daysLeft(soonest.notAfter, soonest.time)}`] : []),
  ];
}

function upOf({ time, startTime }: MeshState): string {
  return lapse(Date.parse(time) - Date.parse(startTime));
}

function isExpiring({ certificate, time }: MeshState): boolean {
  return certificate !== undefined && Date.parse(certificate.notAfter) - Date.parse(time) < FEWEST_DAYS_MS;
}

/** What the balancers know of each replica, those without calls first. */
export function renderBackends(states: readonly MeshState[]): string {
  const backends = states
    .flatMap((state) => state.backends)
    .sort((a, b) => keyOf(a).localeCompare(keyOf(b)) || a.backend.localeCompare(b.backend));
  if (backends.length === 0) return `<p class="empty">No service here has been called yet.</p>`;
  const rows = backends.map((backend) => {
    const state = backend.ejected === true ? "ejected" : backend.state;
    const tone = backend.ejected === true ? "warn" : backend.state === "ready" ? "good" : "idle";
    return `<tr class="${tone}"><th scope="row">${escape(backend.caller ?? "–")} <i>→</i> ${name(backend.service)}</th><td class="text">${escape(backend.backend)}</td><td class="text state"><span class="dot ${tone}"></span>${escape(state)}</td><td>${duration(backend.ewmaMs)}</td><td>${backend.outstanding ?? "–"}</td></tr>`;
  });
  return `<table><thead><tr><th scope="col">Route</th><th scope="col" class="text">address</th><th scope="col" class="text">state</th><th scope="col">latency</th><th scope="col">at work</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function keyOf({ caller = "", service }: { readonly caller?: string | undefined; readonly service: string }): string {
  return `${caller} ${service}`;
}

/** Every module of every process by name, after the processes that do not answer. */
export function renderModules(answers: readonly Answer[]): string {
  const secure = statesIn(answers).some(({ certificate }) => certificate !== undefined);
  const heads = ["up", "version", ...(secure ? ["certificate"] : [])].map((head) => `<th scope="col">${head}</th>`);
  const silent = answers.flatMap((answer) => ("state" in answer ? [] : [silentRow(answer)]));
  const rows = statesIn(answers).flatMap((state) => rowsOf(state, secure));
  return `<table><thead><tr><th scope="col">Module</th><th scope="col" class="text">state</th><th scope="col" class="text">address</th>${heads.join("")}</tr></thead><tbody>${[...silent, ...rows.sort()].join("\n")}</tbody></table>`;

  function silentRow({ address, problem }: { readonly address: string; readonly problem: string }): string {
    return `<tr class="bad"><th scope="row">${escape(address)}</th><td class="text state" colspan="${heads.length + 2}"><span class="dot bad"></span>unreachable: ${escape(problem)}</td></tr>`;
  }
}

function rowsOf(state: MeshState, secure: boolean): readonly string[] {
  const { certificate, time } = state;
  const left = certificate ? daysLeft(certificate.notAfter, time) : "none";
  const days = secure ? `<td class="${isExpiring(state) || !certificate ? "soon" : ""}">${left}</td>` : "";
  return state.modules.map(({ name: module, ready, address }) => {
    const tone = ready ? "good" : "bad";
    return `<tr><th scope="row">${name(module)}</th><td class="text"><span class="dot ${tone}"></span>${ready ? "ready" : "not ready"}</td><td class="text">${escape(address ?? "–")}</td><td>${escape(upOf(state))}</td><td>${escape(state.version)}</td>${days}</tr>`;
  });
}
