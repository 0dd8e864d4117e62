import type { CallStats } from "../observe/call-stats.js";
import { answersOf, statesIn } from "./ask.js";
import { renderGraph } from "./graph.js";
import { duration, escape, name, percentage, rate, severity } from "./markup.js";
import { renderBackends, renderModules, renderSummary } from "./page-parts.js";
import type { MeshState, MeshView } from "./state.js";
import { figuresOf, topologyOf, type Figures } from "./topology.js";

/** The page whole. */
export function renderPage(view: MeshView): string {
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
${renderLive(view)}
</main>
</body>
</html>
`;
}

/** What the page fetches again and again. Each element with an id is replaced when it has changed. */
export function renderLive(view: MeshView): string {
  const answers = answersOf(view, "");
  const states = statesIn(answers);
  const topology = topologyOf(states);
  const routes = topology.edges.map((edge) => [`${name(edge.caller)} <i>→</i> ${name(edge.service)}`, edge] as const);
  return `<header>
<h1>Mesh</h1>
<div id="summary">${renderSummary(answers)}</div>
<p id="offline" role="status" hidden>This process no longer answers. Trying again.</p>
</header>
<div class="pair">
<section aria-labelledby="topology"><h2 id="topology">Topology</h2>
<div class="scroll graph" tabindex="0" role="group" aria-label="Graph of the services"><div id="graph">${renderGraph(topology)}</div></div>
<p class="legend"><span class="key width">width: calls a second</span><span class="key good">fine</span><span class="key warn">over 1% fail</span><span class="key bad">over 5% fail</span><span class="key none">no call yet</span></p>
</section>
<section aria-labelledby="calls"><h2 id="calls">Calls <small>a second, over the last ${view.state.windowSeconds}</small></h2>
${table("calls-table", "Caller and service", routes, Object.keys(COLUMNS))}
</section>
</div>
<section aria-labelledby="methods"><h2 id="methods">Methods <small>as their services see them</small></h2>
${table("methods-table", "Method", methodsOf(states), ["calls/s", "success", "p50", "p99", "shed"])}
</section>
<div class="pair">
<section aria-labelledby="backends"><h2 id="backends">Backends</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Backends"><div id="backends-table">${renderBackends(states)}</div></div>
</section>
<section aria-labelledby="modules"><h2 id="modules">Modules</h2>
<div class="scroll" tabindex="0" role="group" aria-label="Modules"><div id="modules-table">${renderModules(answers)}</div></div>
</section>
</div>`;
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

function methodsOf(states: readonly MeshState[]): (readonly [string, Figures])[] {
  const seconds = Math.max(1, ...states.map(({ windowSeconds }) => windowSeconds));
  const byMethod = new Map<string, CallStats[]>();
  for (const stats of states.flatMap(({ served }) => served)) {
    byMethod.set(stats.method, [...(byMethod.get(stats.method) ?? []), stats]);
  }
  return [...byMethod]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([method, stats]) => {
      const slash = method.lastIndexOf("/") + 1;
      const service = method.slice(0, slash).replace(/^reelmesh\./, "");
      return [
        `<span class="package">${escape(service)}</span>${name(method.slice(slash))}`,
        figuresOf(stats, seconds),
      ] as const;
    });
}
