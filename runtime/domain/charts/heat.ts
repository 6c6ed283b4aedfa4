import { type Drawing, rect, text } from "./drawing.ts";

/** A field of cells by day and hour. */

export interface HeatCell {
  readonly column: number;
  readonly line: number;
  /** Null where nothing is known: drawn as a gap. */
  readonly value: number | null;
}

const LEFT = 76;
const TOP = 18;
const LINE = 22;
/** The faintest cell that is not empty still shows. */
const FAINTEST = 0.12;

/** @param columns names above @param lines names at the left @param cells in the order of the table's rows */
export function drawHeat(
  cells: readonly HeatCell[],
  columns: readonly string[],
  lines: readonly string[],
  width: number,
): Drawing {
  const each = (width - LEFT) / Math.max(1, columns.length);
  const most = Math.max(0, ...cells.map(({ value }) => value ?? 0));
  const box = ({ column, line }: HeatCell) => ({
    x: LEFT + column * each + 1,
    y: TOP + line * LINE + 1,
    width: each - 2,
    height: LINE - 2,
  });
  const every = Math.max(1, Math.ceil(30 / Math.max(1, each)));
  return {
    width,
    height: TOP + lines.length * LINE + 4,
    shapes: [
      ...columns.flatMap((name, at) => (at % every === 0 ? [text(LEFT + at * each + 2, 12, name)] : [])),
      ...lines.map((name, at) => text(LEFT - 8, TOP + at * LINE + 15, name, { anchor: "end" })),
      ...cells.map((cell) => {
        const { value } = cell;
        if (value === null) return rect(box(cell), "none", { stroke: "faint", dash: "2 2" });
        if (value === 0) return rect(box(cell), "sunk");
        return rect(box(cell), "series0", { opacity: most === 0 ? 0 : FAINTEST + (1 - FAINTEST) * (value / most) });
      }),
    ],
    marks: cells.map((cell, row) => ({ ...box(cell), row })),
  };
}
