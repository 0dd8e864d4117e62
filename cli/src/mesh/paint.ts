/** A colour of the terminal's own sixteen. */
export type Colour = "dim" | "bold" | "green" | "yellow" | "red";

/** Puts text in colour, or leaves it alone. */
export type Paint = (colour: Colour | undefined, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  dim: [2, 22],
  bold: [1, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
};

/** @param colours whether the output is a terminal that wants them. */
export function createPaint(colours: boolean): Paint {
  return (colour, text) => {
    if (!colours || colour === undefined) return text;
    const [on, off] = CODES[colour];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/** A cell: its text, and how it looks. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
  readonly align?: "left" | "right";
}

/** Lines of cells in columns, two spaces apart, no spaces at the ends. */
export function alignColumns(rows: readonly (readonly Cell[])[], paint: Paint): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach(({ text }, column) => (widths[column] = Math.max(widths[column] ?? 0, text.length)));
  }
  return rows.map((row) =>
    row
      .map(({ text, colour, align = "left" }, column) => {
        const width = widths[column] ?? 0;
        const gap = " ".repeat(width - text.length);
        const last = column === row.length - 1;
        return align === "right" ? gap + paint(colour, text) : paint(colour, text) + (last ? "" : gap);
      })
      .join("  "),
  );
}

/** What came over the wire without what could steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}
