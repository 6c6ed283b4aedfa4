/** The names of the metrics: what can be asked for, and by what it can be told apart. */

/** Whole numbers that are added up. */
const countMeasures = [
  "requests",
  "events",
  "bytes",
  "refused",
  "matched",
  "unmatched",
  "attempts",
  "delivered",
  "failed",
  "dead_lettered",
  "replayed",
] as const;
export type CountMeasure = (typeof countMeasures)[number];

/** Shares from 0 to 1. */
const rateMeasures = ["delivery_success_rate", "error_rate", "limit_use"] as const;
export type RateMeasure = (typeof rateMeasures)[number];

/** Milliseconds, as quantiles. */
const latencyMeasures = ["accept_latency_ms", "delivery_latency_ms", "attempt_latency_ms"] as const;
export type LatencyMeasure = (typeof latencyMeasures)[number];

export const measures = [...countMeasures, ...rateMeasures, ...latencyMeasures] as const;
export type Measure = (typeof measures)[number];

export const isLatency = (measure: Measure): measure is LatencyMeasure =>
  (latencyMeasures as readonly Measure[]).includes(measure);

export const isRate = (measure: Measure): measure is RateMeasure =>
  (rateMeasures as readonly Measure[]).includes(measure);

/** What each is called where people read it. */
export const measureNames: Readonly<Record<Measure, string>> = {
  requests: "Requests",
  events: "Events",
  bytes: "Bytes",
  refused: "Refused requests",
  matched: "Matched events",
  unmatched: "Unmatched events",
  attempts: "Attempts",
  delivered: "Delivered",
  failed: "Failed",
  dead_lettered: "Dead-lettered",
  replayed: "Replayed",
  delivery_success_rate: "Delivery success",
  error_rate: "Error rate",
  limit_use: "Use of the limit",
  accept_latency_ms: "Time to accept, p95",
  delivery_latency_ms: "Time to deliver, p95",
  attempt_latency_ms: "Answer time, p95",
};

/** By what numbers can be told apart. */
export const dimensions = [
  "event_type",
  "workflow_id",
  "subscription_id",
  "key_id",
  "status",
  "error",
  /** The error code that a refused request was answered with. */
  "reason",
] as const;
export type Dimension = (typeof dimensions)[number];

const PAIR_DIMENSIONS: readonly Dimension[] = ["subscription_id", "workflow_id", "status"];
/** Whether an event counts once for each subscription that matched it, as it does by any of these. */
export const countsPairs = (named: readonly Dimension[]): boolean =>
  named.some((each) => PAIR_DIMENSIONS.includes(each));

/** Why an attempt to deliver failed. */
export const errorClasses = [
  "timeout",
  "dns",
  "connect",
  "tls",
  "redirect",
  "http_4xx",
  "http_5xx",
  "gone",
  "forbidden_address",
  "other",
] as const;
export type ErrorClass = (typeof errorClasses)[number];

/** Stands for all values past the most frequent ones. */
export const OTHER = "(other)";

const ofRequests: readonly Dimension[] = ["event_type", "key_id"];
const ofDeliveries: readonly Dimension[] = ["event_type", "workflow_id", "subscription_id", "key_id", "status"];
const ofAttempts: readonly Dimension[] = [...ofDeliveries, "error"];

/**
 * What each measure can be told apart by. By anything else it is null: a refused request has no subscription.
 */
export const dimensionsOf: Readonly<Record<Measure, readonly Dimension[]>> = {
  requests: ofRequests,
  events: ofDeliveries,
  bytes: ofRequests,
  refused: ["key_id", "reason"],
  matched: ofDeliveries,
  unmatched: ofRequests,
  attempts: ofAttempts,
  delivered: ofAttempts,
  failed: ofAttempts,
  dead_lettered: ofAttempts,
  replayed: ofDeliveries,
  delivery_success_rate: ofAttempts,
  error_rate: ofAttempts,
  limit_use: ["key_id"],
  accept_latency_ms: ofRequests,
  delivery_latency_ms: ofDeliveries,
  attempt_latency_ms: ofAttempts,
};

const classByName: Readonly<Record<string, ErrorClass>> = {
  timeout: "timeout",
  dns_error: "dns",
  connect_timeout: "connect",
  connection_refused: "connect",
  connection_reset: "connect",
  connection_closed: "connect",
  connection_failed: "connect",
  unreachable: "connect",
  tls_error: "tls",
  redirect: "redirect",
  gone: "gone",
  forbidden_address: "forbidden_address",
};

/**
 * The class of an attempt's failure; null where it did not fail.
 * @param error the attempt's, as deliver names it
 * @param status of the answer, where there was one
 */
export function errorClassOf(error: string | null, status: number | null): ErrorClass | null {
  if (error === null) return null;
  if (error === "http_error" && status !== null)
    return status >= 500 ? "http_5xx" : status >= 400 ? "http_4xx" : "other";
  return classByName[error] ?? "other";
}
