import { setTimeout as pause } from "node:timers/promises";
import { daysLeft, duration, percentage, rate, severity } from "@reelmesh/mesh/ops/markup.js";
import type { MeshState } from "@reelmesh/mesh/ops/state.js";
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
      Rates and latencies of the last seconds by caller and service, again each second until Ctrl+C; replicas known and
      ejected, and how long certificates last.
      --once, which is the default unless this is a terminal: a single time.
      --json: an object a time, each on a line of its own.
      ${OPS_USAGE}.`,
  async run(invocation) {
    const options = readMeshOptions(invocation, { once: true });
    const once = options.once || (!invocation.terminal && !options.json);
    for (;;) {
      const states = statesOf(await askAll(options.ops));
      const { edges } = topologyOf(states);
      const certificates = states.flatMap(certificateIn);
      const lines = () => [
        ...renderStat(edges, invocation.paint),
        ...renderCertificates(certificates, invocation.paint),
      ];
      if (options.json) invocation.out(JSON.stringify({ edges, certificates }));
      else invocation.out((once ? "" : CLEAR) + lines().join("\n"));
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
  const titles = ["RPS", "SUCCESS", "P50", "P99", "RETRIES/S", "HEDGES/S", "SHED/S", "REPLICAS", "EJECTED"];
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
    number(String(edge.backends)),
    number(String(edge.ejected), "yellow"),
  ]);
  return alignColumns([head, ...rows], paint);
}

/** How long one process's certificate lasts. */
interface CertificateLife {
  readonly modules: readonly string[];
  /** RFC 3339. */
  readonly notAfter: string;
  /** Such as `89 days`. */
  readonly left: string;
}

function certificateIn({ certificate, modules, time }: MeshState): readonly CertificateLife[] {
  if (!certificate) return [];
  const { notAfter } = certificate;
  return [{ modules: modules.map(({ name }) => name), notAfter, left: daysLeft(notAfter, time) }];
}

function renderCertificates(certificates: readonly CertificateLife[], paint: Paint): readonly string[] {
  if (certificates.length === 0) return [];
  const rows = certificates.map(({ modules, left }): readonly Cell[] => [
    { text: printable(modules.join(", ")), colour: "bold" },
    { text: left, colour: left === "expired" ? "red" : undefined },
  ]);
  return [
    "",
    ...alignColumns(
      [
        [
          { text: "CERTIFICATE OF", colour: "dim" },
          { text: "LASTS", colour: "dim" },
        ],
        ...rows,
      ],
      paint,
    ),
  ];
}
