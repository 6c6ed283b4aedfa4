import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from "react";
import { type Cell, csvText } from "../../runtime/domain/csv.ts";
import { count } from "./format.ts";

/** What a view tells, as a table: read by the table view, the chart's cursor and the files that one takes along, so that all say the same. */
export interface Told {
  readonly columns: readonly {
    readonly name: string;
    /** As it is read; a file has the value itself. */
    readonly show?: (cell: Cell, row: readonly Cell[]) => string;
  }[];
  readonly rows: readonly (readonly Cell[])[];
}

export const shownCell = ({ columns }: Told, row: readonly Cell[], at: number): string => {
  const cell = row[at] ?? null;
  return columns[at]?.show?.(cell, row) ?? (cell === null ? "–" : String(cell));
};

/** Figures of several kinds, a row each. @param figures how each number is read; as a count where that is left out */
export const toldFigures = (
  figures: readonly (readonly [name: string, value: Cell, read?: (value: number) => string])[],
): Told => ({
  columns: [
    { name: "Measure" },
    {
      name: "Value",
      show(value, [name]) {
        if (value === null) return "–";
        const [, , read = count] = figures.find((each) => each[0] === name) ?? [];
        return typeof value === "number" ? read(value) : String(value);
      },
    },
  ],
  rows: figures.map(([name, value]) => [name, value]),
});

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

/** Where the views stand on the page, by their names; one that has no room of its own comes first. */
const placesOnPage = (): readonly (string | null)[] =>
  [...document.querySelectorAll("main section[aria-label]")].map((section) => section.getAttribute("aria-label"));

/** Knows what the views within it show, in the order in which they stand: their figures come in any other. */
export function ShownViews({ children }: { children: ReactNode }) {
  const views = useRef(new Map<string, () => View | undefined>());
  const shown = useMemo<Shown>(
    () => ({
      put(title, view) {
        views.current.set(title, view);
        return () => void views.current.delete(title);
      },
      all() {
        const places = placesOnPage();
        return [...views.current.values()]
          .flatMap((view) => view() ?? [])
          .sort((a, b) => places.indexOf(a.title) - places.indexOf(b.title));
      },
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
