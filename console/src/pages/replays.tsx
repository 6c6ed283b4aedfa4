import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { call } from "../api.ts";
import { count } from "../format.ts";
import { useMay } from "../session.tsx";
import { Button, Code, Empty, Failure, Field, Note, Page, Status, When } from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { Confirm, Dialog } from "../ui/overlay.tsx";
import { anyText, timesOf, useHere, useUrl } from "../url.ts";

const own = { open: anyText };

interface Replay {
  readonly replay_id: string;
  readonly status: string;
  readonly matched: number;
  readonly sent: number;
  readonly request: unknown;
  readonly error?: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** Starts a replay of a range, after counting what is in it. */
function Start() {
  const [state] = useUrl(own);
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [type, setType] = useState("");
  const [rate, setRate] = useState("");
  const [found, setFound] = useState<string>();
  const [error, setError] = useState<unknown>();
  const times = timesOf(state);
  const run = async (work: () => Promise<void>) => {
    setError(undefined);
    try {
      await work();
    } catch (cause) {
      setError(cause);
    }
  };
  const look = () =>
    run(async () => {
      const query = new URLSearchParams({ from: times.from, limit: "1000", acknowledged: "all" });
      if (times.to !== undefined) query.set("to", times.to);
      if (type !== "") query.set("event_type", type);
      const { events, next_cursor } = await call<{ events: unknown[]; next_cursor: string | null }>(
        "GET",
        `/inbox?${query}`,
        {
          env: state.env,
          withoutPayloads: true,
        },
      );
      setFound(`${count(events.length)}${next_cursor === null ? "" : " or more"}`);
    });
  const start = () =>
    run(async () => {
      const body = {
        from: times.from,
        ...(times.to === undefined ? {} : { to: times.to }),
        ...(type === "" ? {} : { event_type: type }),
        ...(rate === "" ? {} : { rate_per_second: Number(rate) }),
      };
      await call("POST", "/replays", { env: state.env, body });
      setOpen(false);
      await client.invalidateQueries({ queryKey: ["list", "/replays"] });
    });
  return (
    <>
      <Button look="primary" onPress={() => setOpen(true)}>
        New replay
      </Button>
      <Dialog title="Replay events" open={open} close={() => setOpen(false)}>
        <p className="text-sm">
          {state.env === "live" ? "Live" : "Sandbox"} events since {times.from} are matched again with today's
          subscriptions and delivered to those that match.
        </p>
        <Field label="Event type" hint="Optional; a pattern such as order.* will do.">
          {(ids) => <input {...ids} className="field" value={type} onChange={(event) => setType(event.target.value)} />}
        </Field>
        <Field label="Events a second" hint="Optional; slower spares the endpoints.">
          {(ids) => (
            <input
              {...ids}
              className="field"
              inputMode="numeric"
              value={rate}
              onChange={(event) => setRate(event.target.value)}
            />
          )}
        </Field>
        {found === undefined ? null : <Note>{found} events are in this range.</Note>}
        {error === undefined ? null : <Failure error={error} />}
        <div className="flex justify-end gap-2">
          <Button onPress={() => setOpen(false)}>Cancel</Button>
          <Button onPress={() => void look()}>Count first</Button>
          <Button look="primary" onPress={() => void start()}>
            Start
          </Button>
        </div>
      </Dialog>
    </>
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
  return (
    <Page title="Replays" actions={may("handle") ? <Start /> : null}>
      <List<Replay>
        caption="Replays, newest first"
        file="replays"
        source={{ path: "/replays", member: "replays", options: { env: state.env }, every: 2_000 }}
        rowKey={({ replay_id }) => replay_id}
        empty={
          <Empty title="Nothing has been replayed yet.">
            Replay events of a range, or chosen ones from the list of events.
          </Empty>
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
            cell: ({ replay_id, request }) =>
              state.open === replay_id ? (
                <Code label="Request" text={JSON.stringify(request, null, 2)} />
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
                  text="What has been sent stays sent; the rest is not."
                  action={cancel(replay_id)}
                />
              ) : null,
          },
        ]}
      />
    </Page>
  );
}
