import { layOut, type Place } from "./layout.js";
import { duration, escape, percentage, rate, severity } from "./markup.js";
import type { Edge, Node, Topology } from "./topology.js";

const NODE = { width: 136, height: 46 };
const GAP = { column: 76, row: 20 };
const MARGIN = 12;

/** The graph as SVG: an arrow's width is the rate of calls, its colour the share that failed, dots that none came. */
export function renderGraph(topology: Topology): string {
  const { nodes, passes } = layOut(topology);
  const rows = [...nodes.values(), ...passes.flat()].map(({ row }) => row);
  const [top, bottom] = [Math.min(0, ...rows) - 0.5, Math.max(0, ...rows) + 0.5];
  const columns = Math.max(0, ...[...nodes.values()].map(({ column }) => column)) + 1;
  const width = columns * (NODE.width + GAP.column) - GAP.column + 2 * MARGIN;
  const height = (bottom - top) * (NODE.height + GAP.row) - GAP.row + 2 * MARGIN;
  const corner = ({ column, row }: Place): Point => ({
    x: MARGIN + column * (NODE.width + GAP.column),
    y: MARGIN + (row - 0.5 - top) * (NODE.height + GAP.row),
  });
  const cornerOf = (name: string) => corner(nodes.get(name) ?? { column: 0, row: 0 });
  const arrows = topology.edges.map((edge, index) => ({
    edge,
    path: pathOf(cornerOf(edge.caller), (passes[index] ?? []).map(corner), cornerOf(edge.service)),
  }));
  // Busy arrows lie over quiet ones.
  arrows.sort((a, b) => a.edge.rps - b.edge.rps);
  const boxes = topology.nodes.map((node) => renderNode(node, cornerOf(node.name), incoming(topology, node.name)));
  const size = columns > 2 ? "wide" : "narrow";
  return `<svg class="${size}" viewBox="0 0 ${width} ${height.toFixed(0)}" width="${width}" role="img" aria-labelledby="graph-title">
<title id="graph-title">Who calls whom; the table has the same numbers</title>
<defs>${["idle", "good", "warn", "bad"].map(marker).join("")}</defs>
${arrows.map(({ edge, path }) => renderEdge(edge, path)).join("\n")}
${boxes.join("\n")}
</svg>`;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** From a box's right side, level through the columns on the way, to another's left side. */
function pathOf(from: Point, through: readonly Point[], to: Point): string {
  const middle = NODE.height / 2;
  let at = { x: from.x + NODE.width, y: from.y + middle };
  let path = `M${at.x} ${at.y.toFixed(1)}`;
  const curveTo = (x: number, y: number) => {
    const reach = Math.max(GAP.column / 2, (x - at.x) / 2);
    path += ` C${at.x + reach} ${at.y.toFixed(1)} ${x - reach} ${y.toFixed(1)} ${x} ${y.toFixed(1)}`;
    at = { x, y };
  };
  for (const { x, y } of through) {
    curveTo(x, y + middle);
    at = { x: x + NODE.width, y: y + middle };
    path += ` H${at.x}`;
  }
  curveTo(to.x - 1, to.y + middle);
  return path;
}

function marker(name: string): string {
  return `<marker id="head-${name}" class="head ${name}" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="10" refX="8" refY="5" orient="auto"><path d="M0 0.5 9 5 0 9.5z"/></marker>`;
}

function renderEdge(edge: Edge, path: string): string {
  const width = Math.min(9, 1.25 + 2.2 * Math.log10(1 + edge.rps));
  const kind = severity(edge.success);
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

function renderNode({ name, ready, replicas }: Node, { x, y }: Point, rps: number): string {
  const state = ready === undefined ? "elsewhere" : ready ? "ready" : "not ready";
  const copies = replicas > 1 ? ` × ${replicas}` : "";
  const below = ready !== false && rps > 0 ? `${rate(rps)}/s${copies}` : `${state}${copies}`;
  return `<g class="node ${state.replace(" ", "-")}" transform="translate(${x} ${y.toFixed(1)})"><title>${escape(`${name}: ${state}${copies}`)}</title><rect width="${NODE.width}" height="${NODE.height}" rx="8"/><circle cx="16" cy="17" r="4"/><text x="28" y="21" class="name">${escape(name)}</text><text x="28" y="37" class="figure">${escape(below)}</text></g>`;
}
