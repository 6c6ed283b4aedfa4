import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import { DAY_SECONDS } from "../../../runtime/domain/time.ts";
import { call, pretty } from "../api.ts";
import { useFormDraft } from "../drafts.ts";
import { useOnEitherSide } from "../eitherSide.ts";
import { ms, selectorText } from "../format.ts";
import { draftOf, selectorOf } from "../selectorForm.ts";
import { useMay } from "../session.tsx";
import { typedNumber } from "../typedNumber.ts";
import type { AuditEntry, Event, Subscription, TestAnswer } from "../types.ts";
import { Button, Code, Empty, Facts, Failure, Loading, Note, Page, Status, When } from "../ui/basic.tsx";
import { DeliveryTable } from "../ui/deliveryTable.tsx";
import { EventType } from "../ui/eventType.tsx";
import { List, Listed, useList } from "../ui/list.tsx";
import { Ask, Confirm } from "../ui/overlay.tsx";
import { useReplay } from "../ui/replayEvents.tsx";
import { useReveal } from "../ui/reveal.tsx";
import { SelectorFields } from "../ui/selectorFields.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { ShownSecret } from "../ui/target.tsx";
import { anyText, keep, oneOf, useUrl, zoneOf } from "../url.ts";
import { useWork } from "../work.ts";
import { WorkflowOverview } from "./workflowOverview.tsx";

const own = { tab: oneOf(["overview", "selector", "deliveries", "backlog", "changes"], "overview"), open: anyText };

/** Whether the endpoint checks signatures, as a test of that has shown. */
function SignatureNote({ signature }: { signature: NonNullable<TestAnswer["signature"]> }) {
  const answered = signature.status_code === null ? "no answer" : `an answer ${signature.status_code}`;
  return signature.verified ? (
    <Note tone="good" title="It refused a wrong signature.">
      A second sample, signed with another secret, got {answered}: the endpoint verifies signatures.
    </Note>
  ) : (
    <Note tone="warn" title="It did not refuse a wrong signature.">
      A second sample, signed with another secret, got {answered}. Everybody who knows the URL can post to it: verify
      the signature and answer 401 to a wrong one.
    </Note>
  );
}

function Overview({ subscription }: { subscription: Subscription }) {
  const [{ env, zone }] = useUrl(own);
  const may = useMay();
  const [tested, setTested] = useState<TestAnswer>();
  const work = useWork();
  const { subscription_id: id } = subscription;
  const { revealed, button } = useReveal({
    object: id,
    label: "Reveal the URL",
    title: "Show the whole webhook URL for a minute",
  });
  const url = revealed === undefined ? undefined : (JSON.parse(revealed) as Subscription).webhook_url;
  const client = useQueryClient();
  const test = (check_signature: boolean) => async () => {
    setTested(await call<TestAnswer>("POST", `/subscriptions/${id}/test`, { env, body: { check_signature } }));
    // The page's own subscription, and the first steps.
    if (check_signature) await client.invalidateQueries();
  };
  return (
    <WorkflowOverview
      subscription={subscription}
      about={
        <>
          <Facts
            of={[
              [
                "Subscription",
                <span key="id" className="mono">
                  {id}
                </span>,
              ],
              ["Workflow", subscription.workflow_id ?? "none"],
              ["Selects", <code key="sel">{selectorText(subscription.event_selector)}</code>],
              [
                "Webhook",
                <span key="url" className="mono">
                  {url ?? subscription.webhook_url}
                </span>,
              ],
              [
                "Receives",
                `${subscription.format === "event" ? "events" : "bare payloads"}, up to ${subscription.max_batch} at once`,
              ],
              ["Headers", Object.keys(subscription.headers).join(", ") || "none of its own"],
              [
                "Signatures",
                subscription.signature_verified_at === undefined ? (
                  "no test has shown that they are verified; Check signatures makes one"
                ) : (
                  <>
                    verified, as a test showed <When at={subscription.signature_verified_at} zone={zone} />
                  </>
                ),
              ],
              ["Created", <When key="c" at={subscription.created_at} zone={zone} />],
              ["Changed", <When key="u" at={subscription.updated_at} zone={zone} />],
            ]}
          />
          <div className="flex flex-wrap gap-2">
            {button}
            {may("configure") ? (
              <>
                <Button isPending={work.busy} onPress={() => void work.run(test(false))}>
                  {work.busy ? "Testing…" : "Test"}
                </Button>
                <Button isPending={work.busy} onPress={() => void work.run(test(true))}>
                  Check signatures
                </Button>
              </>
            ) : null}
          </div>
          {work.error === undefined ? null : <Failure error={work.error} />}
          {tested === undefined ? null : (
            <section aria-label="What came back" className="grid gap-2">
              <Note
                tone={tested.delivered ? "good" : "bad"}
                title={tested.delivered ? "The endpoint took the sample." : "The endpoint did not take the sample."}
              >
                {tested.status_code === null ? "No answer" : `Answered ${tested.status_code}`} after{" "}
                {ms(tested.latency_ms)}
                {tested.error === null ? "" : ` · ${tested.error}`}
              </Note>
              {tested.signature === undefined ? null : <SignatureNote signature={tested.signature} />}
              <Code label="What was sent" text={pretty(tested.request.body)} />
              {tested.response_excerpt === undefined ? null : (
                <Code label="What came back" text={tested.response_excerpt} />
              )}
            </section>
          )}
        </>
      }
    />
  );
}

/** @param done whether it was saved just now: what was written begins anew with each version, and this outlives that */
function SelectorTab({
  subscription,
  done,
  saved,
}: {
  subscription: Subscription;
  done: boolean;
  saved: (is: boolean) => void;
}) {
  const [{ env }] = useUrl(own);
  const may = useMay();
  const [draft, change, drop] = useFormDraft(
    `selector ${subscription.subscription_id} ${subscription.version}`,
    draftOf(subscription.event_selector),
  );
  const work = useWork();
  const save = () =>
    work.run(async () => {
      saved(false);
      const body = { event_selector: selectorOf(draft) };
      await call("PATCH", `/subscriptions/${subscription.subscription_id}`, { env, body });
      drop();
      saved(true);
    });
  return (
    <div className="grid max-w-2xl gap-4">
      <Code label="Selector" text={JSON.stringify(subscription.event_selector, null, 2)} />
      {may("configure") ? (
        <>
          <SelectorFields draft={draft} change={change} error={work.error} />
          {work.error === undefined ? null : <Failure error={work.error} />}
          {done ? <Note tone="good">Saved: it counts for events accepted 5 seconds from now.</Note> : null}
          <div className="flex flex-wrap items-center gap-3">
            <Button look="primary" isPending={work.busy} onPress={() => void save()}>
              Save
            </Button>
            {may("payloads") ? (
              <Link href={keep("/match", { subscription: subscription.subscription_id })}>
                Try it against recorded events
              </Link>
            ) : null}
          </div>
        </>
      ) : null}
      {subscription.transform === null ? null : (
        <Code label="Transform" text={JSON.stringify(subscription.transform, null, 2)} />
      )}
      {subscription.enrich === null ? null : (
        <Code label="Enrichment" text={JSON.stringify(subscription.enrich, null, 2)} />
      )}
    </div>
  );
}

/** What the audit log tells of one object. */
function AuditEntries({ object }: { object: string }) {
  const [{ zone }] = useUrl(own);
  const list = useList<AuditEntry>({ path: "/audit", member: "audit", params: { object, limit: "50" } });
  return (
    <Listed list={list} empty={<Empty title="The audit log tells nothing of it." />}>
      {(entries) => (
        <ol className="grid gap-2 text-sm">
          {entries.map(({ seq, at, actor, action, outcome, details }) => (
            <li key={seq} className="card">
              <p className="font-medium">
                {action} by {actor.name ?? actor.key_id ?? actor.type} · <When at={at} zone={zone} /> · {outcome}
              </p>
              <Code label={`Details of entry ${seq}`} text={JSON.stringify(details, null, 2)} />
            </li>
          ))}
        </ol>
      )}
    </Listed>
  );
}

function Changes({ subscription }: { subscription: Subscription }) {
  const [{ zone }] = useUrl(own);
  const may = useMay();
  const { subscription_id: id, version, created_at, updated_at } = subscription;
  return (
    <div className="grid gap-3">
      <p className="text-sm">
        This is version {version}. It was made <When at={created_at} zone={zone} />
        {version === 1 ? "" : ", and changed last "}
        {version === 1 ? "" : <When at={updated_at} zone={zone} />}.
      </p>
      {may("audit") ? (
        <AuditEntries object={id} />
      ) : (
        <p className="text-sm text-muted">Who changed what stands in the audit log, which owners and auditors read.</p>
      )}
    </div>
  );
}

export default function SubscriptionPage() {
  const { id = "" } = useParams();
  const [state, set] = useUrl(own);
  const [, navigate] = useLocation();
  const replay = useReplay();
  const may = useMay();
  const client = useQueryClient();
  const [secret, setSecret] = useState<string>();
  const [saved, setSaved] = useState(false);
  const { env } = state;
  const query = useOnEitherSide<Subscription>(`/subscriptions/${id}`, env, (side) => set({ env: side }));
  if (query.isPending)
    return (
      <Page title="Subscription">
        <Loading />
      </Page>
    );
  if (query.isLoadingError)
    return (
      <Page title="Subscription">
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    );
  const subscription = query.data;
  const change = (method: string, path: string, body?: unknown) => async () => {
    await call(method, `/subscriptions/${id}${path}`, { env, ...defined({ body }) });
    await client.invalidateQueries();
  };
  const rotate = async (overlap: string) => {
    const { signing_secret } = await call<{ signing_secret: string }>("POST", `/subscriptions/${id}/rotate-secret`, {
      env,
      body: { overlap_seconds: overlap === "" ? DAY_SECONDS : typedNumber(overlap) },
    });
    setSecret(signing_secret);
  };
  const backfill = async (from: string) => {
    const { timeOfClock } = await import("../../../runtime/domain/metrics/zones.ts");
    if (from === "") throw new Error("Say since when.");
    await replay({ from: new Date(timeOfClock(zoneOf(state), from)).toISOString(), subscription_ids: [id] });
  };
  const ack = async (event_id: string) => {
    await call("POST", `/subscriptions/${id}/backlog/ack`, { env, body: { event_ids: [event_id] } });
    await client.invalidateQueries({ queryKey: ["list", `/subscriptions/${id}/backlog`] });
  };
  return (
    <Page
      title="Subscription"
      actions={
        may("configure") ? (
          <>
            {subscription.status === "active" ? (
              <Confirm
                label="Disable"
                title="Disable this subscription?"
                text="Nothing more is sent. What matches it waits in its backlog until it is enabled."
                action={change("PATCH", "", { status: "disabled" })}
              />
            ) : (
              <Confirm
                label="Enable"
                title="Enable this subscription?"
                text="What waits in its backlog is delivered."
                action={change("POST", "/enable")}
              />
            )}
            <Ask
              label="Rotate secret"
              title="Give it a new signing secret"
              field="Overlap in seconds"
              hint="For this time the old one signs too; empty is a day, 0 ends it at once."
              draft={`rotate ${id}`}
              action={rotate}
            />
            <Ask
              label="Backfill"
              title="Deliver what matched since a time"
              field="Since"
              type="datetime-local"
              hint={`By the clocks of ${zoneOf(state)}. What matched from then on is delivered as a replay, which can be cancelled.`}
              draft={`backfill ${id}`}
              action={backfill}
            />
            <Confirm
              label="Delete"
              look="danger"
              title="Delete this subscription?"
              text="Nothing more is sent, and what waits for it is cancelled."
              action={async () => {
                await change("DELETE", "")();
                navigate(keep("/subscriptions"));
              }}
            />
          </>
        ) : null
      }
    >
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-lg font-medium">{subscription.workflow_id ?? subscription.subscription_id}</span>
        <Status status={subscription.status} />
        <Status status={env} />
      </div>
      {subscription.status === "disabled" ? (
        <Note tone="warn">
          Disabled:{" "}
          {subscription.disabled_reason === "requested"
            ? "somebody asked for it"
            : (subscription.disabled_reason ?? "").replaceAll("_", " ")}
          . What matches it waits in its backlog.
        </Note>
      ) : null}
      {secret === undefined ? null : <ShownSecret secret={secret} />}
      <Tabs
        label="About this subscription"
        selected={state.tab}
        drops={["open"]}
        tabs={[
          { id: "overview", name: "Overview", body: () => <Overview subscription={subscription} /> },
          {
            id: "selector",
            name: "Selector",
            body: () => (
              <SelectorTab
                key={subscription.version}
                subscription={subscription}
                done={saved}
                saved={(is) => {
                  setSaved(is);
                  if (is) void query.refetch();
                }}
              />
            ),
          },
          {
            id: "deliveries",
            name: "Deliveries",
            body: () => (
              <DeliveryTable
                source={{ path: "/deliveries", member: "deliveries", params: { subscription_id: id } }}
                open={state.open}
                empty={<Empty title="Nothing has been delivered to it yet.">Send an event that it selects.</Empty>}
              />
            ),
          },
          {
            id: "backlog",
            name: "Backlog",
            body: () => (
              <List<Event>
                caption="What this subscription has not received, oldest first"
                source={{
                  path: `/subscriptions/${id}/backlog`,
                  member: "events",
                  options: { env, withoutPayloads: true },
                  params: { limit: "50" },
                }}
                rowKey={({ event_id }) => event_id}
                empty={
                  <Empty title="Nothing waits.">
                    What can't be delivered stays here, to be read or delivered later.
                  </Empty>
                }
                columns={[
                  { name: "Received", cell: ({ received_at }) => <When at={received_at} zone={state.zone} /> },
                  { name: "Type", named: true, cell: ({ event_type }) => <EventType type={event_type} /> },
                  {
                    name: "Event",
                    cell: ({ event_id }) => (
                      <Link href={keep(`/events/${event_id}`)} className="mono">
                        {event_id}
                      </Link>
                    ),
                  },
                  {
                    name: "Take off",
                    cell: ({ event_id }) =>
                      may("handle") ? (
                        <Confirm
                          label="Take off"
                          title="Take this event off the backlog?"
                          text="It counts as delivered, and is no longer sent."
                          action={() => ack(event_id)}
                        />
                      ) : null,
                  },
                ]}
              />
            ),
          },
          { id: "changes", name: "Changes", body: () => <Changes subscription={subscription} /> },
        ]}
      />
    </Page>
  );
}
