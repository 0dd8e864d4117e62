import type { Topology } from "./topology.js";

/** Where each service is drawn: callers left of what they call. */
export type Layout = ReadonlyMap<string, { readonly column: number; readonly row: number }>;

/** Lays a graph out in columns by the longest way from a caller that nobody calls. */
export function layOut({ nodes, edges }: Topology): Layout {
  const columns = new Map(nodes.map(({ name }) => [name, 0]));
  // No way is longer than there are services: a circle ends here too.
  nodes.forEach(() => {
    for (const { caller, service } of edges) {
      const behind = (columns.get(caller) ?? 0) + 1;
      if (behind > (columns.get(service) ?? 0) && behind < nodes.length) columns.set(service, behind);
    }
  });
  const layout = new Map<string, { column: number; row: number }>();
  const last = Math.max(0, ...columns.values());
  for (let column = 0; column <= last; column += 1) {
    const here = nodes.map(({ name }) => name).filter((name) => columns.get(name) === column);
    const weight = new Map(here.map((name) => [name, meanRowOfCallers(name)]));
    here.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0) || a.localeCompare(b));
    here.forEach((name, index) => layout.set(name, { column, row: index - (here.length - 1) / 2 }));
  }
  return layout;

  function meanRowOfCallers(name: string): number {
    const rows = edges.filter(({ service }) => service === name).map(({ caller }) => layout.get(caller)?.row ?? 0);
    return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length;
  }
}
