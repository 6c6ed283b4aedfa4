import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import { call, queryOf } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { count, countOf } from "../format.ts";
import { paceOfWork } from "../pace.ts";
import { useMay } from "../session.tsx";
import { typedNumber } from "../typedNumber.ts";
import type { Replay } from "../types.ts";
import { Button, Code, Empty, Note, Page, Status, TextField, When } from "../ui/basic.tsx";
import { Create } from "../ui/create.tsx";
import { Listed, useList, useReadOn } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Table } from "../ui/table.tsx";
import { anyText, timesOf, useHere, useUrl } from "../url.ts";

const own = { open: anyText };

/** Starts a replay of a range, after counting its events. */
function NewReplay() {
  const [state] = useUrl(own);
  const client = useQueryClient();
  const [{ type, rate }, change, drop] = useFormDraft("new replay", { type: "", rate: "" });
  /** How many there are, and of which type they were counted. */
  const [found, setFound] = useState<{ readonly many: string; readonly type: string }>();
  const times = timesOf(state);
  const look = async () => {
    const query = queryOf({ from: times.from, to: times.to, event_type: type, limit: 1_000, acknowledged: "all" });
    const { events, next_cursor } = await call<{ events: unknown[]; next_cursor: string | null }>(
      "GET",
      `/inbox${query}`,
      { env: state.env, withoutPayloads: true },
    );
    setFound({
      many: next_cursor === null ? countOf(events.length, "event") : `${count(events.length)} events or more`,
      type,
    });
  };
  const start = async () => {
    const body = {
      from: times.from,
      ...defined({ to: times.to }),
      ...(type === "" ? {} : { event_type: type }),
      ...(rate === "" ? {} : { rate_per_second: typedNumber(rate) }),
    };
    await call("POST", "/replays", { env: state.env, body });
    drop();
    await client.invalidateQueries({ queryKey: ["list", "/replays"] });
  };
  return (
    <Create
      label="New replay"
      title="Replay events"
      submit="Start"
      make={start}
      more={(work) => (
        <Button isPending={work.busy} onPress={() => void work.run(look)}>
          Count first
        </Button>
      )}
    >
      <p className="text-sm">
        {state.env === "live" ? "Live" : "Sandbox"} events from <When at={times.from} zone={state.zone} />{" "}
        {times.to === undefined ? (
          "until now"
        ) : (
          <>
            to <When at={times.to} zone={state.zone} />
          </>
        )}{" "}
        are matched again with today's subscriptions and delivered to those that match.
      </p>
      <TextField
        label="Event type"
        hint="Optional; a pattern such as order.* will do."
        value={type}
        change={(type) => change({ type })}
      />
      <TextField
        label="Events a second"
        hint="Optional; slower spares the endpoints."
        inputMode="numeric"
        value={rate}
        change={(rate) => change({ rate })}
      />
      {found?.type === type ? <Note>In this range: {found.many}.</Note> : null}
    </Create>
  );
}

export default function Replays() {
  const [state] = useUrl(own);
  const here = useHere();
  const may = useMay();
  const client = useQueryClient();
  const cancel = (id: string) => async () => {
    await call("POST", `/replays/${id}/cancel`, { env: state.env });
    await client.invalidateQueries({ queryKey: ["list", "/replays"] });
  };
  const list = useList<Replay>({ path: "/replays", member: "replays", options: { env: state.env }, every: paceOfWork });
  const isOpen = ({ replay_id }: Replay) => replay_id === state.open;
  useReadOn(list, state.open !== undefined && !list.rows.some(isOpen));
  return (
    <Page title="Replays" actions={may("handle") ? <NewReplay /> : null}>
      <Listed
        list={list}
        file="replays"
        empty={
          <Empty title="Nothing has been replayed yet.">
            Replay events of a range, or chosen ones from the list of events.
          </Empty>
        }
      >
        {(rows) => (
          <Table
            caption="Replays, newest first"
            rows={rows}
            rowKey={({ replay_id }) => replay_id}
            selected={isOpen}
            below={(replay) =>
              isOpen(replay) ? <Code label="Request" text={JSON.stringify(replay.request, null, 2)} /> : null
            }
            columns={[
              { name: "Begun", cell: ({ created_at }) => <When at={created_at} zone={state.zone} /> },
              { name: "Replay", cell: ({ replay_id }) => <span className="mono">{replay_id}</span> },
              { name: "Status", cell: ({ status }) => <Status status={status} /> },
              {
                name: "Progress",
                cell: ({ matched, sent, error }) => (
                  <>
                    {count(sent)} sent of {count(matched)} matched
                    {error === undefined ? "" : ` · ${error}`}
                  </>
                ),
              },
              {
                name: "What",
                cell: ({ replay_id }) =>
                  state.open === replay_id ? (
                    <Link href={here({ open: undefined })} aria-label={`Hide what ${replay_id} replays`}>
                      Hide
                    </Link>
                  ) : (
                    <Link href={here({ open: replay_id })} aria-label={`Show what ${replay_id} replays`}>
                      Show
                    </Link>
                  ),
              },
              {
                name: "Cancel",
                cell: ({ replay_id, status }) =>
                  may("handle") && (status === "pending" || status === "running") ? (
                    <Confirm
                      label="Cancel"
                      title="Cancel this replay?"
                      text="Events that were sent stay sent; the others are not sent."
                      action={cancel(replay_id)}
                    />
                  ) : null,
              },
            ]}
          />
        )}
      </Listed>
    </Page>
  );
}
