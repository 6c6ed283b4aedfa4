import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import { call, type Environment } from "../api.ts";
import { useDebounced } from "../debounced.ts";
import { useFormDraft } from "../drafts.ts";
import { faultOf } from "../eventForm.ts";
import { count, countOf } from "../format.ts";
import { useKeyNames } from "../keyNames.ts";
import { numberIn, useMetrics } from "../metrics.ts";
import { useMay } from "../session.tsx";
import { shapeOf } from "../shape.ts";
import type { Event, EventType, SchemaTrial } from "../types.ts";
import { ActionLink, Code, Empty, Failure, Field, Loading, Note, Page, TextField, When } from "../ui/basic.tsx";
import { Create } from "../ui/create.tsx";
import { List } from "../ui/list.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Range } from "../ui/range.tsx";
import { SubscriptionLink } from "../ui/subscriptionLink.tsx";
import { Table } from "../ui/table.tsx";
import { Way } from "../ui/way.tsx";
import { anyText, keep, useHere, useTimes, useUrl } from "../url.ts";

const own = { open: anyText };

/** Of one type's events, how many each value of a dimension has, the most first. */
function Counted({
  title,
  caption,
  type,
  by,
  column,
  cell,
  none,
}: {
  title: string;
  caption: string;
  type: string;
  by: "key_id" | "subscription_id";
  column: string;
  cell: (id: string) => ReactNode;
  none: string;
}) {
  const [state] = useUrl(own);
  const measure = by === "key_id" ? "events" : "matched";
  const query = useMetrics(
    {
      measures: [measure],
      ...rangeOf(useTimes(state)),
      group_by: [by],
      filter: { event_type: [type] },
      top: MOST_COUNTED,
    },
    state.env,
    EVERY_MS,
  );
  const rows = (query.data?.series ?? []).filter(({ totals }) => numberIn(totals, measure) > 0);
  return (
    <section aria-label={title} className="grid gap-2">
      <h3 className="font-medium">{title}</h3>
      {query.isPending ? (
        <Loading />
      ) : query.isLoadingError ? (
        <Failure error={query.error} />
      ) : rows.length === 0 ? (
        <p className="text-sm text-muted">{none}</p>
      ) : (
        <Table
          caption={caption}
          rows={rows}
          rowKey={({ key }) => String(key[by])}
          columns={[
            {
              name: column,
              named: true,
              cell: ({ key }) => {
                const id = key[by] ?? "none";
                return id === "(other)" ? "others" : cell(id);
              },
            },
            { name: "Events", cell: ({ totals }) => count(numberIn(totals, measure)) },
          ]}
        />
      )}
    </section>
  );
}

function InferredShape({ type }: { type: string }) {
  const [{ env }] = useUrl(own);
  const query = useQuery({
    queryKey: ["shape of", type, env],
    queryFn: () =>
      call<{ events: Event[] }>(
        "GET",
        `/inbox?${new URLSearchParams({ event_type: type, limit: "100", acknowledged: "all" })}`,
        { env },
      ),
  });
  if (query.isPending) return <Loading />;
  if (query.isError) return <Failure error={query.error} />;
  const { events } = query.data;
  if (events.length === 0) return <Empty title="No event of this type is recorded on this side." />;
  const shape = shapeOf(events.map(({ payload }) => payload));
  return (
    <div className="grid gap-3">
      <p className="text-sm">
        Inferred from the newest {events.length === 1 ? "event" : countOf(events.length, "event")} of this type.
      </p>
      <Table
        caption="Members of the payload"
        rows={shape}
        rowKey={({ path }) => path}
        columns={[
          { name: "Member", cell: ({ path }) => <code>{path}</code> },
          { name: "Holds", cell: ({ kinds }) => kinds.join(" or ") },
          { name: "In", cell: ({ share }) => `${Math.round(share * 100)} % of events` },
        ]}
      />
    </div>
  );
}

/** One type: who sends it, who receives it, what is in it. */
function Details({ type }: { type: string }) {
  const may = useMay();
  const here = useHere();
  const names = useKeyNames();
  return (
    <section aria-label={`Event type ${type}`} className="card grid gap-3">
      <header className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-lg font-semibold">{type}</h2>
        <ActionLink href={here({ open: undefined })}>Close</ActionLink>
      </header>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Counted
          title="Who sends it"
          caption="Events of this type by key"
          type={type}
          by="key_id"
          column="Key"
          cell={names}
          none="Nobody has sent one in this range."
        />
        <Counted
          title="Who receives it"
          caption="Events of this type by subscription"
          type={type}
          by="subscription_id"
          column="Subscription"
          cell={(id) => <SubscriptionLink id={id} />}
          none="No subscription has matched one in this range."
        />
      </div>
      {may("payloads") ? (
        <section aria-label={`Shape of ${type}`} className="grid gap-2">
          <h3 className="font-medium">Shape</h3>
          <InferredShape type={type} />
        </section>
      ) : null}
    </section>
  );
}

const TRIED = 1_000;
const SETTLED_MS = 500;

/** A schema on the newest recorded events of its type. */
const trialOf = (type: string, text: string, env: Environment) => ({
  queryKey: ["schema tried", type, text, env],
  staleTime: 30_000,
  retry: false,
  queryFn: () =>
    call<SchemaTrial>("POST", "/event-types/rehearse", {
      env,
      body: `{"event_type":${JSON.stringify(type)},"schema":${text},"limit":${TRIED}}`,
    }),
});

const wouldFail = ({ failed, examined }: SchemaTrial, type: string): string =>
  examined === 1
    ? `The newest event of ${type} would be refused now`
    : `${count(failed)} of the newest ${count(examined)} events of ${type} would be refused now`;

/** The recorded events that a schema would refuse, while it is being written. */
function Tried({ type, text }: { type: string; text: string }) {
  const [{ env, zone }] = useUrl(own);
  const settled = useDebounced(text, SETTLED_MS);
  const named = useDebounced(type, SETTLED_MS).trim();
  const query = useQuery({ ...trialOf(named, settled, env), enabled: named !== "" && faultOf(settled) === undefined });
  if (named === "") return <p className="text-sm text-muted">It is tried on recorded events once it has a type.</p>;
  if (query.isError) return <Failure error={query.error} />;
  if (query.data === undefined) return <p className="text-sm text-muted">Trying it on recorded events…</p>;
  const { examined, failed, failures } = query.data;
  if (examined === 0) return <Note>No event of {named} is recorded on this side to try it on.</Note>;
  if (failed === 0)
    return (
      <Note tone="good">
        {examined === 1 ? "The newest event" : `Each of the newest ${count(examined)} events`} of this type would be
        accepted.
      </Note>
    );
  return (
    <div className="grid gap-2">
      <Note tone="warn" title={`${wouldFail(query.data, named)}.`}>
        {failed > failures.length ? `The newest ${count(failures.length)} of them:` : null}
      </Note>
      <ul
        className="grid max-h-64 gap-2 overflow-y-auto text-sm"
        tabIndex={0}
        aria-label="Events that would be refused"
      >
        {failures.map(({ event_id, received_at, errors }) => (
          <li key={event_id} className="border-t border-line pt-2">
            <Link href={keep(`/events/${event_id}`)} target="_blank" className="mono">
              {event_id}
            </Link>{" "}
            · <When at={received_at} zone={zone} />
            {errors.map(({ path = "", message }) => (
              <p key={`${path} ${message}`}>
                <code>{path}</code> {message}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Edit({ known }: { known?: EventType }) {
  const [{ env }] = useUrl(own);
  const client = useQueryClient();
  const [{ type, text }, change, drop] = useFormDraft(
    `schema ${known === undefined ? "new" : known.event_type} ${known?.version ?? 0}`,
    {
      type: known?.event_type ?? "",
      text: JSON.stringify(known?.schema ?? { type: "object", required: [], properties: {} }, null, 2),
    },
  );
  /** The schema that is to be saved although recorded events break it. */
  const [meant, setMeant] = useState<string>();
  const save = async () => {
    const fault = faultOf(text);
    if (fault !== undefined) throw new Error(fault);
    const trial = await client.fetchQuery(trialOf(type.trim(), text, env));
    if (trial.failed > 0 && meant !== text) {
      setMeant(text);
      throw new Error(`${wouldFail(trial, type)}. Press Save once more if they should be.`);
    }
    await call("PUT", `/event-types/${encodeURIComponent(type.trim())}`, { env, body: text });
    drop();
    await client.invalidateQueries({ queryKey: ["list", "/event-types"] });
    await client.invalidateQueries({ queryKey: ["schemas"] });
  };
  return (
    <Create
      label={known === undefined ? "New schema" : "Change"}
      title={known === undefined ? "Register a schema" : `Change the schema of ${known.event_type}`}
      submit="Save"
      look={known === undefined ? "primary" : "plain"}
      make={save}
    >
      {known === undefined ? (
        <TextField label="Event type" mono value={type} change={(type) => change({ type })} />
      ) : null}
      <Field
        label="JSON Schema (2020-12)"
        hint="Counts for requests that begin 5 seconds later; events that break it are refused."
        error={faultOf(text)}
      >
        {(ids) => (
          <textarea
            {...ids}
            rows={12}
            spellCheck={false}
            className="field mono"
            value={text}
            onChange={(event) => change({ text: event.target.value })}
          />
        )}
      </Field>
      <Tried type={type} text={text} />
    </Create>
  );
}

const MOST_TYPES = 100;
const MOST_COUNTED = 20;
const EVERY_MS = 10_000;
const rangeOf = ({ from, to }: ReturnType<typeof useTimes>) =>
  ({ from, ...defined({ to }), interval: "none" }) as const;

export default function Types() {
  const [state] = useUrl(own);
  const here = useHere();
  const may = useMay();
  const client = useQueryClient();
  const volume = useMetrics(
    { measures: ["events"], ...rangeOf(useTimes(state)), group_by: ["event_type"], top: MOST_TYPES },
    state.env,
    EVERY_MS,
  );
  const seen = (volume.data?.series ?? []).flatMap(({ key: { event_type: type }, totals }) => {
    const events = numberIn(totals, "events");
    return type === null || type === undefined || type === "(other)" || events === 0 ? [] : [{ type, events }];
  });
  const remove = (type: string) => async () => {
    await call("DELETE", `/event-types/${encodeURIComponent(type)}`, { env: state.env });
    await client.invalidateQueries({ queryKey: ["list", "/event-types"] });
    await client.invalidateQueries({ queryKey: ["schemas"] });
  };
  const opening = (type: string) => (
    <Link data-opens href={here({ open: type })} aria-label={`Open ${type}`}>
      Open
    </Link>
  );
  return (
    <Page title="Event types" actions={may("configure") ? <Edit /> : null}>
      <Range />
      {state.open === undefined ? null : <Details type={state.open} />}
      <h2 className="text-lg font-semibold">With a schema</h2>
      <List<EventType>
        caption="Event types with a schema"
        source={{ path: "/event-types", member: "event_types", options: { env: state.env } }}
        rowKey={({ event_type }) => event_type}
        below={({ schema, event_type }) => (
          <Code label={`Schema of ${event_type}`} text={JSON.stringify(schema, null, 2)} />
        )}
        empty={
          <Empty title="No event type has a schema.">
            With one, events that break it are refused before they are accepted.
          </Empty>
        }
        columns={[
          { name: "Type", cell: ({ event_type }) => <code>{event_type}</code> },
          { name: "Version", cell: ({ version }) => version },
          { name: "Changed", cell: ({ updated_at }) => <When at={updated_at} zone={state.zone} /> },
          { name: "Who and what", cell: ({ event_type }) => opening(event_type) },
          {
            name: "Change",
            cell: (type) =>
              may("configure") ? (
                <span className="flex flex-wrap gap-2">
                  <Edit known={type} />
                  <Confirm
                    label="Remove"
                    look="danger"
                    title={`Remove the schema of ${type.event_type}?`}
                    text="Events of this type are no longer checked."
                    action={remove(type.event_type)}
                  />
                </span>
              ) : null,
          },
        ]}
      />
      <h2 className="text-lg font-semibold">Seen in this range</h2>
      {volume.isPending ? (
        <Loading />
      ) : volume.isLoadingError ? (
        <Failure error={volume.error} />
      ) : seen.length === 0 ? (
        <Empty title={`No ${state.env} event with a type in this range.`}>
          Choose a longer range or another environment, or <Way to="/send">send an event</Way>.
        </Empty>
      ) : (
        <Table
          caption="Event types that were seen"
          rows={seen}
          rowKey={({ type }) => type}
          selected={({ type }) => type === state.open}
          columns={[
            { name: "Type", cell: ({ type }) => <code>{type}</code> },
            { name: "Events", cell: ({ events }) => count(events) },
            { name: "Look", cell: ({ type }) => <Link href={keep("/events", { type })}>its events</Link> },
            { name: "Who and what", cell: ({ type }) => opening(type) },
          ]}
        />
      )}
      {seen.length < MOST_TYPES ? null : <Note>The {count(MOST_TYPES)} types with the most events are listed.</Note>}
    </Page>
  );
}
