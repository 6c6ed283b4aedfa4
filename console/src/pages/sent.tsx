import { useState } from "react";
import { Link, useLocation } from "wouter";
import type { Send } from "../../../runtime/domain/people/send.ts";
import { pretty, send } from "../api.ts";
import { layDraft } from "../drafts.ts";
import { bytes, count, ms } from "../format.ts";
import { ActionLink, Button, Code, Empty, Failure, Note, Page, Status, When } from "../ui/basic.tsx";
import { Download } from "../ui/download.tsx";
import { Choice, FilterBar, Sought } from "../ui/filters.tsx";
import { Listed, useList, useReadOn } from "../ui/list.tsx";
import { Table } from "../ui/table.tsx";
import { anyText, keep, maybeOneOf, useHere, useUrl } from "../url.ts";
import { useWork } from "../work.ts";
import { idsIn } from "./sendOutcome.tsx";

const own = {
  open: anyText,
  outcome: maybeOneOf(["accepted", "refused"]),
  side: maybeOneOf(["live", "sandbox"]),
  text: anyText,
  type: anyText,
  status: anyText,
  within: maybeOneOf(["15", "60", "360"]),
};
const within = [
  ["15", "15 min"],
  ["60", "1 h"],
  ["360", "6 h"],
] as const;

/** The types of the sent events. */
const typesIn = (body: string): string[] => [
  ...new Set([...body.matchAll(/"event_type"\s*:\s*"([^"\\]{1,256})"/g)].map((match) => match[1]!)),
];
const SUMMARY = 80;

/** Events that the composer sent in the last 24 hours: to look at, to send again changed or not, to take along. */
export default function Sent() {
  const [state, set] = useUrl(own);
  const [, navigate] = useLocation();
  const here = useHere();
  const [note, setNote] = useState<{ readonly send: string; readonly says: string }>();
  const work = useWork();
  const list = useList<Send>({ path: "/sends", member: "sends", params: { limit: "100" } });
  const wanted = list.rows.filter(
    ({ at, environment, response, request }) =>
      (state.status === undefined || state.status === String(response.status)) &&
      (state.within === undefined || Date.parse(at) >= Date.now() - Number(state.within) * 60_000) &&
      (state.type === undefined || typesIn(request.body).includes(state.type)) &&
      (state.side === undefined || state.side === environment) &&
      (state.outcome === undefined || (state.outcome === "accepted") === response.status < 300) &&
      (state.text === undefined || request.body.toLowerCase().includes(state.text.toLowerCase())),
  );
  const statuses = [...new Set(list.rows.map(({ response }) => String(response.status)))].sort();
  const again = async ({ send_id, request, environment, key_id }: Send) => {
    setNote(undefined);
    const answer = await send("POST", "/api/events", {
      env: environment,
      body: request.body,
      headers: { "x-triggers-key-id": key_id.startsWith("key_") ? key_id : undefined },
    });
    const says =
      answer.status < 300 ? `Sent again: ${idsIn(answer.text).join(", ")}` : `Refused with ${answer.status}.`;
    setNote({ send: send_id, says });
    await list.refetch();
  };
  const change = ({ request, key_id }: Send) => {
    layDraft("send", pretty(request.body));
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
  useReadOn(list, state.open !== undefined && opened === undefined);
  return (
    <Page
      title="Sent events"
      actions={wanted.length === 0 ? null : <Download name="sent-events" rows={csv} json={() => wanted} />}
    >
      <p className="text-sm text-muted">
        What you sent from here in the last 24 hours. Nobody else sees this list, and no key's secret is in it.
      </p>
      <FilterBar>
        <Choice
          label="Environment of the key"
          any="Both"
          values={["live", "sandbox"]}
          value={state.side}
          choose={(side) => set({ side }, false)}
        />
        <Choice
          label="Outcome"
          values={["accepted", "refused"]}
          value={state.outcome}
          choose={(outcome) => set({ outcome }, false)}
        />
        <Choice label="Answer" values={statuses} value={state.status} choose={(status) => set({ status }, false)} />
        <Choice
          label="Sent within"
          any="24 h"
          values={within.map(([minutes, name]) => [minutes, name] as const)}
          value={state.within}
          choose={(minutes) => set({ within: minutes }, false)}
        />
        <Sought label="Type" placeholder="order.created" value={state.type} seek={(type) => set({ type }, false)} />
        <Sought
          label="Text"
          value={state.text}
          seek={(text) => set({ text }, false)}
          hint="Contained in the payload."
        />
      </FilterBar>
      {list.hasNextPage ? (
        <p className="text-sm text-muted">
          The filters look at the {count(list.rows.length)} newest; show more to look further back.
        </p>
      ) : null}
      {opened === undefined ? null : (
        <section className="card grid gap-3" aria-label="One send">
          <Code
            label="Request"
            text={`POST /events\n${Object.entries(opened.request.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n")}\n\n${opened.request.body}`}
          />
          {opened.request.body_cut === true ? (
            <Note>This is the beginning of the body. It is not JSON, and too long to show here.</Note>
          ) : null}
          <Code
            label="Response"
            text={`${opened.response.status}\n${Object.entries(opened.response.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n")}\n\n${opened.response.body}`}
          />
          <div className="flex flex-wrap gap-2">
            <Button look="primary" isPending={work.busy} onPress={() => void work.run(() => again(opened))}>
              Send again
            </Button>
            <Button onPress={() => change(opened)}>Change and send</Button>
            <ActionLink href={here({ open: undefined })}>Close</ActionLink>
          </div>
          {/* Where one looks when one has pressed the button. */}
          <div role="status">{note?.send === opened.send_id ? <Note>{note.says}</Note> : null}</div>
          {work.error === undefined ? null : <Failure error={work.error} />}
        </section>
      )}
      <Listed
        list={list}
        empty={
          <Empty title="Nothing to show.">
            <Link href={keep("/send")}>Send an event</Link>; it stands here for 24 hours.
          </Empty>
        }
      >
        {() =>
          wanted.length === 0 ? (
            <Empty title="Nothing that was sent fits these filters." />
          ) : (
            <Table
              caption="Sent events, newest first"
              rows={wanted}
              rowKey={({ send_id }) => send_id}
              selected={({ send_id }) => send_id === state.open}
              columns={[
                { name: "Sent", cell: ({ at }) => <When at={at} zone={state.zone} /> },
                { name: "Environment", cell: ({ environment }) => <Status status={environment} /> },
                { name: "Key", named: true, cell: ({ key_name, key_id }) => key_name ?? key_id },
                {
                  name: "Answer",
                  cell: ({ response }) => (
                    <Status status={response.status < 300 ? "accepted" : `refused ${response.status}`} />
                  ),
                },
                {
                  name: "Took",
                  cell: ({ duration_ms }) => <span className="whitespace-nowrap">{ms(duration_ms)}</span>,
                },
                {
                  name: "Payload",
                  named: true,
                  cell: ({ request }) => <code>{request.body.replaceAll(/\s+/g, " ").slice(0, SUMMARY)}</code>,
                },
                {
                  name: "Size",
                  cell: ({ request }) => (
                    <span className="whitespace-nowrap">{bytes(new Blob([request.body]).size)}</span>
                  ),
                },
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
                    <Link href={here({ open: send_id })} aria-label={`Open ${send_id}`}>
                      Open
                    </Link>
                  ),
                },
              ]}
            />
          )
        }
      </Listed>
    </Page>
  );
}
