import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { attemptsOf } from "../../../runtime/domain/attempts.ts";
import { call } from "../api.ts";
import { isRetried } from "../attempts.ts";
import { answerIn } from "../errorWords.ts";
import { count, countOf } from "../format.ts";
import { useMay } from "../session.tsx";
import { useRowKeys } from "../shell/shortcuts.ts";
import type { Delivery } from "../types.ts";
import { keep, useCommon, useHere } from "../url.ts";
import { DeliveryAttempts } from "./attempts.tsx";
import { ActionLink, Failure, NextAttempt, Status, When } from "./basic.tsx";
import { ChosenBar, chooseColumn, useChosen } from "./chosen.tsx";
import { Listed, type ListSource, useList } from "./list.tsx";
import { Confirm } from "./overlay.tsx";
import { SubscriptionLink } from "./subscriptionLink.tsx";
import { Table } from "./table.tsx";

/** Retries that are asked for together. */
const AT_ONCE = 10;

const PAGE = "50";
const EVERY_MS = 5_000;

/** Deliveries, each with its attempts once it is opened; which one is open is in the URL. */
export function DeliveryTable({
  source: { path, member, params },
  open,
  empty,
}: {
  source: Required<Pick<ListSource, "path" | "member" | "params">>;
  open: string | undefined;
  empty: ReactNode;
}) {
  const [{ env, zone }] = useCommon();
  const [, navigate] = useLocation();
  const here = useHere();
  const may = useMay();
  const client = useQueryClient();
  const list = useList<Delivery>({
    path,
    member,
    params: { ...params, limit: PAGE },
    options: { env },
    every: EVERY_MS,
  });
  // A link may lead to one that is not on the first page of the list.
  const listed = list.rows.find(({ delivery_id }) => delivery_id === open);
  const one = useQuery({
    queryKey: ["delivery", open, env],
    enabled: open !== undefined && list.isSuccess && listed === undefined,
    queryFn: () => call<Delivery>("GET", `/deliveries/${open}`, { env }),
  });
  const opened = listed ?? (open === undefined ? undefined : one.data);
  const ids = list.rows.map(({ delivery_id }) => delivery_id);
  const chosen = useChosen([env, path, params]);
  const retried = list.rows.filter(isRetried).map(({ delivery_id }) => delivery_id);
  const retry = async () => {
    const left = [...chosen.ids];
    while (left.length > 0) {
      const some = left.slice(0, AT_ONCE);
      await Promise.all(some.map((id) => call("POST", `/deliveries/${id}/retry`, { env })));
      left.splice(0, AT_ONCE);
      // What has been begun is not begun once more when a later one is refused.
      chosen.take(left);
    }
    await client.invalidateQueries();
  };
  useRowKeys(ids, {
    choose: (id) => {
      if (retried.includes(id)) chosen.toggle(id);
    },
    close: () => {
      if (open !== undefined) navigate(here({ open: undefined }));
    },
  });
  return (
    <div className="grid gap-3">
      {opened === undefined ? null : (
        <div className="grid gap-2">
          <DeliveryAttempts delivery={opened} />
          <div>
            <ActionLink href={here({ open: undefined })}>Close</ActionLink>
          </div>
        </div>
      )}
      {one.isError ? <Failure error={one.error} /> : null}
      <Listed list={list} empty={empty} file={member.replaceAll("_", "-")}>
        {(rows) => (
          <>
            {may("handle") ? (
              <ChosenBar chosen={chosen} listed={retried}>
                <Confirm
                  label="Retry"
                  title={`Try ${countOf(chosen.ids.size, "delivery", "deliveries")} now?`}
                  text="Each is posted to its webhook again, at once."
                  action={retry}
                />
              </ChosenBar>
            ) : null}
            <Table
              caption="Deliveries, newest first"
              rows={rows}
              rowKey={({ delivery_id }) => delivery_id}
              selected={({ delivery_id }) => delivery_id === open}
              columns={[
                ...(may("handle")
                  ? [chooseColumn<Delivery>(chosen, (row) => (isRetried(row) ? row.delivery_id : undefined))]
                  : []),
                { name: "Created", cell: ({ created_at }) => <When at={created_at} zone={zone} /> },
                { name: "Status", cell: ({ status }) => <Status status={status} /> },
                {
                  name: "Events",
                  named: true,
                  cell: ({ event_ids }) =>
                    event_ids.length === 1 ? (
                      <Link href={keep(`/events/${event_ids[0]}`)} className="mono">
                        {event_ids[0]}
                      </Link>
                    ) : (
                      countOf(event_ids.length, "event")
                    ),
                },
                {
                  name: "To",
                  named: true,
                  cell: ({ subscription_id }) => <SubscriptionLink id={subscription_id} />,
                },
                {
                  name: "Last answer",
                  cell: ({ attempts }) => {
                    const last = attempts.at(-1);
                    return last === undefined ? "" : answerIn(last);
                  },
                },
                {
                  name: "Next attempt",
                  cell: ({ next_attempt_at, status }) => (
                    <NextAttempt at={next_attempt_at} status={status} zone={zone} />
                  ),
                },
                {
                  name: "Attempts",
                  cell: (delivery) => (
                    <Link
                      data-opens
                      href={here({ open: delivery.delivery_id })}
                      className="whitespace-nowrap"
                      aria-label={`${count(attemptsOf(delivery))} · open the attempts of ${delivery.delivery_id}`}
                    >
                      {count(attemptsOf(delivery))} · open
                    </Link>
                  ),
                },
              ]}
            />
          </>
        )}
      </Listed>
    </div>
  );
}
