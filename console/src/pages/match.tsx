import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import { plural } from "../../../runtime/domain/plural.ts";
import { DAY_MS, HOUR_MS } from "../../../runtime/domain/time.ts";
import { call, pretty } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { count, countOf } from "../format.ts";
import { draftOf, type SelectorDraft, selectorOf } from "../selectorForm.ts";
import { useMay } from "../session.tsx";
import type { Rehearsal, Subscription } from "../types.ts";
import { Code, Empty, Failure, Note, Page, When } from "../ui/basic.tsx";
import { EventType } from "../ui/eventType.tsx";
import { Choice } from "../ui/filters.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { SelectorFields } from "../ui/selectorFields.tsx";
import { Table } from "../ui/table.tsx";
import { type MadeSubscription, noTarget, ShownSecret, TargetFields, targetOf } from "../ui/target.tsx";
import { anyText, keep, useUrl } from "../url.ts";

const own = { type: anyText, jsonpath: anyText, cel: anyText, subscription: anyText };
const DEBOUNCE_MS = 400;
const WEEK_MS = 7 * DAY_MS;
const backfills = [
  ["1", "Of the last hour"],
  ["24", "Of the last 24 hours"],
  ["168", "Of the last 7 days"],
] as const;

/** A selector against recorded events, while it is being written: what matches, what nearly does, and which clause decides. */
export default function Match() {
  const [state, set] = useUrl(own);
  const [, navigate] = useLocation();
  const may = useMay();
  const [draft, setDraft] = useState<SelectorDraft>({
    type: state.type ?? "",
    jsonpath: state.jsonpath ?? "",
    cel: state.cel ?? "",
  });
  const [target, setTarget, dropTarget] = useFormDraft("match target", noTarget);
  const [secret, setSecret] = useState<string>();
  const [backfill, setBackfill] = useState<string>();
  const [past, setPast] = useState<Rehearsal>();
  const { env } = state;
  const subscription = useQuery({
    queryKey: ["subscription", state.subscription, env],
    enabled: state.subscription !== undefined,
    queryFn: () => call<Subscription>("GET", `/subscriptions/${state.subscription}`, { env }),
  });
  const loaded = subscription.data?.event_selector;
  useEffect(() => {
    if (loaded !== undefined) setDraft(draftOf(loaded));
  }, [loaded]);
  useEffect(() => {
    const timer = setTimeout(() => set({ type: draft.type, jsonpath: draft.jsonpath, cel: draft.cel }), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  });
  const wanted = selectorOf({ type: state.type ?? "", jsonpath: state.jsonpath ?? "", cel: state.cel ?? "" });
  const nothing = Object.keys(wanted).length === 0;
  const query = useQuery({
    queryKey: ["rehearse", wanted, env],
    enabled: !nothing,
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      call<Rehearsal>("POST", "/subscriptions/rehearse", {
        env,
        signal,
        body: { event_selector: wanted, from: new Date(Date.now() - WEEK_MS).toISOString(), limit: 5_000 },
      }),
  });
  const from = backfill === undefined ? undefined : new Date(Date.now() - Number(backfill) * HOUR_MS).toISOString();
  const countPast = async () => {
    setPast(undefined);
    if (from === undefined) return;
    setPast(
      await call<Rehearsal>("POST", "/subscriptions/rehearse", {
        env,
        body: { event_selector: wanted, from, limit: 10_000 },
      }),
    );
  };
  const save = async () => {
    if (state.subscription !== undefined) {
      await call("PATCH", `/subscriptions/${state.subscription}`, { env, body: { event_selector: wanted } });
      if (from !== undefined)
        await call("POST", "/replays", { env, body: { from, subscription_ids: [state.subscription] } });
      navigate(keep(`/subscriptions/${state.subscription}`));
      return;
    }
    const made = await call<MadeSubscription>("POST", "/subscriptions", {
      env,
      body: {
        ...targetOf(target),
        event_selector: wanted,
        ...defined({ backfill_from: from }),
      },
    });
    setSecret(made.signing_secret);
    dropTarget();
  };
  const { data } = query;
  const others = data === undefined ? 0 : data.examined - data.matched;
  return (
    <Page title="Match studio">
      <p className="text-sm text-muted">
        {state.subscription === undefined ? "A selector" : "This subscription's selector"} against the {env} events of
        the last seven days, while you type. Nothing is sent.
      </p>
      <div className="grid gap-6 lg:grid-cols-2">
        <section aria-label="Selector" className="grid content-start gap-4">
          <SelectorFields draft={draft} change={setDraft} error={nothing ? undefined : query.error} />
          {may("configure") ? (
            <div className="card grid gap-3">
              {state.subscription === undefined ? <TargetFields draft={target} change={setTarget} /> : null}
              {secret === undefined ? null : <ShownSecret secret={secret} />}
              <Choice
                label="Backfill"
                any="None: from now on"
                values={backfills}
                value={backfill}
                choose={setBackfill}
                hint="Also delivers what matched before, as a replay."
              />
              <div>
                <Confirm
                  label="Save"
                  look="primary"
                  disabled={nothing || query.isError}
                  title={state.subscription === undefined ? "Make a subscription of it?" : "Change the subscription?"}
                  text={
                    <>
                      It counts for events from 5 seconds on.{" "}
                      {backfill === undefined
                        ? "What matched before is not delivered."
                        : past === undefined
                          ? "What would be delivered of before is being counted."
                          : `The backfill delivers ${count(past.matched)}${past.next_cursor === null ? "" : " or more"} ${plural(past.matched, "event")} of before.`}
                    </>
                  }
                  opened={countPast}
                  action={save}
                />
              </div>
            </div>
          ) : null}
        </section>
        <section aria-label="What it matches" className="grid min-w-0 content-start gap-4" aria-live="polite">
          {nothing ? (
            <Empty title="Write a selector.">An event type is enough to begin with: order.*</Empty>
          ) : query.isError ? (
            <Failure error={query.error} />
          ) : data === undefined ? (
            <p className="text-sm text-muted">Looking…</p>
          ) : (
            <>
              {query.isPlaceholderData || query.isFetching ? (
                <p className="text-sm text-muted">Looking: these are of what was written before.</p>
              ) : null}
              <div className="grid grid-cols-3 gap-3 max-sm:gap-2">
                {[
                  ["Examined", data.examined],
                  ["Matched", data.matched],
                  ["Not matched", others],
                ].map(([name, value]) => (
                  <div key={name} className="card max-sm:p-2">
                    <p className="text-sm text-muted max-sm:text-xs">{name}</p>
                    <p className="text-xl font-semibold">{count(value as number)}</p>
                  </div>
                ))}
              </div>
              {data.next_cursor === null ? null : (
                <Note>
                  These are the newest {countOf(data.examined, "event")}; there are older ones in these seven days.
                </Note>
              )}
              <h2 className="text-lg font-semibold">Near misses</h2>
              {data.near_misses.length === 0 ? (
                <p className="text-sm text-muted">
                  None: what does not match is of other types, or nothing was looked at.
                </p>
              ) : (
                <Table
                  caption="Events that nearly match, with the clause that decided"
                  rows={data.near_misses}
                  rowKey={({ event_id }) => event_id}
                  columns={[
                    {
                      name: "Because",
                      named: true,
                      cell: ({ because, clause }) => (
                        <>
                          {because}
                          <code className="block text-muted">{clause}</code>
                        </>
                      ),
                    },
                    {
                      name: "Event",
                      cell: ({ event_id }) => (
                        <Link href={keep(`/events/${event_id}`)} className="mono">
                          {event_id}
                        </Link>
                      ),
                    },
                  ]}
                />
              )}
              <h2 className="text-lg font-semibold">Matched</h2>
              {data.samples.length === 0 ? (
                <p className="text-sm text-muted">No event of these seven days matches.</p>
              ) : null}
              {data.samples.map(({ event, request }) => (
                <details key={event.event_id} className="card">
                  <summary className="cursor-pointer text-sm">
                    <When at={event.received_at} zone={state.zone} /> · <EventType type={event.event_type} /> ·{" "}
                    <span className="mono">{event.event_id}</span>
                  </summary>
                  <div className="mt-2 grid gap-2">
                    <Code label="What would be sent" text={pretty(request.body)} />
                    <Link href={keep(`/events/${event.event_id}`)}>Open the event</Link>
                  </div>
                </details>
              ))}
            </>
          )}
        </section>
      </div>
    </Page>
  );
}
