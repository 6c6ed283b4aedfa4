import type { ReactNode } from "react";
import { Link } from "wouter";
import { count } from "../format.ts";
import type { Delivery } from "../types.ts";
import { keep, useCommon } from "../url.ts";
import { DeliveryAttempts } from "./attempts.tsx";
import { Button, Failure, Loading, Status, When } from "./basic.tsx";
import { type ListSource, useList } from "./list.tsx";
import { Table } from "./table.tsx";

/** Deliveries, each with its attempts once it is opened; which one is open is in the URL. */
export function DeliveryTable({
  source,
  open,
  select,
  empty,
}: {
  source: ListSource;
  open: string | undefined;
  select: (id: string | undefined) => void;
  empty: ReactNode;
}) {
  const [{ zone }] = useCommon();
  const list = useList<Delivery>(source);
  if (list.isPending) return <Loading />;
  if (list.isError) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (list.rows.length === 0) return <>{empty}</>;
  const opened = list.rows.find(({ delivery_id }) => delivery_id === open);
  return (
    <div className="grid gap-3">
      {opened === undefined ? null : (
        <div className="grid gap-2">
          <DeliveryAttempts delivery={opened} />
          <div>
            <Button onPress={() => select(undefined)}>Close</Button>
          </div>
        </div>
      )}
      <Table
        caption="Deliveries, newest first"
        rows={list.rows}
        rowKey={({ delivery_id }) => delivery_id}
        selected={({ delivery_id }) => delivery_id === open}
        columns={[
          { name: "Created", cell: ({ created_at }) => <When at={created_at} zone={zone} /> },
          { name: "Status", cell: ({ status }) => <Status status={status} /> },
          {
            name: "Events",
            cell: ({ event_ids }) =>
              event_ids.length === 1 ? (
                <Link href={keep(`/events/${event_ids[0]}`)} className="mono">
                  {event_ids[0]}
                </Link>
              ) : (
                `${count(event_ids.length)} events`
              ),
          },
          {
            name: "To",
            cell: ({ subscription_id }) => (
              <Link href={keep(`/subscriptions/${subscription_id}`)} className="mono">
                {subscription_id}
              </Link>
            ),
          },
          {
            name: "Last answer",
            cell: ({ attempts }) => {
              const last = attempts.at(-1);
              return last === undefined ? "" : (last.error ?? `answered ${last.status_code}`);
            },
          },
          {
            name: "Next attempt",
            cell: ({ next_attempt_at }) => (next_attempt_at === null ? "" : <When at={next_attempt_at} zone={zone} />),
          },
          {
            name: "Attempts",
            cell: ({ delivery_id, attempts }) => (
              <Button
                className="min-h-8 py-0.5 whitespace-nowrap"
                aria-label={`${count(attempts.length)} · open the attempts of ${delivery_id}`}
                onPress={() => select(delivery_id)}
              >
                {count(attempts.length)} · open
              </Button>
            ),
          },
        ]}
      />
      {list.hasNextPage ? (
        <Button isDisabled={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
          {list.isFetchingNextPage ? "Loading…" : "Show more"}
        </Button>
      ) : null}
    </div>
  );
}
