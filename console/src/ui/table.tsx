import { Fragment, type ReactNode, useCallback, useState } from "react";

export interface Column<Row> {
  readonly name: string;
  /** Holds what people have named or written, which can be one word of any length: it breaks anywhere, and no other column does. */
  readonly named?: true;
  readonly cell: (row: Row) => ReactNode;
}

/** Whether an element is narrower than what is in it: what scrolls has to be reached by keyboard, and what does not should be no stop. */
function useScrolls(): [boolean, (element: HTMLElement | null) => (() => void) | undefined] {
  const [scrolls, setScrolls] = useState(false);
  const watch = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setScrolls(element.scrollWidth > element.clientWidth));
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);
  return [scrolls, watch];
}

/** Rows of one kind. On a phone each row is a card, whose cells bear the names of their columns. */
export function Table<Row>({
  caption,
  columns,
  rows,
  rowKey,
  selected,
  below,
}: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  selected?: ((row: Row) => boolean) | undefined;
  /** What is too wide for a column: it has the width of the table. */
  below?: ((row: Row) => ReactNode) | undefined;
}) {
  const [scrolls, watch] = useScrolls();
  return (
    <div
      ref={watch}
      className="overflow-x-auto rounded-lg border border-line bg-panel"
      {...(scrolls ? { role: "group", "aria-label": caption, tabIndex: 0 } : {})}
    >
      <table className="w-full border-collapse text-sm max-md:block">
        <caption className="sr-only">{caption}</caption>
        <thead className="max-md:sr-only">
          <tr className="border-b border-line bg-sunk text-left">
            {columns.map(({ name }) => (
              <th key={name} scope="col" className="px-3 py-2 font-medium whitespace-nowrap">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="max-md:block">
          {rows.map((row) => {
            const wide = below?.(row) ?? null;
            const look = `border-line last:border-b-0 max-md:block max-md:p-3 ${selected?.(row) === true ? "bg-accent-soft" : ""}`;
            return (
              <Fragment key={rowKey(row)}>
                <tr data-row={rowKey(row)} className={`${look} ${wide === null ? "border-b" : ""}`}>
                  {columns.map(({ name, named, cell }) => (
                    <td
                      key={name}
                      className={`px-3 py-2 align-top max-md:flex max-md:justify-between max-md:gap-4 max-md:px-0 max-md:py-1 max-md:has-[>span:last-child:empty]:hidden ${named === true ? "md:min-w-35" : "md:wrap-break-word"}`}
                    >
                      <span className="hidden shrink-0 text-muted max-md:inline">{name}</span>
                      <span className="min-w-0 max-md:text-right">{cell(row)}</span>
                    </td>
                  ))}
                </tr>
                {wide === null ? null : (
                  <tr className={`${look} border-b`}>
                    {/* A column of a table is as wide as its widest text, and this one's may have any width. */}
                    <td
                      colSpan={columns.length}
                      className="max-w-0 px-3 pb-3 max-md:block max-md:max-w-full max-md:p-0"
                    >
                      {wide}
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
