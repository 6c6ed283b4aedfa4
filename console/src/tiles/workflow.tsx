import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call, queryOf } from "../api.ts";
import type { Dashboard } from "../dashboard.ts";
import { count } from "../format.ts";
import { numberIn, reasonOf, type TileAnswer, useTile } from "../metrics.ts";
import { useMay } from "../session.tsx";
import { type Told, useShows } from "../told.tsx";
import type { Delivery, Event } from "../types.ts";
import { Empty, Status, When } from "../ui/basic.tsx";
import { Table } from "../ui/table.tsx";
import { Figure, Tile } from "../ui/tile.tsx";
import { Way } from "../ui/way.tsx";
import { keep } from "../url.ts";
import { deliveryFilter } from "./errors.tsx";

/** One workflow's own figures and events. The board it gets is filtered by its subscription. */

export const useWorkflow = (board: Dashboard): TileAnswer =>
  useTile(board, { measures: ["matched", "delivered", "dead_lettered"], interval: "none" });

const figures = {
  matched: [
    "Events matching",
    "How many events matched the selector?",
    "Events that were received in this range and matched this subscription.",
  ],
  delivered: [
    "Events delivered",
    "How many reached the webhook?",
    "Events whose post was answered 2xx in this range; replays count as well.",
  ],
} as const;

export function WorkflowFigureTile({ workflow, measure }: { workflow: TileAnswer; measure: keyof typeof figures }) {
  const { query, ignored } = workflow;
  const [title, asks, formula] = figures[measure];
  const value = numberIn(query.data?.totals, measure);
  useShows(
    query.data === undefined
      ? undefined
      : {
          title,
          sentence: count(value),
          told: { columns: [{ name: "Measure" }, { name: "Value" }], rows: [[title, value]] },
        },
  );
  return (
    <Tile title={title} asks={asks} of={query} reason={reasonOf(ignored)}>
      {() => <Figure value={count(value)} formula={formula} beside="in this range" />}
    </Tile>
  );
}

const ROWS = 10;
const EXCERPT = 120;

interface Recent {
  readonly event_id: string;
  readonly status: string;
  readonly at: string;
}

/** The first characters of a payload, on one line. */
const excerpt = (payload: unknown): string => {
  const text = JSON.stringify(payload) ?? "";
  return text.length <= EXCERPT ? text : `${text.slice(0, EXCERPT)}…`;
};

export function RecentEventsTile({ board, id }: { board: Dashboard; id: string }) {
  const may = useMay();
  const { env, zone, times } = board;
  const { query: filters, reason } = deliveryFilter(board);
  const path = `/deliveries${queryOf({
    ...filters,
    subscription_id: id,
    limit: ROWS,
    from: times.from,
    to: times.to,
  })}`;
  const deliveries = useQuery({
    queryKey: ["recent deliveries", path, env],
    queryFn: ({ signal }) => call<{ deliveries: Delivery[] }>("GET", path, { env, signal }),
    refetchInterval: board.every,
    placeholderData: keepPreviousData,
  });
  const recent = (deliveries.data?.deliveries ?? [])
    .flatMap(({ event_ids, status, created_at }): Recent[] =>
      event_ids.map((event_id) => ({ event_id, status, at: created_at })),
    )
    .slice(0, ROWS);
  const ids = recent.map(({ event_id }) => event_id);
  const events = useQuery({
    queryKey: ["recent events", ids, env],
    enabled: may("payloads") && ids.length > 0,
    queryFn: ({ signal }) =>
      call<{ events: Event[] }>("POST", "/events/lookup", { env, body: { event_ids: ids }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const byId = new Map((events.data?.events ?? []).map((event) => [event.event_id, event]));
  const coming = may("payloads") && events.isPending;
  const seen = (event: string): string =>
    !may("payloads") ? "your role does not include payloads" : coming ? "…" : excerpt(byId.get(event)?.payload);
  const title = "Recent events";
  const told: Told = {
    columns: [{ name: "Event" }, { name: "Received" }, { name: "Type" }, { name: "Status" }, { name: "Payload" }],
    rows: recent.map(({ event_id, status, at }) => [
      event_id,
      byId.get(event_id)?.received_at ?? at,
      byId.get(event_id)?.event_type ?? null,
      status,
      seen(event_id),
    ]),
  };
  useShows(
    deliveries.data === undefined
      ? undefined
      : { title, sentence: recent.length === 0 ? "None." : `The newest ${recent.length}.`, told },
  );
  return (
    <Tile
      title={title}
      asks="Which ten events came last, and what became of them?"
      of={deliveries}
      width="full"
      reason={reason}
    >
      {() =>
        recent.length === 0 ? (
          <Empty title="No event has matched in this range.">
            Choose a longer range, or{" "}
            <Way to="/match" query={{ subscription: id }}>
              try the selector against recorded events
            </Way>
            .
          </Empty>
        ) : (
          <Table
            caption={title}
            rows={recent}
            rowKey={({ event_id }) => event_id}
            columns={[
              {
                name: "Received",
                cell: ({ event_id, at }) => <When at={byId.get(event_id)?.received_at ?? at} zone={zone} />,
              },
              { name: "Status", cell: ({ status }) => <Status status={status} /> },
              {
                name: "Event",
                cell: ({ event_id }) => (
                  <Link href={keep(`/events/${event_id}`)} className="mono">
                    {event_id}
                  </Link>
                ),
              },
              {
                name: "Type",
                named: true,
                cell: ({ event_id }) => (coming ? "…" : (byId.get(event_id)?.event_type ?? "–")),
              },
              { name: "Payload", named: true, cell: ({ event_id }) => <code>{seen(event_id)}</code> },
            ]}
          />
        )
      }
    </Tile>
  );
}
