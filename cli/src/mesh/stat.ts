import { setTimeout as pause } from "node:timers/promises";
import { duration, percentage, rate, severity } from "@reelmesh/mesh/ops/markup.js";
import { topologyOf, type Edge } from "@reelmesh/mesh/ops/topology.js";
import type { Command } from "../command.js";
import { askAll, statesOf } from "./ask.js";
import { OPS_USAGE, readMeshOptions } from "./options.js";
import { alignColumns, printable, type Cell, type Colour, type Paint } from "./paint.js";

const EVERY_MS = 1_000;
const CLEAR = "\u001b[H\u001b[J";

/** Shows rates and latencies by caller and service. */
export const stat: Command = {
  name: "mesh stat",
  usage: `mesh stat [--once] [--ops HOST:PORT,...] [--json]
      Rates and latencies of the last seconds by caller and service, again each second until Ctrl+C.
      --once, which is the default unless this is a terminal: a single time.
      --json: an array a time, each on a line of its own.
      ${OPS_USAGE}.`,
  async run(invocation) {
    const options = readMeshOptions(invocation, { once: true });
    const once = options.once || (!invocation.terminal && !options.json);
    for (;;) {
      const { edges } = topologyOf(statesOf(await askAll(options.ops)));
      if (options.json) invocation.out(JSON.stringify(edges));
      else invocation.out((once ? "" : CLEAR) + renderStat(edges, invocation.paint).join("\n"));
      if (once) return;
      await pause(EVERY_MS);
    }
  },
};

export const COLOURS: Readonly<Record<ReturnType<typeof severity>, Colour>> = {
  idle: "dim",
  good: "green",
  warn: "yellow",
  bad: "red",
};

export function renderStat(edges: readonly Edge[], paint: Paint): readonly string[] {
  const number = (text: string, colour?: Colour): Cell => {
    return { text, colour: text === "0" || text === "–" ? "dim" : colour, align: "right" };
  };
  const titles = ["RPS", "SUCCESS", "P50", "P99", "RETRIES/S", "HEDGES/S", "SHED/S"];
  const head: readonly Cell[] = [
    { text: "CALLER > SERVICE", colour: "dim" },
    ...titles.map((text): Cell => ({ text, colour: "dim", align: "right" })),
  ];
  const rows = edges.map((edge): readonly Cell[] => [
    { text: printable(`${edge.caller} > ${edge.service}`), colour: edge.rps === 0 ? "dim" : "bold" },
    number(rate(edge.rps)),
    number(percentage(edge.success), COLOURS[severity(edge.success)]),
    number(duration(edge.p50Ms)),
    number(duration(edge.p99Ms)),
    number(rate(edge.retries), "yellow"),
    number(rate(edge.hedges)),
    number(rate(edge.shed), "red"),
  ]);
  return alignColumns([head, ...rows], paint);
}
