import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useParams } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import { call, callText, memberText } from "../api.ts";
import { useOnEitherSide } from "../eitherSide.ts";
import { answerIn } from "../errorWords.ts";
import { count, ms } from "../format.ts";
import { isSettled, paceOf } from "../pace.ts";
import { useMay } from "../session.tsx";
import type { Verdicts as AllVerdicts, Event, Journey, Viewer } from "../types.ts";
import { DeliveryAttempts } from "../ui/attempts.tsx";
import { Code, Empty, Facts, Failure, Loading, Note, Page, Status, When } from "../ui/basic.tsx";
import { EventType } from "../ui/eventType.tsx";
import { List } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { ReplayEvents } from "../ui/replayEvents.tsx";
import { useReveal } from "../ui/reveal.tsx";
import { Some } from "../ui/some.tsx";
import { SubscriptionLink } from "../ui/subscriptionLink.tsx";
import { Table } from "../ui/table.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { keep, oneOf, useUrl } from "../url.ts";

const tabs = ["story", "payload", "verdicts", "deliveries", "viewers"] as const;
const own = { tab: oneOf(tabs, "story") };

const stageNames: Readonly<Record<string, string>> = {
  accepted: "Accepted",
  routed: "Matched with subscriptions",
  stored: "Stored",
  attempt: "Delivery attempt",
  acknowledged: "Acknowledged",
};

/** @param pace milliseconds until the event is looked up again */
function Story({ id, settled, pace }: { id: string; settled: boolean; pace: () => number | false }) {
  const [{ env, zone }] = useUrl(own);
  const query = useQuery({
    queryKey: ["journey", id, env],
    queryFn: () => call<Journey>("GET", `/events/${id}/journey`, { env, withoutPayloads: true }),
    refetchInterval: pace,
  });
  const { refetch } = query;
  // What was looked up before the event came to its end does not tell that end.
  useEffect(() => {
    if (settled) void refetch();
  }, [settled, refetch]);
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <Failure error={query.error} />;
  return (
    <>
      <Some of={query.data.stages}>
        {(stages) => (
          <ol className="grid gap-0 border-l-2 border-line pl-4">
            {stages.map((stage, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: stages have no name of their own
              <li key={index} className="relative pb-4">
                <span aria-hidden="true" className="absolute top-1.5 -left-[1.4rem] size-2.5 rounded-full bg-accent" />
                <p className="font-medium">
                  {stageNames[stage.stage] ?? stage.stage}
                  {stage.subscription_id === undefined ? null : (
                    <>
                      {" to "}
                      <SubscriptionLink id={stage.subscription_id} />
                    </>
                  )}
                  {stage.status_code === undefined
                    ? ""
                    : ` · ${answerIn({ status_code: stage.status_code, error: stage.error ?? null })}`}
                </p>
                <p className="text-sm text-muted">
                  <When at={stage.at} zone={zone} /> ·{" "}
                  {index === 0 ? "begins here" : `${ms(stage.duration_ms)} after what came before`}
                </p>
              </li>
            ))}
          </ol>
        )}
      </Some>
      <Others others={query.data.more_stages} what="later stages are not shown." />
    </>
  );
}

/** Where an answer had no room for all. @param others how many it left out */
const Others = ({ others = 0, what }: { others?: number | undefined; what: string }) =>
  others === 0 ? null : (
    <p className="mt-3 text-muted">
      {count(others)} {what}
    </p>
  );

function Payload({ id }: { id: string }) {
  const [{ env }] = useUrl(own);
  const may = useMay();
  const { revealed, button } = useReveal({
    object: id,
    label: "Reveal",
    title: "Show the payload without its mask",
  });
  const query = useQuery({
    queryKey: ["payload", id, env],
    queryFn: () => callText("GET", `/api/events/${id}`, { env }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <Failure error={query.error} />;
  return (
    <div className="grid gap-3">
      {revealed === undefined ? null : (
        <Note tone="warn">Shown without its mask for one minute. The audit log says that you looked, and why.</Note>
      )}
      <Code label="Payload" text={memberText(revealed ?? query.data, "payload") ?? "{}"} />
      <div>{button}</div>
      {may("payloads") ? null : (
        <p className="text-sm text-muted">Your role sees the shape of a payload, and no values.</p>
      )}
    </div>
  );
}

function Verdicts({ id }: { id: string }) {
  const [{ env }] = useUrl(own);
  const query = useQuery({
    queryKey: ["verdicts", id, env],
    queryFn: () => call<AllVerdicts>("GET", `/events/${id}/verdicts`, { env }),
  });
  if (query.isPending) return <Loading />;
  if (query.isLoadingError) return <Failure error={query.error} />;
  const { verdicts, more_verdicts } = query.data;
  if (verdicts.length === 0)
    return (
      <Empty title="There was no subscription when this event was routed.">
        <Link href={keep("/subscriptions")}>Make one</Link>, then replay the event.
      </Empty>
    );
  return (
    <>
      <Some of={[...verdicts].sort((a, b) => Number(b.matched) - Number(a.matched))}>
        {(rows) => (
          <Table
            caption="What each subscription made of this event"
            rows={rows}
            rowKey={({ subscription_id }) => subscription_id}
            columns={[
              {
                name: "Verdict",
                cell: ({ matched }) => (matched ? <Status status="matched" /> : <Status status="not matched" />),
              },
              {
                name: "Because",
                named: true,
                cell: ({ because, matched }) => because ?? (matched ? "every clause holds" : ""),
              },
              {
                name: "Subscription",
                named: true,
                cell: ({ subscription_id }) => <SubscriptionLink id={subscription_id} />,
              },
              { name: "Version then", cell: ({ version }) => version },
            ]}
          />
        )}
      </Some>
      <Others others={more_verdicts} what="further verdicts are not shown." />
    </>
  );
}

function Viewers({ id }: { id: string }) {
  const [{ env, zone }] = useUrl(own);
  return (
    <List<Viewer>
      caption="Who looked at the payload"
      source={{ path: `/events/${id}/viewers`, member: "viewers", options: { env } }}
      rowKey={({ at, person_id, how }) => `${at} ${person_id} ${how}`}
      empty={<Empty title="Nobody has looked at this payload in the console." />}
      columns={[
        { name: "When", cell: ({ at }) => <When at={at} zone={zone} /> },
        { name: "Who", named: true, cell: ({ name, role }) => `${name} (${role})` },
        { name: "Person", cell: ({ person_id }) => <span className="mono">{person_id}</span> },
        { name: "How", cell: ({ how }) => (how === "reveal" ? "without its mask" : "masked") },
        { name: "Reason", named: true, cell: ({ reason }) => reason ?? "" },
      ]}
    />
  );
}

export default function EventPage() {
  const { id = "" } = useParams();
  const [state, set] = useUrl(own);
  const may = useMay();
  const client = useQueryClient();
  const { env } = state;
  const [retriedAt, setRetriedAt] = useState(0);
  const query = useOnEitherSide<Event>(`/events/${id}`, env, (side) => set({ env: side }), {
    every: (found) => paceOf(found, retriedAt, Date.now()),
    withoutPayloads: true,
  });
  if (query.isPending)
    return (
      <Page title="Event">
        <Loading />
      </Page>
    );
  if (query.isLoadingError)
    return (
      <Page title="Event">
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    );
  const event = query.data;
  const act = (method: string, path: string, body?: unknown) => async () => {
    await call(method, path, { env, ...defined({ body }) });
    await client.invalidateQueries();
  };
  return (
    <Page
      title="Event"
      actions={
        may("handle") ? (
          <>
            {event.acknowledged_at === null ? (
              <Confirm
                label="Acknowledge"
                title="Acknowledge this event?"
                text="It leaves the inbox of what is not acknowledged yet."
                action={act("POST", "/inbox/ack", { event_ids: [id] })}
              />
            ) : null}
            <ReplayEvents event_ids={[id]} what="this event" />
          </>
        ) : null
      }
    >
      <Facts
        of={[
          [
            "Event",
            <span key="id" className="mono">
              {event.event_id}
            </span>,
          ],
          ["Type", <EventType key="type" type={event.event_type} />],
          ["Received", <When key="at" at={event.received_at} zone={state.zone} />],
          ["Status", <Status key="status" status={event.status} />],
          ["Environment", <Status key="env" status={env} />],
          [
            "Acknowledged",
            event.acknowledged_at === null ? (
              "not yet"
            ) : (
              <When key="ack" at={event.acknowledged_at} zone={state.zone} />
            ),
          ],
        ]}
      />
      <Tabs
        label="About this event"
        selected={state.tab}
        tabs={[
          {
            id: "story",
            name: "Story",
            body: () => <Story id={id} settled={isSettled(event)} pace={() => paceOf(event, retriedAt, Date.now())} />,
          },
          { id: "payload", name: "Payload", body: () => <Payload id={id} /> },
          { id: "verdicts", name: "Verdicts", body: () => <Verdicts id={id} /> },
          {
            id: "deliveries",
            name: "Deliveries",
            body: () =>
              event.deliveries.length === 0 ? (
                <Empty title="No subscription matched this event.">The tab Verdicts says why, for each of them.</Empty>
              ) : (
                <div className="grid gap-3">
                  <Some of={event.deliveries}>
                    {(deliveries) =>
                      deliveries.map((delivery) => (
                        <DeliveryAttempts
                          key={delivery.delivery_id}
                          delivery={delivery}
                          retried={() => setRetriedAt(Date.now())}
                        />
                      ))
                    }
                  </Some>
                  <Others
                    others={event.more_deliveries}
                    what="further deliveries are not shown; the list of deliveries has all."
                  />
                </div>
              ),
          },
          ...(may("viewers") ? [{ id: "viewers", name: "Viewers", body: () => <Viewers id={id} /> }] : []),
        ]}
      />
    </Page>
  );
}
