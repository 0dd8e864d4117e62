import { percentage, rate, severity } from "@reelmesh/mesh/ops/markup.js";
import { topologyOf, type Edge, type Topology } from "@reelmesh/mesh/ops/topology.js";
import type { Command } from "../command.js";
import { askAll, statesOf } from "./ask.js";
import { OPS_USAGE, readMeshOptions } from "./options.js";
import { alignColumns, printable, type Cell, type Colour, type Paint } from "./paint.js";
import { COLOURS } from "./stat.js";

/** Shows who calls whom. */
export const graph: Command = {
  name: "mesh graph",
  usage: `mesh graph [--ops HOST:PORT,...] [--json]
      Who calls whom, as declared and as seen.
      ${OPS_USAGE}.`,
  async run(invocation) {
    const { ops, json } = readMeshOptions(invocation);
    const topology = topologyOf(statesOf(await askAll(ops)));
    if (json) invocation.out(JSON.stringify(topology));
    else for (const line of renderGraph(topology, invocation.paint)) invocation.out(line);
  },
};

function renderGraph({ nodes, edges }: Topology, paint: Paint): readonly string[] {
  const rows = nodes.flatMap(({ name, ready, replicas }): (readonly Cell[])[] => {
    const calls = edges.filter(({ caller }) => caller === name);
    const colour: Colour = ready === undefined ? "dim" : ready ? "green" : "red";
    const state = ready === undefined ? "elsewhere" : ready ? "ready" : "not ready";
    const copies = replicas > 1 ? ` × ${replicas}` : "";
    return [
      [
        { text: `● ${printable(name)}${copies}`, colour },
        { text: state, colour: "dim" },
      ],
      ...calls.map((edge, index) => branch(edge, index === calls.length - 1)),
    ];
  });
  return alignColumns(rows, paint);
}

function branch(edge: Edge, last: boolean): readonly Cell[] {
  const what = !edge.seen
    ? "no call yet"
    : edge.success === undefined
      ? "idle"
      : `${rate(edge.rps)}/s, ${percentage(edge.success)}`;
  return [
    { text: `${last ? "└" : "├"}─▶ ${printable(edge.service)}` },
    { text: edge.declared ? what : `${what}, not declared`, colour: COLOURS[severity(edge.success)] },
  ];
}
