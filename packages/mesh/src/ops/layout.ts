import type { Topology } from "./topology.js";

/** A place in a drawing: columns from the left, rows from the middle, both in fractions where need be. */
export interface Place {
  readonly column: number;
  readonly row: number;
}

/** Where everything is drawn. */
export interface Layout {
  readonly nodes: ReadonlyMap<string, Place>;
  /** For each edge, in order, where its arrow passes columns between its ends. */
  readonly passes: readonly (readonly Place[])[];
}

/** How much room an arrow that passes takes, in rows. */
const PASSING = 0.45;

/** One thing in a column: a service, or an edge that passes between services. */
interface Item {
  readonly height: number;
  /** The mean row of what leads here. */
  readonly weight: number;
  readonly name: string;
  readonly put: (place: Place) => void;
}

/**
 * Lays a graph out in layers (Sugiyama, Tagawa and Toda 1981): callers left of what they call, each column in the order
 * of what leads to it, and long arrows around the services between.
 */
export function layOut({ nodes, edges }: Topology): Layout {
  const columns = columnsOf({ nodes, edges });
  const columnOf = (name: string) => columns.get(name) ?? 0;
  const places = new Map<string, Place>();
  const passes = edges.map((): Place[] => []);
  for (let column = 0; column <= Math.max(0, ...columns.values()); column += 1) {
    const services = nodes
      .filter(({ name }) => columnOf(name) === column)
      .map(({ name }): Item => {
        const leading = edges.flatMap((edge, index) =>
          edge.service === name ? [passes[index]?.at(-1) ?? places.get(edge.caller)] : [],
        );
        const rows = leading.flatMap((place) => (place ? [place.row] : []));
        return { name, height: 1, weight: mean(rows), put: (place) => places.set(name, place) };
      });
    const passing = edges.flatMap(({ caller, service }, index): Item[] => {
      const passed = passes[index];
      if (!passed || columnOf(caller) >= column || columnOf(service) <= column) return [];
      const { row = 0 } = passed.at(-1) ?? places.get(caller) ?? {};
      return [{ name: `${caller} > ${service}`, height: PASSING, weight: row, put: (place) => passed.push(place) }];
    });
    stack(column, [...services, ...passing]);
  }
  return { nodes: places, passes };
}

/** Puts a column's items one below the other, about the middle. */
function stack(column: number, items: readonly Item[]): void {
  const ordered = [...items].sort((a, b) => a.weight - b.weight || a.name.localeCompare(b.name));
  let top = -items.reduce((sum, { height }) => sum + height, 0) / 2;
  for (const { height, put } of ordered) {
    put({ column, row: top + height / 2 });
    top += height;
  }
}

/** Each service's distance from whoever nobody calls, by the longest way. */
function columnsOf({ nodes, edges }: Topology): ReadonlyMap<string, number> {
  const columns = new Map(nodes.map(({ name }) => [name, 0]));
  // No way is longer than there are services: a circle ends here too.
  nodes.forEach(() => {
    for (const { caller, service } of edges) {
      const behind = (columns.get(caller) ?? 0) + 1;
      if (behind > (columns.get(service) ?? 0) && behind < nodes.length) columns.set(service, behind);
    }
  });
  return columns;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
