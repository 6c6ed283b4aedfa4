import { Link } from "wouter";
import type { AuditEntry } from "../types.ts";
import { Code, Empty, Failure, Loading, Note, Page, Status, When } from "../ui/basic.tsx";
import { FilterBar, Sought } from "../ui/filters.tsx";
import { Listed, type ListSource, useList } from "../ui/list.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { anyText, useHere, useUrl } from "../url.ts";

/** Number of the entry that is open; id of the object that the listed entries are about. */
const own = { open: anyText, object: anyText };

const source = (params: ListSource["params"]): ListSource => ({
  path: "/audit",
  member: "audit",
  params: { ...params },
});

const detailsOf = ({ seq, details, hash, prev_hash }: AuditEntry) => (
  <Code label={`Details of entry ${seq}`} text={JSON.stringify({ details, hash, prev_hash }, null, 2)} />
);

/** Looks an entry up that the list has not come to, since a link may lead to any. */
function OneEntry({ seq, columns }: { seq: string; columns: readonly Column<AuditEntry>[] }) {
  const list = useList<AuditEntry>(source({ from_seq: seq, limit: "1" }));
  const found = list.rows.filter((entry) => String(entry.seq) === seq);
  if (list.isPending) return <Loading />;
  if (list.isError) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (found.length === 0) return <Note tone="warn" title={`The log has no entry ${seq}.`} />;
  return (
    <section aria-label={`Entry ${seq}`}>
      <Table
        caption={`Entry ${seq}`}
        columns={columns}
        rows={found}
        rowKey={(entry) => String(entry.seq)}
        below={detailsOf}
      />
    </section>
  );
}

export default function Audit() {
  const [{ zone, open, object }, set] = useUrl(own);
  const here = useHere();
  const list = useList<AuditEntry>(source({ object, limit: "50" }));
  const columns: readonly Column<AuditEntry>[] = [
    { name: "No.", cell: ({ seq }) => seq },
    { name: "When", cell: ({ at }) => <When at={at} zone={zone} /> },
    {
      name: "Who",
      named: true,
      cell: ({ actor }) => `${actor.name ?? actor.key_id ?? actor.type} (${actor.role ?? actor.type})`,
    },
    { name: "What", cell: ({ action }) => <code className="md:whitespace-nowrap">{action}</code> },
    {
      name: "Object",
      named: true,
      cell: ({ object }) =>
        object === null ? (
          ""
        ) : (
          <Link href={here({ object, open: undefined })} className="mono">
            {object}
          </Link>
        ),
    },
    { name: "From", cell: ({ source_ip }) => source_ip ?? "" },
    { name: "Outcome", cell: ({ outcome }) => <Status status={outcome} /> },
    {
      name: "Details",
      cell: ({ seq }) =>
        open === String(seq) ? (
          <Link href={here({ open: undefined })} aria-label={`Hide details of entry ${seq}`}>
            Hide
          </Link>
        ) : (
          <Link href={here({ open: String(seq) })} aria-label={`Show details of entry ${seq}`}>
            Show
          </Link>
        ),
    },
  ];
  return (
    <Page title="Audit log">
      <p className="text-sm text-muted">
        Who changed what, when, from where. Each entry holds the hash of the one before, so that nothing can be changed
        or taken out unnoticed.
      </p>
      <FilterBar>
        <Sought
          label="Object"
          mono
          value={object}
          seek={(object) => set({ object }, false)}
          placeholder="sub_…, key_…, order.created"
          hint="Id of what was changed."
        />
      </FilterBar>
      {open === undefined || list.isPending || list.rows.some(({ seq }) => String(seq) === open) ? null : (
        <OneEntry seq={open} columns={columns} />
      )}
      <Listed
        list={list}
        file="audit"
        empty={
          <Empty
            title={object === undefined ? "Nothing has been changed yet." : `The audit log tells nothing of ${object}.`}
          />
        }
      >
        {(rows) => (
          <Table
            caption="Audit log, newest first"
            columns={columns}
            rows={rows}
            rowKey={({ seq }) => String(seq)}
            below={(entry) => (open === String(entry.seq) ? detailsOf(entry) : null)}
          />
        )}
      </Listed>
    </Page>
  );
}
