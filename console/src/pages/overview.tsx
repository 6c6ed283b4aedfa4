import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { call } from "../api.ts";
import { Bars } from "../charts/bars.tsx";
import { Gauge, Ring } from "../charts/parts.tsx";
import { count, ms, time } from "../format.ts";
import { latencyIn, type Metrics, numberIn, useMetrics } from "../metrics.ts";
import { useMay, useSession } from "../session.tsx";
import type { Event, Key, Subscription } from "../types.ts";
import { Button, Note, Page, Status } from "../ui/basic.tsx";
import { Download } from "../ui/download.tsx";
import { Range } from "../ui/range.tsx";
import { Figure, Tile } from "../ui/tile.tsx";
import { keep, timesOf, useCommon } from "../url.ts";

const REFRESH_MS = 30_000;
const HALF_MINUTE = 30_000;

/** Midnight of today in a zone, as an instant. */
function midnight(zone: string, now: number): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  }).formatToParts(now);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0) % 24;
  return (
    now -
    (of("hour") * 3_600 +
      (Number(parts.find((part) => part.type === "minute")?.value) * 60 +
        Number(parts.find((part) => part.type === "second")?.value))) *
      1_000 -
    (now % 1_000)
  );
}

/** The first steps, each ticked by what really happened. */
function FirstSteps() {
  const [{ env }] = useCommon();
  const may = useMay();
  const keys = useQuery({
    queryKey: ["first keys"],
    enabled: may("keys"),
    queryFn: () => call<{ keys: Key[] }>("GET", "/keys?limit=100"),
  });
  const events = useQuery({
    queryKey: ["first events", env],
    enabled: may("events"),
    refetchInterval: 5_000,
    queryFn: () =>
      call<{ events: Event[] }>("GET", "/inbox?limit=100&acknowledged=all", { env, withoutPayloads: true }),
  });
  const subscriptions = useQuery({
    queryKey: ["first subscriptions", env],
    enabled: may("subscriptions"),
    queryFn: () => call<{ subscriptions: Subscription[] }>("GET", "/subscriptions?limit=1", { env }),
  });
  const all = events.data?.events ?? [];
  const steps: readonly (readonly [string, boolean, string])[] = [
    ["Use a key", (keys.data?.keys ?? []).some(({ last_used_at }) => last_used_at !== null), "/keys"],
    ["Send an event", all.length > 0, "/send"],
    ["Make a subscription", (subscriptions.data?.subscriptions ?? []).length > 0, "/subscriptions"],
    ["See an event match", all.some(({ status }) => status !== "unmatched"), "/match"],
    ["See it delivered", all.some(({ status }) => status === "delivered"), "/deliveries"],
  ];
  if (!may("send") || events.data === undefined || steps.every(([, done]) => done)) return null;
  return (
    <section className="card grid gap-2" aria-label="First steps">
      <h2 className="font-semibold">First steps</h2>
      <ol className="grid gap-1 text-sm">
        {steps.map(([name, done, path]) => (
          <li key={name}>
            <span aria-hidden="true">{done ? "✓" : "○"} </span>
            {done ? `${name}: done` : <Link href={keep(path)}>{name}</Link>}
          </li>
        ))}
      </ol>
    </section>
  );
}

const trendOf = (metrics: Metrics): string => {
  const values = (metrics.series[0]?.points ?? [])
    .filter(({ partial }) => partial !== true)
    .map((point) => Number(point.events ?? 0));
  const half = Math.floor(values.length / 2);
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
  const [before, after] = [sum(values.slice(0, half)), sum(values.slice(-half))];
  if (before === 0) return after === 0 ? "steady" : "rising";
  const change = (after - before) / before;
  return Math.abs(change) < 0.05
    ? "steady"
    : `${change > 0 ? "rising" : "falling"}, ${Math.abs(100 * change).toFixed(0)} % over the range`;
};

export default function Overview() {
  const [state] = useCommon();
  const session = useSession();
  const [table, setTable] = useState(false);
  const [auto, setAuto] = useState(false);
  const { env } = state;
  const zone = state.zone ?? "UTC";
  const every = auto ? REFRESH_MS : false;
  const fixed = `${state.range} ${state.from} ${state.to} ${auto}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a range that ends now is fixed while it is looked at
  const times = useMemo(() => timesOf(state), [fixed]);
  const now = Math.floor(Date.now() / HALF_MINUTE) * HALF_MINUTE;
  const start = midnight(zone, now);
  const today = useMetrics(
    { measures: ["events", "delivered"], from: new Date(start).toISOString(), interval: "none", time_zone: zone },
    env,
    every,
  );
  const yesterday = useMetrics(
    {
      measures: ["events", "delivered"],
      from: new Date(start - 86_400_000).toISOString(),
      to: new Date(start).toISOString(),
      interval: "none",
      time_zone: zone,
    },
    env,
  );
  const range = { from: times.from, ...(times.to === undefined ? {} : { to: times.to }), time_zone: zone };
  const flow = useMetrics(
    { measures: ["events", "matched", "unmatched", "delivered", "failed", "dead_lettered"], ...range },
    env,
    every,
  );
  const rates = useMetrics(
    {
      measures: ["delivery_success_rate", "accept_latency_ms", "delivery_latency_ms"],
      interval: "none",
      histogram: true,
      ...range,
    },
    env,
    every,
  );
  const limits = useMetrics({ measures: ["limit_use"], last: "1h", interval: "none" }, env, every);
  const errors = useMetrics({ measures: ["failed"], interval: "none", group_by: ["error"], ...range }, env, every);
  const quick = (name: string) => latencyIn(rates.data?.totals, name);
  const bars = (flow.data?.series[0]?.points ?? []).map((point) => ({
    name: time(point.start, zone),
    value: Number(point.events ?? 0),
    partial: point.partial === true,
  }));
  const use = limits.data?.totals.limit_use;
  const delivered = numberIn(flow.data?.totals, "delivered");
  const latencyBars = (quick("delivery_latency_ms")?.buckets ?? []).map(([upper, times]) => ({
    name: `up to ${ms(upper)}`,
    value: times,
  }));
  return (
    <Page
      title="Overview"
      actions={
        <>
          <Download
            name="overview"
            rows={() => [
              ["start", "events", "matched", "unmatched", "delivered", "failed", "dead_lettered"],
              ...(flow.data?.series[0]?.points ?? []).map((point) => [
                point.start,
                ...["events", "matched", "unmatched", "delivered", "failed", "dead_lettered"].map((name) =>
                  Number(point[name] ?? 0),
                ),
              ]),
            ]}
            json={() => ({ flow: flow.data, rates: rates.data, errors: errors.data })}
          />
          <Button aria-pressed={table} onPress={() => setTable(!table)}>
            View as table
          </Button>
          <Button aria-pressed={auto} onPress={() => setAuto(!auto)}>
            Auto-refresh
          </Button>
        </>
      }
    >
      <Range />
      <FirstSteps />
      {flow.data === undefined ? null : (
        <p className="text-sm text-muted">
          As of {time(flow.data.to, zone)}; counted in full until {time(flow.data.complete_until, zone)}.
        </p>
      )}
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <Tile title="Events ingested" of={today}>
          {() => (
            <Figure
              value={count(numberIn(today.data?.totals, "events"))}
              beside={`today; ${count(numberIn(yesterday.data?.totals, "events"))} yesterday`}
            />
          )}
        </Tile>
        <Tile title="Events delivered" of={today}>
          {() => (
            <Figure
              value={count(numberIn(today.data?.totals, "delivered"))}
              beside={`today; ${count(numberIn(yesterday.data?.totals, "delivered"))} yesterday`}
            />
          )}
        </Tile>
        <Tile title="Delivery success rate" of={rates}>
          {() => {
            const value = rates.data?.totals.delivery_success_rate;
            return (
              <Gauge
                title="Delivery success rate"
                value={typeof value === "number" ? value : null}
                good={0.95}
                fair={0.9}
              />
            );
          }}
        </Tile>
        <Tile title="Quota in use" of={limits}>
          {() => (
            <Gauge
              title="Quota in use, busiest second of the last hour"
              value={typeof use === "number" ? use : null}
              good={0.8}
              fair={1}
              rising={false}
            />
          )}
        </Tile>
        {(
          [
            ["Accept latency", "accept_latency_ms"],
            ["Delivery latency", "delivery_latency_ms"],
          ] as const
        ).map(([title, name]) => (
          <Tile key={name} title={title} of={rates}>
            {() => {
              const value = quick(name);
              const show = (quantile: number | null | undefined) =>
                quantile === null || quantile === undefined ? "–" : ms(quantile);
              return (
                <Figure
                  value={`p50 ${show(value?.p50)}`}
                  beside={`p95 ${show(value?.p95)} · p99 ${show(value?.p99)}`}
                />
              );
            }}
          </Tile>
        ))}
        <Tile title="Limit" of={limits}>
          {() => <Figure value={`${count(session.limit_per_second)}/s`} beside="events a second" />}
        </Tile>
        <Tile title="Environment" of={limits}>
          {() => (
            <p>
              <Status status={env} />
            </p>
          )}
        </Tile>
        <Tile title="Events over time" of={flow} wide>
          {() => (
            <>
              <Bars title="Events" bars={bars} format={count} average as={table ? "table" : "chart"} />
              <p className="text-sm text-muted">
                {flow.data === undefined ? "" : `Trend: ${trendOf(flow.data)}. `}
                The line is the moving average. <Link href={keep("/events")}>Look at these events</Link>
              </p>
            </>
          )}
        </Tile>
        <Tile title="What became of them" of={flow} wide>
          {() => (
            <Ring
              title="Deliveries and events without one"
              format={count}
              parts={[
                { name: "Delivered", value: delivered, colour: "var(--good)", mark: "✓" },
                {
                  name: "Dead-lettered",
                  value: numberIn(flow.data?.totals, "dead_lettered"),
                  colour: "var(--bad)",
                  mark: "✕",
                },
                {
                  name: "Unmatched events",
                  value: numberIn(flow.data?.totals, "unmatched"),
                  colour: "var(--edge)",
                  mark: "○",
                },
              ]}
            />
          )}
        </Tile>
        <Tile title="Delivery latency distribution" of={rates} wide>
          {() =>
            latencyBars.length === 0 ? (
              <p className="text-sm text-muted">Nothing was delivered in this range.</p>
            ) : (
              <Bars title="Deliveries" bars={latencyBars} format={count} as={table ? "table" : "chart"} />
            )
          }
        </Tile>
        <Tile title="Errors by type" of={errors} wide>
          {() => {
            const found = (errors.data?.series ?? []).filter(({ totals }) => numberIn(totals, "failed") > 0);
            return found.length === 0 ? (
              <p className="text-sm text-muted">No attempt failed in this range.</p>
            ) : (
              <ul className="grid gap-1 text-sm">
                {found.map(({ key, totals }) => (
                  <li key={key.error ?? "none"} className="flex justify-between gap-4">
                    <span>{(key.error ?? "other").replaceAll("_", " ")}</span>
                    <strong>{count(numberIn(totals, "failed"))}</strong>
                  </li>
                ))}
              </ul>
            );
          }}
        </Tile>
      </div>
      {flow.data?.folded === 0 || flow.data === undefined ? null : (
        <Note>{count(flow.data.folded)} more are counted together.</Note>
      )}
    </Page>
  );
}
