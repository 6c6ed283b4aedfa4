import { useState } from "react";
import { Link, useLocation } from "wouter";
import { pretty, send } from "../api.ts";
import { bytes, ms } from "../format.ts";
import { Button, Code, Empty, Failure, Field, Loading, Note, Page, Status, When } from "../ui/basic.tsx";
import { Download } from "../ui/download.tsx";
import { useList } from "../ui/list.tsx";
import { Table } from "../ui/table.tsx";
import { anyText, keep, maybeOneOf, useUrl } from "../url.ts";

const own = {
  open: anyText,
  outcome: maybeOneOf(["accepted", "refused"]),
  side: maybeOneOf(["live", "sandbox"]),
  text: anyText,
};

interface Send {
  readonly send_id: string;
  readonly at: string;
  readonly environment: "live" | "sandbox";
  readonly key_id: string;
  readonly key_name: string | null;
  readonly request: { readonly headers: Readonly<Record<string, string>>; readonly body: string };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly duration_ms: number;
}

const idsIn = (body: string): string[] =>
  [...body.matchAll(/"event_id"\s*:\s*"(evt_[0-9A-Z]+)"/g)].map((match) => match[1]!);

/** What was sent from the composer in the last 24 hours: to look at, to send again changed or not, to take along. */
export default function Sent() {
  const [state, set] = useUrl(own);
  const [, navigate] = useLocation();
  const [note, setNote] = useState<string>();
  const [error, setError] = useState<unknown>();
  const list = useList<Send>({ path: "/sends", member: "sends", params: { limit: "100" } });
  const wanted = list.rows.filter(
    ({ environment, response, request }) =>
      (state.side === undefined || state.side === environment) &&
      (state.outcome === undefined || (state.outcome === "accepted") === response.status < 300) &&
      (state.text === undefined || request.body.toLowerCase().includes(state.text.toLowerCase())),
  );
  const again = async ({ request, environment, key_id }: Send) => {
    setError(undefined);
    try {
      const answer = await send("POST", "/api/events", {
        env: environment,
        body: request.body,
        headers: { "x-triggers-key-id": key_id.startsWith("key_") ? key_id : undefined },
      });
      setNote(answer.status < 300 ? `Sent again: ${idsIn(answer.text).join(", ")}` : `Refused with ${answer.status}.`);
      await list.refetch();
    } catch (cause) {
      setError(cause);
    }
  };
  const change = ({ request, key_id }: Send) => {
    sessionStorage.setItem("draft send", pretty(request.body));
    navigate(keep("/send", { key: key_id }));
  };
  const csv = () => [
    ["at", "environment", "key", "status", "duration_ms", "event_ids", "body"],
    ...wanted.map(({ at, environment, key_name, key_id, request, response, duration_ms }) => [
      at,
      environment,
      key_name ?? key_id,
      response.status,
      duration_ms,
      idsIn(response.body).join(" "),
      request.body,
    ]),
  ];
  const opened = list.rows.find(({ send_id }) => send_id === state.open);
  return (
    <Page
      title="Sent events"
      actions={wanted.length === 0 ? null : <Download name="sent-events" rows={csv} json={() => wanted} />}
    >
      <p className="text-sm text-muted">
        What you sent from here in the last 24 hours. Nobody else sees this list, and no key's secret is in it.
      </p>
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="Environment">
          {(ids) => (
            <select
              {...ids}
              className="field"
              value={state.side ?? ""}
              onChange={(event) => set({ side: event.target.value })}
            >
              <option value="">Both</option>
              <option value="live">Live</option>
              <option value="sandbox">Sandbox</option>
            </select>
          )}
        </Field>
        <Field label="Outcome">
          {(ids) => (
            <select
              {...ids}
              className="field"
              value={state.outcome ?? ""}
              onChange={(event) => set({ outcome: event.target.value })}
            >
              <option value="">Any</option>
              <option value="accepted">Accepted</option>
              <option value="refused">Refused</option>
            </select>
          )}
        </Field>
        <Field label="Text">
          {(ids) => (
            <input
              {...ids}
              className="field"
              value={state.text ?? ""}
              onChange={(event) => set({ text: event.target.value })}
            />
          )}
        </Field>
      </div>
      {note === undefined ? null : <Note>{note}</Note>}
      {error === undefined ? null : <Failure error={error} />}
      {opened === undefined ? null : (
        <section className="card grid gap-3" aria-label="One send">
          <Code
            label="Request"
            text={`POST /events\n${Object.entries(opened.request.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n")}\n\n${opened.request.body}`}
          />
          <Code
            label="Response"
            text={`${opened.response.status}\n${Object.entries(opened.response.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n")}\n\n${pretty(opened.response.body)}`}
          />
          <div className="flex flex-wrap gap-2">
            <Button look="primary" onPress={() => void again(opened)}>
              Send again
            </Button>
            <Button onPress={() => change(opened)}>Change and send</Button>
            <Button onPress={() => set({ open: undefined })}>Close</Button>
          </div>
        </section>
      )}
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failure error={list.error} />
      ) : wanted.length === 0 ? (
        <Empty title="Nothing to show.">
          <Link href={keep("/send")}>Send an event</Link>; it stands here for 24 hours.
        </Empty>
      ) : (
        <Table
          caption="Sent events, newest first"
          rows={wanted}
          rowKey={({ send_id }) => send_id}
          columns={[
            { name: "Sent", cell: ({ at }) => <When at={at} zone={state.zone} /> },
            { name: "Environment", cell: ({ environment }) => <Status status={environment} /> },
            { name: "Key", cell: ({ key_name, key_id }) => key_name ?? key_id },
            {
              name: "Answer",
              cell: ({ response }) => (
                <Status status={response.status < 300 ? "accepted" : `refused ${response.status}`} />
              ),
            },
            { name: "Took", cell: ({ duration_ms }) => ms(duration_ms) },
            { name: "Size", cell: ({ request }) => bytes(new Blob([request.body]).size) },
            {
              name: "Event",
              cell: ({ response, environment }) => {
                const [first, ...more] = idsIn(response.body);
                return first === undefined ? (
                  ""
                ) : (
                  <>
                    <Link href={keep(`/events/${first}`, { env: environment })} className="mono">
                      {first}
                    </Link>
                    {more.length === 0 ? "" : ` and ${more.length} more`}
                  </>
                );
              },
            },
            {
              name: "Open",
              cell: ({ send_id }) => (
                <Button
                  className="min-h-8 py-0.5"
                  aria-label={`Open ${send_id}`}
                  onPress={() => set({ open: send_id })}
                >
                  Open
                </Button>
              ),
            },
          ]}
        />
      )}
    </Page>
  );
}
