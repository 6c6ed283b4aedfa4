import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { eventStatuses } from "../../../runtime/domain/statuses.ts";
import { call, queryOf } from "../api.ts";
import { count, countOf } from "../format.ts";
import { useAtMost, useLive } from "../live.ts";
import { useMay } from "../session.tsx";
import { useRowKeys } from "../shell/shortcuts.ts";
import type { Event } from "../types.ts";
import { ActionLink, Empty, Note, Page, Status, When } from "../ui/basic.tsx";
import { ChosenBar, chooseColumn, useChosen } from "../ui/chosen.tsx";
import { EventType } from "../ui/eventType.tsx";
import { Choice, FilterBar, NoneFits, Sought } from "../ui/filters.tsx";
import { Pausing } from "../ui/following.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Range } from "../ui/range.tsx";
import { ReplayEvents } from "../ui/replayEvents.tsx";
import { Table } from "../ui/table.tsx";
import { Way } from "../ui/way.tsx";
import { anyText, keep, maybeOneOf, oneOf, useHere, useTimes, useUrl } from "../url.ts";
import { Facets } from "./eventFacets.tsx";

const own = {
  status: maybeOneOf(eventStatuses),
  type: anyText,
  key: anyText,
  q: anyText,
  cel: anyText,
  acknowledged: oneOf(["false", "true", "all"], "all"),
};
const LIVE_MS = 2_000;

/** How many arrived in each part of the range, of those that are listed. */
function Histogram({ events, from, to }: { events: readonly Event[]; from: number; to: number }) {
  const bars = 48;
  const counts = useMemo(() => {
    const all = new Array<number>(bars).fill(0);
    for (const { received_at } of events) {
      const at = Math.floor(((Date.parse(received_at) - from) / (to - from)) * bars);
      if (at >= 0 && at < bars) all[at]! += 1;
    }
    return all;
  }, [events, from, to]);
  const most = Math.max(1, ...counts);
  const busiest = counts.indexOf(most);
  return (
    <svg
      viewBox={`0 0 ${bars * 10} 60`}
      preserveAspectRatio="none"
      className="h-14 w-full"
      role="img"
      aria-label={`${countOf(events.length, "listed event")} over the range; the busiest of ${bars} parts is part ${busiest + 1}, with ${counts[busiest]}.`}
    >
      {counts.map((value, index) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no name but their place
          key={index}
          x={index * 10 + 1}
          width={8}
          y={60 - (value / most) * 58}
          height={(value / most) * 58}
          fill="var(--accent)"
        />
      ))}
    </svg>
  );
}

export default function Events() {
  const [state, set] = useUrl(own);
  const here = useHere();
  const client = useQueryClient();
  const may = useMay();
  const [paused, setPaused] = useState(false);
  const times = useTimes(state);
  const params = {
    from: times.from,
    to: times.to,
    event_type: state.type,
    status: state.status,
    key_id: state.key,
    acknowledged: state.acknowledged,
    q: state.q,
    filter: state.cel,
    limit: "50",
  };
  const chosen = useChosen([state.env, params]);
  const ends = times.to !== undefined;
  const look = useRef<() => unknown>(() => undefined);
  const refresh = useAtMost(1_000, () => look.current());
  const live = useLive(["events", "deliveries"], { env: state.env, onMessage: refresh, enabled: !ends });
  const polls = live === "polling" ? LIVE_MS : false;
  const list = useList<Event>({
    path: "/inbox",
    member: "events",
    params,
    options: { env: state.env, withoutPayloads: true },
    every: paused || ends ? false : polls,
  });
  const newest = list.rows[0]?.received_at;
  // Who looks further back than the newest page reads: nothing moves then.
  const still = paused || list.back;
  // While paused, new rows wait: they are counted and never shift what one reads.
  const waiting = useQuery({
    queryKey: ["waiting", params, newest, state.env],
    enabled: still && !ends,
    refetchInterval: polls,
    queryFn: ({ signal }) => {
      const from = newest === undefined ? times.from : new Date(Date.parse(newest) + 1).toISOString();
      return call<{ events: Event[] }>("GET", `/inbox${queryOf({ ...params, from, limit: "1000" })}`, {
        env: state.env,
        withoutPayloads: true,
        signal,
      });
    },
  });
  // A page that somebody asked for with "Show more" comes too.
  look.current = () => (still ? waiting : list).refetch({ cancelRefetch: false });
  const stop = (stopped: boolean) => {
    setPaused(stopped);
    if (!stopped) void list.toNewest();
  };
  // What happened while there was no socket, or nobody looked, is not told again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it asks once, when there is a socket again
  useEffect(() => {
    if (live === "live") refresh();
  }, [live]);
  const ids = list.rows.map(({ event_id }) => event_id);
  useRowKeys(ids, { choose: chosen.toggle, close: () => chosen.take([]) });
  const narrowed =
    state.acknowledged !== "all" ||
    [state.type, state.status, state.key, state.q, state.cel].some((value) => value !== undefined);
  const event_ids = [...chosen.ids];
  const done = async () => {
    chosen.take([]);
    await client.invalidateQueries({ queryKey: ["list", "/inbox"] });
  };
  const act = (method: string, path: string, body: unknown) => async () => {
    await call(method, path, { env: state.env, body });
    await done();
  };
  return (
    <Page
      title="Events"
      actions={ends ? null : <Pausing state={still ? "stopped" : live} stop={stop} whenStopped="new events wait" />}
    >
      <Range />
      <FilterBar>
        {may("payloads") ? (
          <>
            <Sought
              label="Search text"
              value={state.q}
              seek={(q) => set({ q }, false)}
              placeholder="Contained in the payload"
            />
            <Sought
              label="CEL filter"
              mono
              value={state.cel}
              seek={(cel) => set({ cel }, false)}
              placeholder="event.amount > 100.0"
            />
          </>
        ) : null}
        <Sought label="Type" value={state.type} seek={(type) => set({ type }, false)} placeholder="order.*" />
        <Choice
          label="Status"
          values={eventStatuses}
          value={state.status}
          choose={(status) => set({ status }, false)}
        />
        <Choice
          label="Acknowledged"
          any={null}
          values={[
            ["all", "All"],
            ["false", "Not yet"],
            ["true", "Acknowledged"],
          ]}
          value={state.acknowledged}
          choose={(acknowledged) => set({ acknowledged }, false)}
        />
        <div className="flex items-end gap-2 self-end">
          <ActionLink
            href={here({
              q: undefined,
              cel: undefined,
              type: undefined,
              status: undefined,
              key: undefined,
              acknowledged: undefined,
            })}
          >
            Clear
          </ActionLink>
        </div>
      </FilterBar>
      <Facets />
      <Listed
        // This page says by itself that it stands still.
        list={{ ...list, follows: false }}
        file="events"
        empty={
          narrowed ? (
            <NoneFits what="event" />
          ) : (
            <Empty title={`No ${state.env} events in this range.`}>
              Choose a longer range or another environment, or <Way to="/send">send an event</Way>.
            </Empty>
          )
        }
      >
        {() => (
          <>
            <Histogram
              events={list.rows}
              from={Date.parse(times.from)}
              to={times.to === undefined ? Date.now() : Date.parse(times.to)}
            />
            {still && !ends ? (
              <Note>
                Paused.{" "}
                {waiting.data === undefined
                  ? ""
                  : `${count(waiting.data.events.length)}${waiting.data.events.length === 1_000 ? " or more" : ""} new since; `}
                <button type="button" className="cursor-pointer underline" onClick={() => stop(false)}>
                  show them
                </button>
                .
              </Note>
            ) : null}
            {may("handle") ? (
              <ChosenBar chosen={chosen} listed={ids}>
                <Confirm
                  label="Acknowledge"
                  title={`Acknowledge ${countOf(chosen.ids.size, "event")}?`}
                  text="They leave the inbox of what is not acknowledged yet."
                  action={act("POST", "/inbox/ack", { event_ids })}
                />
                <ReplayEvents event_ids={event_ids} what={countOf(chosen.ids.size, "event")} />
                <Confirm
                  label="Delete"
                  look="danger"
                  title={`Delete ${countOf(chosen.ids.size, "event")}?`}
                  text="They are gone from every read, and their pending deliveries are cancelled. It can't be undone."
                  action={act("POST", "/inbox/delete", { event_ids })}
                />
              </ChosenBar>
            ) : null}
            <Table
              caption="Events, newest first"
              rows={list.rows}
              rowKey={({ event_id }) => event_id}
              selected={({ event_id }) => chosen.ids.has(event_id)}
              columns={[
                ...(may("handle") ? [chooseColumn<Event>(chosen, ({ event_id }) => event_id)] : []),
                { name: "Received", cell: ({ received_at }: Event) => <When at={received_at} zone={state.zone} /> },
                {
                  name: "Type",
                  named: true,
                  cell: ({ event_type }: Event) => <EventType type={event_type} />,
                },
                {
                  name: "Event",
                  cell: ({ event_id }: Event) => (
                    <Link href={keep(`/events/${event_id}`)} className="mono">
                      {event_id}
                    </Link>
                  ),
                },
                { name: "Status", cell: ({ status }: Event) => <Status status={status} /> },
                { name: "Deliveries", cell: ({ deliveries }: Event) => count(deliveries.length) },
              ]}
            />
          </>
        )}
      </Listed>
    </Page>
  );
}
