/**
 * What queries of the metrics have to answer, counted by looking at every fact for every point: an oracle that shares no code with what
 * adds up but the names.
 */
import { defined } from "../../runtime/domain/defined.ts";
import type { DeliveryStatus } from "../../runtime/domain/event.ts";
import { type Dimension, dimensionsOf, type Measure } from "../../runtime/domain/metrics/names.ts";
import type { MetricsQuery } from "../../runtime/domain/metrics/query.ts";
import type { UsageFact } from "../../runtime/domain/usage/fact.ts";
import { bucketUpper, latencyBucket } from "../../runtime/domain/usage/histogram.ts";

type Named = Partial<Record<Dimension, string | null>>;
interface Atom {
  readonly dims: Named;
  readonly n: number;
  readonly ms?: number;
}
type Of<K extends UsageFact["kind"]> = Extract<UsageFact, { kind: K }>;

export interface Model {
  readonly facts: readonly UsageFact[];
  readonly workflows: ReadonlyMap<string, string | null>;
  readonly limit: number;
}

const distinct = <T>(values: readonly T[]): T[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

function acceptedAtoms(measure: string, fact: Of<"accepted">, named: ReadonlySet<Dimension>, model: Model): Atom[] {
  const { events, key_id } = fact;
  const matched = Object.entries(fact.matched ?? {});
  const byPair = named.has("subscription_id") || named.has("workflow_id") || named.has("status");
  const types = named.has("event_type") ? distinct(events.map(({ type }) => type)) : [undefined];
  const ofTypes = (ms?: number): Atom[] =>
    types.map((type) => ({
      dims: { key_id, ...defined({ event_type: type }) },
      n: 1,
      ...defined({ ms }),
    }));
  if (measure === "requests") return fact.rest === true ? [] : ofTypes();
  if (measure === "accept") return fact.accept_ms === undefined ? [] : ofTypes(fact.accept_ms);
  if ((measure === "events" || measure === "matched") && byPair)
    return matched.flatMap(([subscription_id, offsets]) =>
      offsets.map((offset) => ({
        dims: {
          key_id,
          subscription_id,
          workflow_id: model.workflows.get(subscription_id) ?? null,
          event_type: events[offset]!.type,
          status: "pending" as const,
        },
        n: 1,
      })),
    );
  if (!["events", "bytes", "matched", "unmatched"].includes(measure)) return [];
  const hit = new Set(matched.flatMap(([, offsets]) => offsets));
  return events.map(({ type, bytes }, offset) => ({
    dims: { key_id, event_type: type },
    n:
      measure === "events"
        ? 1
        : measure === "bytes"
          ? bytes
          : measure === "matched"
            ? Number(hit.has(offset))
            : measure === "unmatched"
              ? Number(!hit.has(offset))
              : 0,
  }));
}

function movedAtoms(measure: string, fact: Of<"moved">, named: ReadonlySet<Dimension>, model: Model): Atom[] {
  if ((measure !== "events" && measure !== "matched") || !named.has("status")) return [];
  const { subscription_id, key_id = null, from, to } = fact;
  const workflow_id = model.workflows.get(subscription_id) ?? null;
  return fact.types.flatMap((event_type) =>
    (
      [
        [from, -1],
        [to, 1],
      ] as [DeliveryStatus, number][]
    ).map(([status, n]) => ({
      dims: { subscription_id, workflow_id, key_id, event_type, status },
      n,
    })),
  );
}

function attemptAtoms(measure: string, fact: Of<"attempted">, named: ReadonlySet<Dimension>, model: Model): Atom[] {
  const { subscription_id, outcome, parts, latency_ms } = fact;
  const error = fact.error ?? null;
  const all = {
    subscription_id,
    workflow_id: model.workflows.get(subscription_id) ?? null,
    status: outcome,
    error,
  };
  const joint =
    (named.has("event_type") || named.has("key_id")) &&
    ["event_type", "key_id", "subscription_id", "workflow_id"].filter((name) => named.has(name as Dimension)).length >
      Number(named.has("subscription_id") && named.has("workflow_id"));
  const isJoint =
    joint &&
    !(named.has("event_type") && ![...named].some((name) => /key|subscription|workflow/.test(name))) &&
    !(named.has("key_id") && ![...named].some((name) => /type|subscription|workflow/.test(name)));
  if (["attempts", "attempts_failed", "attempt"].includes(measure)) {
    if (measure === "attempts_failed" && error === null) return [];
    // A post counts once for each type of its events, or key; jointly for each pair of them.
    const pairs = parts.flatMap(({ types, key_id = null }) =>
      types.map((event_type) => ({
        ...(isJoint || named.has("event_type") ? { event_type } : {}),
        ...(isJoint || named.has("key_id") ? { key_id } : {}),
      })),
    );
    return distinct(pairs).map((own) => ({ dims: { ...all, ...own }, n: 1, ms: latency_ms }));
  }
  return parts.flatMap(({ types, key_id = null, first_success_ms, replayed }) =>
    types.flatMap((event_type): Atom[] => {
      const dims = { ...all, event_type, key_id };
      if (measure === "delivery") return first_success_ms === undefined ? [] : [{ dims, n: 1, ms: first_success_ms }];
      const counts = measure === "replayed" ? replayed === true : measure === outcome;
      return counts ? [{ dims, n: 1 }] : [];
    }),
  );
}

function countAtoms(measure: string, fact: UsageFact, named: ReadonlySet<Dimension>, model: Model): Atom[] {
  if (fact.kind === "accepted") return acceptedAtoms(measure, fact, named, model);
  if (fact.kind === "moved") return movedAtoms(measure, fact, named, model);
  if (fact.kind === "attempted") return attemptAtoms(measure, fact, named, model);
  const refused =
    fact.call === "POST /events" && ["rate_limited", "invalid_event", "unavailable"].includes(fact.outcome);
  return measure === "refused" && refused
    ? [{ dims: { key_id: fact.key_id, reason: fact.outcome }, n: fact.requests }]
    : [];
}

/** By model, fact, measure and dimensions: a query looks at every fact for every point of every series. */
const known = new WeakMap<Model, WeakMap<UsageFact, Map<string, Atom[]>>>();

function atomsOf(measure: string, fact: UsageFact, named: ReadonlySet<Dimension>, model: Model): Atom[] {
  const ofModel = known.get(model) ?? new WeakMap<UsageFact, Map<string, Atom[]>>();
  known.set(model, ofModel);
  const ofFact = ofModel.get(fact) ?? new Map<string, Atom[]>();
  ofModel.set(fact, ofFact);
  const key = [measure, ...named].join();
  const atoms = ofFact.get(key) ?? countAtoms(measure, fact, named, model);
  ofFact.set(key, atoms);
  return atoms;
}

/** What a measure is over a time and a series. @param key values of the query's groups */
export function expected(model: Model, query: MetricsQuery, measure: Measure, from: number, to: number, key: Named) {
  const named = new Set<Dimension>([...query.group_by, ...(Object.keys(query.filter) as Dimension[])]);
  if (![...named].every((dimension) => dimensionsOf[measure].includes(dimension))) return null;
  const within = model.facts.filter(({ at }) => at >= from && at < to);
  const wanted = ({ dims }: Atom) =>
    query.group_by.every((dimension) => (dims[dimension] ?? null) === key[dimension]) &&
    Object.entries(query.filter).every(([name, values]) =>
      (values as (string | null)[]).includes(dims[name as Dimension] ?? null),
    );
  const atoms = (what: string) => within.flatMap((fact) => atomsOf(what, fact, named, model)).filter(wanted);
  const sum = (what: string) => atoms(what).reduce((total, { n }) => total + n, 0);
  const rate = (part: number, whole: number) => (whole === 0 ? null : Math.round((part / whole) * 1e6) / 1e6);
  if (measure === "error_rate") return rate(sum("attempts_failed"), sum("attempts"));
  if (measure === "delivery_success_rate") return rate(sum("delivered"), sum("delivered") + sum("dead_lettered"));
  if (measure === "limit_use") {
    if ((query.filter.key_id?.length ?? 1) > 1) return null;
    const seconds = new Map<number, number>();
    for (const fact of within)
      if (fact.kind === "accepted" && wanted({ dims: { key_id: fact.key_id }, n: 1 })) {
        const second = Math.floor(fact.at / 1_000);
        seconds.set(second, (seconds.get(second) ?? 0) + fact.events.length);
      }
    return Math.round((Math.max(0, ...seconds.values()) / model.limit) * 1e6) / 1e6;
  }
  if (!measure.endsWith("_latency_ms")) return sum(measure);
  const buckets = new Map<number, number>();
  for (const { ms, n } of atoms(measure.replace("_latency_ms", ""))) {
    const upper = bucketUpper(latencyBucket(ms!));
    buckets.set(upper, (buckets.get(upper) ?? 0) + n);
  }
  return [...buckets].sort(([a], [b]) => a - b);
}
