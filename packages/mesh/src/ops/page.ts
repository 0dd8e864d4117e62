import type { CallStats } from "../observe/call-stats.js";
import type { BackendEvent } from "../observe/events.js";
import { renderGraph } from "./graph.js";
import { duration, escape, lapse, percentage, rate, severity } from "./markup.js";
import type { MeshState, ModuleState } from "./state.js";
import { figuresOf, topologyOf, type Figures } from "./topology.js";

/** The page whole. */
export function renderPage(state: MeshState): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mesh · Reelmesh</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/mesh/style.css">
<script src="/mesh/script.js" defer></script>
</head>
<body>
<main id="live">
${renderLive(state)}
</main>
</body>
</html>
`;
}

/** What the page fetches again and again. Each element with an id is replaced when it has changed. */
export function renderLive(state: MeshState): string {
  const topology = topologyOf([state]);
  const routes = topology.edges.map((edge) => [`${name(edge.caller)} <i>→</i> ${name(edge.service)}`, edge] as const);
  return `<header>
<h1>Mesh</h1>
<div id="summary">${renderSummary(state)}</div>
<p id="offline" role="status" hidden>This process no longer answers. Trying again.</p>
</header>
<div class="pair">
<section aria-labelledby="topology"><h2 id="topology">Topology</h2>
<div class="scroll graph" tabindex="0" role="group" aria-label="Graph of the services"><div id="graph">${renderGraph(topology)}</div></div>
<p class="legend"><span class="key width">width: calls a second</span><span class="key good">fine</span><span class="key warn">over 1% fail</span><span class="key bad">over 5% fail</span><span class="key none">no call yet</span></p>
</section>
<section aria-labelledby="calls"><h2 id="calls">Calls <small>a second, over the last ${state.windowSeconds}</small></h2>
${table("calls-table", "Caller and service", routes, Object.keys(COLUMNS))}
</section>
</div>
<section aria-labelledby="methods"><h2 id="methods">Methods <small>as their services see them</small></h2>
${table("methods-table", "Method", methodsOf(state), ["calls/s", "success", "p50", "p99", "shed"])}
</section>
<div class="pair">
<section aria-labelledby="backends"><h2 id="backends">Backends</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Backends"><div id="backends-table">${renderBackends(state.backends)}</div></div>
</section>
<section aria-labelledby="modules"><h2 id="modules">Modules</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Modules"><div id="modules-table">${renderModules(state)}</div></div>
</section>
</div>`;
}

function name(text: string): string {
  return `<b>${escape(text)}</b>`;
}

function renderSummary(state: MeshState): string {
  const waiting = state.modules.filter(({ ready }) => !ready);
  const ejected = state.backends.filter((backend) => backend.ejected === true).length;
  const pills = [
    waiting.length === 0
      ? `<span class="pill good">All ready</span>`
      : `<span class="pill bad">${escape(waiting.map((module) => module.name).join(", "))} not ready</span>`,
    ...(ejected === 0 ? [] : [`<span class="pill warn">${ejected} ejected</span>`]),
  ];
  const facts = [
    `version ${state.version}`,
    `up ${lapse(Date.parse(state.time) - Date.parse(state.startTime))}`,
    `event loop ${duration(state.eventLoopDelayMs)}`,
    `Node ${state.node}`,
    ...(state.certificate
      ? [`certificate ${lapse(Date.parse(state.certificate.notAfter) - Date.parse(state.time))} left`]
      : []),
  ];
  return `${pills.join("")}<span class="facts">${facts.map((fact) => `<span>${escape(fact)}</span>`).join("")}</span>`;
}

/** What is known of calls, by the heading it stands under. */
const COLUMNS: Readonly<Record<string, (figures: Figures) => string>> = {
  "calls/s": ({ rps }) => rate(rps),
  success: ({ success }) => percentage(success),
  p50: ({ p50Ms }) => duration(p50Ms),
  p99: ({ p99Ms }) => duration(p99Ms),
  retries: ({ retries }) => rate(retries),
  hedges: ({ hedges }) => rate(hedges),
  shed: ({ shed }) => rate(shed),
};

type Rows = readonly (readonly [label: string, figures: Figures])[];

function table(id: string, first: string, rows: Rows, columns: readonly string[]): string {
  const body = rows.map(
    ([label, figures]) =>
      `<tr class="${severity(figures.success)}"><th scope="row">${label}</th>${columns.map((column) => cell(figures, column)).join("")}</tr>`,
  );
  const content =
    rows.length === 0
      ? `<p class="empty">No call yet.</p>`
      : `<table><thead><tr><th scope="col">${first}</th>${columns.map((column) => `<th scope="col">${column}</th>`).join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table>`;
  return `<div class="scroll" tabindex="0" role="group" aria-label="${first}: rates and latencies"><div id="${id}">${content}</div></div>`;
}

function cell(figures: Figures, column: string): string {
  const text = COLUMNS[column]?.(figures) ?? "";
  if (text === "0" || text === "–") return `<td class="quiet">${text}</td>`;
  return column === "success" ? `<td class="success">${text}</td>` : `<td>${text}</td>`;
}

function methodsOf({ served, windowSeconds }: MeshState): (readonly [string, Figures])[] {
  const byMethod = new Map<string, CallStats[]>();
  for (const stats of served) byMethod.set(stats.method, [...(byMethod.get(stats.method) ?? []), stats]);
  return [...byMethod]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([method, stats]) => {
      const slash = method.lastIndexOf("/") + 1;
      const service = method.slice(0, slash).replace(/^reelmesh\./, "");
      return [
        `<span class="package">${escape(service)}</span>${name(method.slice(slash))}`,
        figuresOf(stats, windowSeconds),
      ] as const;
    });
}

function renderBackends(backends: readonly BackendEvent[]): string {
  if (backends.length === 0) return `<p class="empty">No service here has been called yet.</p>`;
  const rows = backends.map((backend) => {
    const state = backend.ejected === true ? "ejected" : backend.state;
    const tone = backend.ejected === true ? "warn" : backend.state === "ready" ? "good" : "idle";
    return `<tr><th scope="row">${escape(backend.caller ?? "–")} <i>→</i> ${name(backend.service)}</th><td class="text">${escape(backend.backend)}</td><td class="text"><span class="dot ${tone}"></span>${escape(state)}</td><td>${duration(backend.ewmaMs)}</td><td>${backend.outstanding ?? "–"}</td></tr>`;
  });
  return `<table><thead><tr><th scope="col">Route</th><th scope="col" class="text">address</th><th scope="col" class="text">state</th><th scope="col">latency</th><th scope="col">at work</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function renderModules({ modules, version }: MeshState): string {
  const row = (module: ModuleState) =>
    `<tr><th scope="row">${name(module.name)}</th><td class="text"><span class="dot ${module.ready ? "good" : "bad"}"></span>${module.ready ? "ready" : "not ready"}</td><td class="text">${escape(module.address ?? "–")}</td><td>${escape(version)}</td></tr>`;
  return `<table><thead><tr><th scope="col">Module</th><th scope="col" class="text">state</th><th scope="col" class="text">address</th><th scope="col">version</th></tr></thead><tbody>${modules.map(row).join("\n")}</tbody></table>`;
}
