/** Weeks of an online shop's requests, each with what became of it. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { decide } from "../../runtime/deliver/schedule.ts";
import type { Tenant } from "../../runtime/domain/identity/identity.ts";
import { newUlid } from "../../runtime/domain/ids.ts";
import { hourStart } from "../../runtime/domain/metrics/hours.ts";
import { HOUR_MS, type Millis } from "../../runtime/domain/time.ts";
import type { StoredAttempt, StoredDelivery, StoredRequest } from "../stored.ts";

/** Events in one request. */
export const EVENTS_A_REQUEST = 100;

/** The shop's workflows, with the types that each selects. `review.posted` is for none. */
export const workflows: Readonly<Record<string, readonly string[]>> = {
  fulfilment: ["order.created", "order.paid", "order.cancelled"],
  accounting: ["order.paid", "order.refunded", "invoice.paid"],
  billing: ["invoice.sent", "invoice.paid", "invoice.overdue"],
  "customer-care": ["customer.created", "customer.updated", "customer.deleted", "order.refunded"],
  marketing: ["cart.updated", "cart.abandoned"],
  warehouse: ["parcel.packed", "parcel.sent", "parcel.delayed"],
  payments: ["payment.captured", "payment.failed"],
  purchasing: ["stock.low", "stock.empty"],
  fraud: ["payment.failed", "order.cancelled"],
  newsletter: ["customer.created"],
};
const types = [...new Set([...Object.values(workflows).flat(), "review.posted"])].sort();

/** A workday has three times the requests at its height than at night, and a weekend half of a workday's. */
function busyness(hour: Millis): number {
  const at = new Date(hour);
  const ofDay = 1 - 0.5 * Math.cos(((at.getUTCHours() - 3) * Math.PI) / 12);
  return at.getUTCDay() % 6 === 0 ? ofDay / 2 : ofDay;
}

/** A part of an hour, and how many requests came in it. */
export interface BusyHour {
  readonly from: Millis;
  readonly to: Millis;
  readonly requests: number;
}

/** Spreads requests over the hours of a range: as many in all as asked for. */
export function hoursOf(from: Millis, to: Millis, requests: number): BusyHour[] {
  const hours: { from: Millis; to: Millis; weight: number }[] = [];
  for (let at = from; at < to; ) {
    const end = Math.min(to, hourStart(at) + HOUR_MS);
    hours.push({ from: at, to: end, weight: busyness(at) * (end - at) });
    at = end;
  }
  const all = hours.reduce((sum, { weight }) => sum + weight, 0);
  let [weighed, told] = [0, 0];
  return hours.map(({ from, to, weight }) => {
    weighed += weight;
    const until = Math.round((requests * weighed) / all);
    const own = until - told;
    told = until;
    return { from, to, requests: own };
  });
}

/** Whose requests these are. */
export interface Shop {
  readonly tenant: Tenant;
  readonly key_ids: readonly string[];
  /** The subscription of each workflow. */
  readonly subscriptions: Readonly<Record<string, string>>;
  /** All that is told has ended before this. */
  readonly end: Millis;
}

const payload = (type: string, n: number) => ({
  event_type: type,
  id: n,
  amount: n % 1_000,
  customer: { email: `someone${n % 5_000}@example.com`, name: "A. Customer", city: "Zürich" },
  lines: Array.from({ length: 3 }, (_, i) => ({ sku: `SKU-${(n + i) % 997}`, qty: i + 1, price: 19.9 })),
  note: Math.sin(n).toString(36).repeat(8),
});

/** The `n`th request: three quarters of its events are of one type and a quarter is of another. */
export function requestOf(shop: Shop, at: Millis, n: number, dice: RandomGenerator): StoredRequest {
  const { tenant, key_ids, subscriptions } = shop;
  const drawn = () => uniformFloat64(dice);
  const pick = () => types[Math.floor(drawn() * types.length)]!;
  const [most, some] = [pick(), pick()];
  const own = Array.from({ length: EVENTS_A_REQUEST }, (_, i) => (i % 4 === 0 ? some : most));
  return {
    tenant,
    first: newUlid(at, EVENTS_A_REQUEST),
    key_id: key_ids[n % key_ids.length]!,
    types: own,
    payloads: own.map((type, i) => Buffer.from(JSON.stringify(payload(type, n * EVENTS_A_REQUEST + i)))),
    accept_ms: 4 + Math.floor(40 * drawn() ** 4),
    deliveries: Object.entries(workflows).flatMap(([workflow, wanted]): StoredDelivery[] => {
      const indexes = own.flatMap((type, i) => (wanted.includes(type) ? [i] : []));
      if (indexes.length === 0) return [];
      const attempts = attemptsOf(at + ROUTED_MS, shop.end, drawn);
      return [{ subscription_id: subscriptions[workflow]!, indexes, attempts }];
    }),
  };
}

const ROUTED_MS = 40;
/** Of all deliveries, so many fail at first, and so many of all fail for good. */
const FAIL = { first: 0.03, always: 0.002 } as const;
const FAILURES = [
  { status: null, latency_ms: 10_000, error: "timeout" },
  { status: 503, latency_ms: 30, error: "http_error" },
  { status: 503, latency_ms: 90, error: "http_error" },
  { status: 400, latency_ms: 20, error: "http_error" },
] as const;

/** Attempts by the schedule of deliveries. What would still wait by the end arrives at the first try instead. */
function attemptsOf(from: Millis, end: Millis, drawn: () => number): StoredAttempt[] {
  const luck = drawn();
  const failing = luck < FAIL.always ? Number.POSITIVE_INFINITY : luck < FAIL.first ? 1 : 0;
  const failure = FAILURES[Math.floor(drawn() * FAILURES.length)]!;
  const arrives = (at: Millis) => ({ at, status: 200, latency_ms: 15 + Math.floor(400 * drawn() ** 3), error: null });
  const attempts: StoredAttempt[] = [];
  for (let at = from; attempts.length < failing; ) {
    attempts.push({ at, ...failure });
    const next = decide(failure, attempts.length, drawn(), at);
    if (next.kind !== "failed") return attempts;
    at += failure.latency_ms + next.retry_after_ms;
    if (at + failure.latency_ms >= end) return [arrives(from)];
    if (attempts.length >= failing) return [...attempts, arrives(at)];
  }
  return [arrives(from)];
}
