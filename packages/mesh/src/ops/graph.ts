import { layOut } from "./layout.js";
import { duration, escape, percentage, rate, severity } from "./markup.js";
import type { Edge, Node, Topology } from "./topology.js";

const NODE = { width: 136, height: 46 };
const GAP = { column: 76, row: 20 };
const MARGIN = 12;

/** The graph as SVG: an arrow's width is the rate of calls, its colour the share that failed, its dashes that none came. */
export function renderGraph(topology: Topology): string {
  const layout = layOut(topology);
  const places = [...layout.values()];
  const top = Math.min(0, ...places.map(({ row }) => row));
  const rows = Math.max(0, ...places.map(({ row }) => row)) - top + 1;
  const columns = Math.max(0, ...places.map(({ column }) => column)) + 1;
  const width = columns * (NODE.width + GAP.column) - GAP.column + 2 * MARGIN;
  const height = rows * (NODE.height + GAP.row) - GAP.row + 2 * MARGIN;
  const place = (name: string) => {
    const { column = 0, row = 0 } = layout.get(name) ?? {};
    return {
      x: MARGIN + column * (NODE.width + GAP.column),
      y: MARGIN + (row - top) * (NODE.height + GAP.row),
    };
  };
  // Busy arrows lie over quiet ones.
  const arrows = [...topology.edges].sort((a, b) => a.rps - b.rps).map((edge) => renderEdge(edge, place));
  const boxes = topology.nodes.map((node) => renderNode(node, place(node.name), incoming(topology, node.name)));
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-labelledby="graph-title">
<title id="graph-title">Who calls whom; the table has the same numbers</title>
<defs>${["idle", "good", "warn", "bad"].map(marker).join("")}</defs>
${arrows.join("\n")}
${boxes.join("\n")}
</svg>`;
}

function marker(name: string): string {
  return `<marker id="head-${name}" class="head ${name}" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="10" refX="8" refY="5" orient="auto"><path d="M0 0.5 9 5 0 9.5z"/></marker>`;
}

type Place = (name: string) => { readonly x: number; readonly y: number };

function renderEdge(edge: Edge, place: Place): string {
  const from = place(edge.caller);
  const to = place(edge.service);
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x, to.y + NODE.height / 2];
  const reach = Math.max(GAP.column / 2, (x2 - x1) / 2.4);
  const width = Math.min(9, 1.25 + 2.2 * Math.log10(1 + edge.rps));
  const kind = severity(edge.success);
  const path = `M${x1} ${y1} C${x1 + reach} ${y1} ${x2 - reach} ${y2} ${x2 - 1} ${y2}`;
  const dashes = edge.seen ? "" : ' stroke-dasharray="2 5"';
  return `<g class="edge ${kind}"><title>${escape(sentence(edge))}</title><path class="reach" d="${path}"/><path class="line" d="${path}" stroke-width="${width.toFixed(2)}"${dashes} marker-end="url(#head-${kind})"/></g>`;
}

function sentence(edge: Edge): string {
  const route = `${edge.caller} calls ${edge.service}`;
  if (!edge.seen) return `${route}: no call yet`;
  if (edge.success === undefined) return `${route}: nothing in the last seconds`;
  return `${route}: ${rate(edge.rps)} a second, ${percentage(edge.success)} succeed, p50 ${duration(edge.p50Ms)}, p99 ${duration(edge.p99Ms)}`;
}

function incoming({ edges }: Topology, name: string): number {
  return edges.filter(({ service }) => service === name).reduce((sum, { rps }) => sum + rps, 0);
}

function renderNode({ name, ready, replicas }: Node, { x, y }: { x: number; y: number }, rps: number): string {
  const state = ready === undefined ? "elsewhere" : ready ? "ready" : "not ready";
  const copies = replicas > 1 ? ` × ${replicas}` : "";
  const below = ready === true ? `${rate(rps)}/s${copies}` : state;
  return `<g class="node ${state.replace(" ", "-")}" transform="translate(${x} ${y})"><title>${escape(`${name}: ${state}${copies}`)}</title><rect width="${NODE.width}" height="${NODE.height}" rx="8"/><circle cx="16" cy="17" r="4"/><text x="28" y="21" class="name">${escape(name)}</text><text x="28" y="37" class="figure">${escape(below)}</text></g>`;
}
