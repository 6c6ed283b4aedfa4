import { shownCell, type Told } from "../told.tsx";
import { Table } from "./table.tsx";

/** What a view tells, to read line by line. */
export function ToldTable({ caption, told }: { caption: string; told: Told }) {
  const rows = told.rows.map((row, at) => ({ row, at }));
  return (
    <div className="max-h-96 overflow-y-auto" tabIndex={0} role="group" aria-label={`${caption}, as a table`}>
      <Table
        caption={caption}
        rows={rows}
        rowKey={({ at }) => String(at)}
        columns={told.columns.map(({ name }, place) => ({
          name,
          // The first one tells what a row is about.
          ...(place === 0 ? { named: true } : {}),
          cell: ({ row }: (typeof rows)[number]) => shownCell(told, row, place),
        }))}
      />
    </div>
  );
}
