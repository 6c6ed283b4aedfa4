import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from "react";
import { type Cell, csvText } from "../../runtime/domain/csv.ts";

/** What a view tells, as a table: read by the table view, the chart's cursor and the files that one takes along, so that all say the same. */
export interface Told {
  readonly columns: readonly {
    readonly name: string;
    /** As it is read; a file has the value itself. */
    readonly show?: (cell: Cell) => string;
  }[];
  readonly rows: readonly (readonly Cell[])[];
}

export const shownCell = ({ columns }: Told, row: readonly Cell[], at: number): string => {
  const cell = row[at] ?? null;
  return columns[at]?.show?.(cell) ?? (cell === null ? "–" : String(cell));
};

/** A row in a sentence: what it is, and each of its values by name. */
export const rowText = (told: Told, row: readonly Cell[]): string =>
  `${shownCell(told, row, 0)}: ${told.columns
    .slice(1)
    .map(({ name }, at) => `${name} ${shownCell(told, row, at + 1)}`)
    .join(", ")}`;

export const csvOf = ({ columns, rows }: Told): string =>
  csvText(
    columns.map(({ name }) => name),
    rows,
  );
export const jsonOf = ({ columns, rows }: Told): unknown =>
  rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null])));

/** One view of a page, ready to be taken along. */
export interface View {
  readonly title: string;
  readonly sentence: string;
  readonly told: Told;
  /** Its picture as SVG, of so many pixels; none for figures. */
  readonly picture?: ((width: number) => Promise<string>) | undefined;
}

/** Many views as one table, a line a cell. */
export const csvOfViews = (views: readonly View[]): string =>
  csvText(
    ["view", "row", "measure", "value"],
    views.flatMap(({ title, told }) =>
      told.rows.flatMap((row) =>
        told.columns.slice(1).map(({ name }, at): Cell[] => [title, row[0] ?? null, name, row[at + 1] ?? null]),
      ),
    ),
  );

export const jsonOfViews = (views: readonly View[]): unknown =>
  Object.fromEntries(views.map(({ title, told }) => [title, jsonOf(told)]));

interface Shown {
  put: (title: string, view: () => View | undefined) => () => void;
  all: () => View[];
}

const Context = createContext<Shown | undefined>(undefined);

/** Knows what the views within it show, in the order in which they stand. */
export function ShownViews({ children }: { children: ReactNode }) {
  const views = useRef(new Map<string, () => View | undefined>());
  const shown = useMemo<Shown>(
    () => ({
      put(title, view) {
        views.current.set(title, view);
        return () => void views.current.delete(title);
      },
      all: () => [...views.current.values()].flatMap((view) => view() ?? []),
    }),
    [],
  );
  return <Context value={shown}>{children}</Context>;
}

export const useShownViews = (): (() => View[]) => useContext(Context)?.all ?? (() => []);

/** Says what a view shows while it stands there. */
export function useShows(view: View | undefined): void {
  const shown = useContext(Context);
  const latest = useRef(view);
  latest.current = view;
  const title = view?.title;
  useEffect(() => (title === undefined ? undefined : shown?.put(title, () => latest.current)), [shown, title]);
}
