import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { severities, unitOf } from "../../../runtime/domain/alerts/kinds.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { measureNames } from "../../../runtime/domain/metrics/names.ts";
import { type AlertRule, inWords, kindNames, readValue, waitsFor, watchedNames } from "../alertForm.ts";
import { call } from "../api.ts";
import { useOnEitherSide } from "../eitherSide.ts";
import { ago, bucketTime } from "../format.ts";
import { useKeyNames } from "../keyNames.ts";
import { useMay, useSession } from "../session.tsx";
import type { Alert, Channel } from "../types.ts";
import { ActionLink, Button, Empty, Facts, Failure, Loading, Note, Page, Status, When } from "../ui/basic.tsx";
import { Choice, FilterBar, NoneFits } from "../ui/filters.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { Choices } from "../ui/menu.tsx";
import { Confirm } from "../ui/overlay.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { useIsOpen } from "../ui/way.tsx";
import { anyText, keep, maybeOneOf, oneOf, useHere, useUrl, zoneOf } from "../url.ts";
import { useWork } from "../work.ts";
import { Channels } from "./alertChannels.tsx";
import { RuleEditor } from "./alertRule.tsx";

const states = ["pending", "firing", "resolved"] as const;
const own = {
  tab: oneOf(["history", "rules", "channels"], "history"),
  state: maybeOneOf(states),
  severity: maybeOneOf(severities),
  /** The alert that is open: where the link in a message leads. */
  alert: anyText,
  /** The rule that is being written; `new` for one that is not there yet. */
  rule: anyText,
};

const resolutions: Readonly<Record<string, string>> = {
  recovered: "it is well again",
  no_data: "its data stopped coming",
  rule_disabled: "its rule was switched off",
  rule_deleted: "its rule was deleted",
};
const snoozes: readonly (readonly [minutes: string, name: string])[] = [
  ["60", "For 1 hour"],
  ["480", "For 8 hours"],
  ["1440", "For 1 day"],
  ["10080", "For 7 days"],
];

/** Where one looks further, by what rang. */
const placesFor: Readonly<Record<AlertRule["kind"], readonly (readonly [path: string, name: string])[]>> = {
  error_rate: [
    ["/problems", "Problems"],
    ["/deliveries", "Deliveries"],
  ],
  latency: [
    ["/problems", "Problems"],
    ["/deliveries", "Deliveries"],
  ],
  quota: [["/usage", "Usage and quota"]],
  dead_letters: [["/dead-letters", "Dead letters"]],
  api_down: [["/health", "System health"]],
  metric: [["/", "Overview"]],
};

/** One alert with what one can do about it. */
function AlertCard({
  alert,
  rules,
  channels = [],
  open,
}: {
  alert: Alert;
  rules: readonly AlertRule[];
  channels?: readonly Channel[];
  open: boolean;
}) {
  const nameOf = (id: string | null): string =>
    channels.find(({ channel_id }) => channel_id === id)?.target ??
    (channels.length === 0 ? "a channel" : "a channel that is gone");
  const [{ env, zone }] = useUrl(own);
  const session = useSession();
  const may = useMay();
  const isOpen = useIsOpen();
  const names = useKeyNames();
  const here = useHere();
  const client = useQueryClient();
  const work = useWork();
  const { alert_id, name, kind, severity, state, value, threshold, since, fired_at, resolved_at } = alert;
  const rule = rules.find(({ rule_id }) => rule_id === alert.rule_id);
  const measure = rule?.query?.measures[0];
  const unit = unitOf(kind, measure);
  const snoozed = alert.snoozed_until !== null && Date.parse(alert.snoozed_until) > Date.now();
  const told = alert.messages.filter(({ channel_id }) => channel_id !== null);
  const act = async (what: string, body?: unknown) => {
    await work.run(() => call("POST", `/alerts/${alert_id}/${what}`, { env, ...defined({ body }) }));
    await client.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith("/alerts") });
    await client.invalidateQueries({ queryKey: ["active alerts"] });
  };
  return (
    <article className="card grid gap-3" aria-label={`Alert ${name}`}>
      <header className="flex flex-wrap items-center gap-2">
        <Status status={state} />
        <Status status={severity} />
        <h2 className="font-semibold">{open ? name : <Link href={here({ alert: alert_id })}>{name}</Link>}</h2>
        <span className="text-sm text-muted">
          {state === "resolved" && resolved_at !== null ? `ended ${ago(resolved_at)}` : `began ${ago(since)}`}
        </span>
      </header>
      <Facts
        of={[
          [measure === undefined ? watchedNames[kind] : measureNames[measure], readValue(value, unit)],
          ...(unit === "up" ? [] : [["Threshold", `above ${readValue(threshold, unit)}`] as const]),
          ["Began", <When key="since" at={since} zone={zone} />],
          ...(state === "pending" && rule !== undefined
            ? [
                [
                  "Rings",
                  waitsFor(rule, Date.parse(since), Date.now(), (at) =>
                    bucketTime(at, zoneOf({ zone }), "minute", { days: false }),
                  ),
                ] as const,
              ]
            : []),
          ...(open && fired_at !== null ? [["Rang", <When key="fired" at={fired_at} zone={zone} />] as const] : []),
          ...(resolved_at === null
            ? []
            : [
                [
                  "Ended",
                  <span key="ended">
                    <When at={resolved_at} zone={zone} />
                    {alert.resolution === null ? "" : `: ${resolutions[alert.resolution] ?? alert.resolution}`}
                  </span>,
                ] as const,
              ]),
          ...(alert.cause === null ? [] : [["Suspected cause", alert.cause] as const]),
          ...(alert.acknowledged_at === null
            ? []
            : [
                [
                  "Acknowledged",
                  <span key="ack">
                    <When at={alert.acknowledged_at} zone={zone} /> by{" "}
                    {alert.acknowledged_by === session.person.person_id ? "you" : names(alert.acknowledged_by ?? "")}
                  </span>,
                ] as const,
              ]),
          ...(snoozed ? [["Snoozed until", <When key="snooze" at={alert.snoozed_until} zone={zone} />] as const] : []),
          ...(open
            ? [
                [
                  "Told",
                  told.length > 0
                    ? told
                        .map(
                          ({ channel_id, change, state: sent, error: why }) =>
                            `${change} to ${nameOf(channel_id)}: ${sent}${why === null ? "" : ` (${why})`}`,
                        )
                        .join("; ")
                    : state === "pending"
                      ? "nobody yet: it has not rung"
                      : "nobody: the rule names no verified channel",
                ] as const,
              ]
            : []),
        ]}
      />
      {work.error === undefined ? null : <Failure error={work.error} />}
      <div className="flex flex-wrap items-center gap-2">
        {may("handle") && state !== "resolved" ? (
          <>
            {alert.acknowledged_at === null ? (
              <Button look="primary" isPending={work.busy} onPress={() => void act("acknowledge")}>
                Acknowledge
              </Button>
            ) : null}
            {snoozed ? (
              <Button onPress={() => void act("snooze", { minutes: 0 })}>End the snooze</Button>
            ) : (
              <Choices
                label="Snooze"
                choices={snoozes}
                choose={(minutes) => void act("snooze", { minutes: Number(minutes) })}
              />
            )}
          </>
        ) : null}
        {placesFor[kind]
          .filter(([path]) => isOpen(path))
          .map(([path, place]) => (
            <Link key={path} href={keep(path)} className="text-sm">
              {place}
            </Link>
          ))}
        {rule === undefined ? null : (
          <Link href={here({ tab: "rules", rule: alert.rule_id, alert: undefined })} className="text-sm">
            Its rule
          </Link>
        )}
      </div>
    </article>
  );
}

function History({ rules }: { rules: readonly AlertRule[] }) {
  const [state, set] = useUrl(own);
  const list = useList<Alert>({
    path: "/alerts",
    member: "alerts",
    params: { state: state.state, severity: state.severity, limit: "50" },
    options: { env: state.env },
    every: 15_000,
  });
  return (
    <div className="grid gap-3">
      <FilterBar>
        <Choice label="State" values={states} value={state.state} choose={(value) => set({ state: value }, false)} />
        <Choice
          label="Severity"
          values={severities}
          value={state.severity}
          choose={(value) => set({ severity: value }, false)}
        />
      </FilterBar>
      <Listed
        list={list}
        file="alerts"
        empty={
          state.state !== undefined || state.severity !== undefined ? (
            <NoneFits what="alert" ranged={false} />
          ) : (
            <Empty title={`No ${state.env} alert has rung.`}>
              What rings stands here, with what became of it. The tab Rules says what is watched.
            </Empty>
          )
        }
      >
        {(rows) => (
          <ul className="grid gap-3" aria-label="Alerts, newest first">
            {rows.map((alert) => (
              <li key={alert.alert_id}>
                <AlertCard alert={alert} rules={rules} open={false} />
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </div>
  );
}

/** The alert that a link in a message means. */
function Opened({ id, rules, channels }: { id: string; rules: readonly AlertRule[]; channels: readonly Channel[] }) {
  const [state, set] = useUrl(own);
  const here = useHere();
  const query = useOnEitherSide<Alert>(`/alerts/${id}`, state.env, (env) => set({ env }), { every: () => 15_000 });
  return (
    <div className="grid gap-3">
      <p>
        <Link href={here({ alert: undefined })}>All alerts</Link>
      </p>
      {query.isPending ? (
        <Loading />
      ) : query.isLoadingError ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : (
        <AlertCard alert={query.data} rules={rules} channels={channels} open />
      )}
    </div>
  );
}

function Rules({ list, channels }: { list: ReturnType<typeof useList<AlertRule>>; channels: readonly Channel[] }) {
  const [{ env }] = useUrl(own);
  const may = useMay();
  const here = useHere();
  const client = useQueryClient();
  const [error, setError] = useState<unknown>();
  const after = () => client.invalidateQueries({ queryKey: ["list", "/alert-rules"] });
  const turn = async (rule: AlertRule) => {
    setError(undefined);
    try {
      await call("PATCH", `/alert-rules/${rule.rule_id}`, { env, body: { enabled: !rule.enabled } });
    } catch (cause) {
      setError(cause);
    }
    await after();
  };
  const remove = (id: string) => async () => {
    await call("DELETE", `/alert-rules/${id}`, { env });
    await after();
  };
  return (
    <div className="grid gap-3">
      {may("watch") ? (
        <div>
          <ActionLink look="primary" href={here({ rule: "new" })}>
            New rule
          </ActionLink>
        </div>
      ) : null}
      {error === undefined ? null : <Failure error={error} />}
      <Listed list={list} empty={<Empty title="Nothing is watched.">A new rule watches a number for you.</Empty>}>
        {(rows) => (
          <ul className="grid gap-3" aria-label="Alert rules">
            {rows.map((rule) => {
              const told = rule.channels.map((id) => channels.find(({ channel_id }) => channel_id === id));
              const measure = rule.query?.measures[0];
              return (
                <li key={rule.rule_id}>
                  <article className="card grid gap-2" aria-label={`Rule ${rule.name}`}>
                    <header className="flex flex-wrap items-center gap-2">
                      <Status status={rule.enabled ? "active" : "disabled"} />
                      <Status status={rule.severity} />
                      <h2 className="font-semibold">
                        <Link href={here({ rule: rule.rule_id })}>{rule.name}</Link>
                      </h2>
                    </header>
                    <p className="text-sm">
                      {inWords(rule, measure === undefined ? kindNames[rule.kind] : measureNames[measure])}
                    </p>
                    <p className="text-sm text-muted">
                      {told.length === 0
                        ? "Tells nobody yet: choose a channel. It stands here and rings the bell all the same."
                        : `Tells ${told.map((channel) => channel?.target ?? "a channel that is gone").join(", ")}.`}
                      {told.some((channel) => channel?.verified === false)
                        ? " A channel that is not verified is not used."
                        : ""}
                    </p>
                    {may("watch") ? (
                      <div className="flex flex-wrap gap-2">
                        <Button
                          aria-label={`${rule.enabled ? "Disable" : "Enable"} ${rule.name}`}
                          onPress={() => void turn(rule)}
                        >
                          {rule.enabled ? "Disable" : "Enable"}
                        </Button>
                        <Confirm
                          label="Delete"
                          look="danger"
                          title={`Delete the rule "${rule.name}"?`}
                          text="What it has firing resolves; its history stays."
                          action={remove(rule.rule_id)}
                        />
                      </div>
                    ) : null}
                  </article>
                </li>
              );
            })}
          </ul>
        )}
      </Listed>
    </div>
  );
}

/** What rings, what rang, what is watched and who is told. */
export default function Alerts() {
  const [state, set] = useUrl(own);
  const may = useMay();
  const { env } = state;
  const rules = useList<AlertRule>({
    path: "/alert-rules",
    member: "alert_rules",
    params: { limit: "1000" },
    options: { env },
  });
  const channels = useQuery({
    queryKey: ["list", "/alert-channels", "all", env],
    queryFn: () => call<{ alert_channels: Channel[] }>("GET", "/alert-channels?limit=1000", { env }),
  });
  const known = channels.data?.alert_channels ?? [];
  const written = rules.rows.find(({ rule_id }) => rule_id === state.rule);
  const close = () => set({ rule: undefined }, false);
  return (
    <Page title="Alerts">
      <Tabs
        label="About alerts"
        selected={state.tab}
        drops={["rule", "alert"]}
        tabs={[
          {
            id: "history",
            name: "History",
            body: () =>
              state.alert === undefined ? (
                <History rules={rules.rows} />
              ) : (
                <Opened id={state.alert} rules={rules.rows} channels={known} />
              ),
          },
          {
            id: "rules",
            name: "Rules",
            body: () =>
              state.rule === undefined || (!may("watch") && written === undefined) ? (
                <Rules list={rules} channels={known} />
              ) : state.rule !== "new" && rules.isPending ? (
                <Loading />
              ) : state.rule !== "new" && written === undefined ? (
                <Note tone="warn">There is no such rule on this side.</Note>
              ) : (
                <RuleEditor key={state.rule} rule={written} channels={known} close={close} />
              ),
          },
          { id: "channels", name: "Channels", body: () => <Channels query={channels} /> },
        ]}
      />
    </Page>
  );
}
