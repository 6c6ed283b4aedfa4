import { type ReactNode, useState } from "react";
import { count } from "../format.ts";
import { Button } from "./basic.tsx";
import type { Column } from "./table.tsx";

/** Rows of a list that one has chosen, to do something with all of them at once. */
export interface Chosen {
  readonly ids: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
  /** Takes these, as many as one call does. */
  readonly take: (ids: readonly string[]) => void;
}

/** As many as one call takes. */
const MOST = 1_000;

const none: ReadonlySet<string> = new Set();

/** @param list what is listed, and on which side: nothing stays chosen of another list, where nobody would see it */
export function useChosen(list: unknown): Chosen {
  const name = JSON.stringify(list);
  const [chosen, setChosen] = useState({ name, ids: none });
  const ids = chosen.name === name ? chosen.ids : none;
  const setIds = (next: ReadonlySet<string>) => setChosen({ name, ids: next });
  return {
    ids,
    toggle(id) {
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      setIds(next);
    },
    take: (of) => setIds(new Set(of.slice(0, MOST))),
  };
}

/** The column that one chooses in. @param idOf undefined for a row that can't be chosen */
export const chooseColumn = <Row,>({ ids, toggle }: Chosen, idOf: (row: Row) => string | undefined): Column<Row> => ({
  name: "Choose",
  cell(row) {
    const id = idOf(row);
    return id === undefined ? null : (
      <input
        type="checkbox"
        className="size-5"
        aria-label={`Choose ${id}`}
        checked={ids.has(id)}
        onChange={() => toggle(id)}
      />
    );
  },
});

/** How many are chosen, and what can be done with them. @param listed ids that could be chosen */
export function ChosenBar({
  chosen: { ids, take },
  listed,
  children,
}: {
  chosen: Chosen;
  listed: readonly string[];
  children: ReactNode;
}) {
  if (ids.size === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <span className="text-sm">{count(ids.size)} chosen</span>
      {children}
      {ids.size < listed.length ? (
        <Button onPress={() => take(listed)}>Choose all {count(Math.min(listed.length, MOST))} listed</Button>
      ) : null}
      <Button onPress={() => take([])}>Choose none</Button>
    </div>
  );
}
