import { Link } from "wouter";
import { Code, Empty, Page, Status, When } from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { anyText, useHere, useUrl } from "../url.ts";

const own = { open: anyText };

interface Entry {
  readonly seq: number;
  readonly at: string;
  readonly actor: { readonly type: string; readonly name?: string; readonly key_id?: string; readonly role?: string };
  readonly action: string;
  readonly object: string | null;
  readonly source_ip: string | null;
  readonly outcome: string;
  readonly details: unknown;
  readonly hash: string;
  readonly prev_hash: string;
}

export default function Audit() {
  const [{ zone, open }] = useUrl(own);
  const here = useHere();
  return (
    <Page title="Audit log">
      <p className="text-sm text-muted">
        Who changed what, when, from where. Each entry holds the hash of the one before, so that nothing can be changed
        or taken out unnoticed.
      </p>
      <List<Entry>
        caption="Audit log, newest first"
        file="audit"
        source={{ path: "/audit", member: "audit", params: { limit: "50" } }}
        rowKey={({ seq }) => String(seq)}
        empty={<Empty title="Nothing has been changed yet." />}
        columns={[
          { name: "No.", cell: ({ seq }) => seq },
          { name: "When", cell: ({ at }) => <When at={at} zone={zone} /> },
          {
            name: "Who",
            cell: ({ actor }) => `${actor.name ?? actor.key_id ?? actor.type} (${actor.role ?? actor.type})`,
          },
          { name: "What", cell: ({ action }) => <code>{action}</code> },
          { name: "Object", cell: ({ object }) => <span className="mono">{object ?? ""}</span> },
          { name: "From", cell: ({ source_ip }) => source_ip ?? "" },
          { name: "Outcome", cell: ({ outcome }) => <Status status={outcome} /> },
          {
            name: "Details",
            cell: ({ seq, details, hash, prev_hash }) =>
              open === String(seq) ? (
                <Code label={`Details of entry ${seq}`} text={JSON.stringify({ details, hash, prev_hash }, null, 2)} />
              ) : (
                <Link href={here({ open: String(seq) })} aria-label={`Show details of entry ${seq}`}>
                  Show
                </Link>
              ),
          },
        ]}
      />
    </Page>
  );
}
