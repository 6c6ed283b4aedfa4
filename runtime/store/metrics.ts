import type { Tenant } from "../domain/identity/identity.ts";
import {
  type AnswerContext,
  answerOf,
  type Dims,
  Gathering,
  type MetricsAnswer,
  type Take,
} from "../domain/metrics/answer.ts";
import type { Dimension } from "../domain/metrics/names.ts";
import { dimensionsIn, type MetricsQuery } from "../domain/metrics/query.ts";
import { rangeOf, type Span } from "../domain/metrics/range.ts";
import { count, noSums } from "../domain/metrics/sums.ts";
import { emptyTotals, type Totals, tallyReader, type UsageGroup } from "../domain/usage/usage.ts";
import { type CounterReader, eachItem } from "./counters.ts";

/** Answering queries of the metrics: the one way to them, for the API, alerts and reports alike. */

export interface MetricsReader extends CounterReader {
  /** The workflow that each subscription of a tenant belongs to now, removed ones too. */
  workflows(tenant: Tenant): Promise<ReadonlyMap<string, string | null>>;
}

/** Whose metrics. */
export interface Measured {
  readonly tenant: Tenant;
  /** Events a second that it may send. */
  readonly limit_per_second: number;
}

/** What happened so long ago is counted: writers wait three seconds at most, and routing takes its time. */
const COUNTED_AFTER_MS = 10_000;
const HOUR_MS = 3_600_000;
/** Ranges up to this long are read by the minute. */
const BY_MINUTE_MS = 6 * HOUR_MS;

/**
 * @throws TriggersError `invalid_request` for a range that is impossible, makes too many points, or is older than what is kept
 */
export async function queryMetrics(
  reader: MetricsReader,
  { tenant, limit_per_second }: Measured,
  query: MetricsQuery,
): Promise<MetricsAnswer> {
  const now = reader.now();
  const range = rangeOf(query, now);
  const workflows = dimensionsIn(query).includes("workflow_id") ? await reader.workflows(tenant) : undefined;
  const context: AnswerContext = {
    limit: limit_per_second,
    completeUntil: now - COUNTED_AFTER_MS,
    workflowOf: (id) => workflows?.get(id) ?? null,
  };
  const gather = async (span: Span): Promise<Gathering> => {
    const gathering = new Gathering(query, span, context);
    await readRows(reader, tenant, query, span, gathering.take);
    return gathering;
  };
  const [gathered, before] = await Promise.all([
    gather(range),
    range.compare === undefined ? undefined : gather(range.compare),
  ]);
  return answerOf(query, range, context, gathered, before);
}

const groups: Partial<Record<Dimension, [UsageGroup, keyof Dims]>> = {
  event_type: ["event_type", "event_type"],
  subscription_id: ["subscription", "subscription_id"],
  workflow_id: ["subscription", "subscription_id"],
  key_id: ["key", "key_id"],
};

/** Hands over the rows that a query needs. */
async function readRows(
  reader: MetricsReader,
  tenant: Tenant,
  query: MetricsQuery,
  span: Span,
  take: Take,
): Promise<void> {
  const [group, member] = dimensionsIn(query).flatMap((each) => [groups[each] ?? []])[0] ?? [];
  const stored = span.to - span.from <= BY_MINUTE_MS ? "m" : "h";
  const unit = stored === "m" ? 60_000 : HOUR_MS;
  const cut = { from: Math.floor(span.from / unit) * unit, to: Math.ceil(span.to / unit) * unit };
  const read = tallyReader(group);
  await eachItem(reader, tenant, stored, cut, undefined, (start, item) => {
    const all = emptyTotals();
    const grouped = new Map<string, Totals>();
    read(item, all, grouped);
    if (member === undefined) take(start, {}, sumsOf(all, false));
    else
      for (const [value, totals] of grouped)
        take(start, { [member]: value === "" ? null : value }, sumsOf(totals, member === "subscription_id"));
  });
}

function sumsOf(totals: Totals, pairs: boolean) {
  const sums = noSums();
  for (const counter of ["requests", "bytes", "delivered", "failed", "dead_lettered"] as const)
    count(sums, counter, totals[counter]);
  count(sums, pairs ? "pairs" : "events", totals.events);
  if (totals.latencies.size > 0) sums.latencies.attempt = totals.latencies;
  let attempts = 0;
  for (const n of totals.latencies.values()) attempts += n;
  count(sums, "attempts", attempts);
  return sums;
}
