import { createHash } from "node:crypto";
import type { Ulid } from "./ids.ts";
import type { Millis } from "./time.ts";

/**
 * Spans of an event's way, as plain values. Invariant: every id is computed from what it names. So stages agree on an event's trace
 * without a message between them, and an event that is routed twice has one span.
 * docs/decisions/spans.md says why.
 */

/** W3C Trace Context, level 1, section 3.2: version 00. Ids of zeros are invalid. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 1;

/** The stage whose work a span is: its instrumentation scope. */
export type SpanScope = "ingest" | "route" | "deliver";

export interface Span {
  readonly scope: SpanScope;
  readonly name: string;
  readonly kind: "server" | "client" | "consumer";
  /** 32 hex digits. */
  readonly trace_id: string;
  /** 16 hex digits. */
  readonly span_id: string;
  readonly parent?: { readonly span_id: string /** Set by the caller. */; readonly remote: boolean };
  /** Milliseconds since the epoch. */
  readonly start: Millis;
  readonly end: number;
  /** What is undefined is left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Set where it failed: a short name, the span's `error.type`. */
  readonly error?: string | undefined;
  readonly link?: { readonly trace_id: string; readonly span_id: string };
}

/** The trace that a batch's events belong to. */
export interface Trace {
  readonly trace_id: string;
  /** The caller's span; undefined where the trace begins here. */
  readonly caller?: string;
}

/** Where spans go. */
export interface Tracer {
  /** Part of the traces begun here that is recorded, 0 to 1. */
  readonly ratio: number;
  /** Sends these spans within a bounded time. Never throws: a span that fails to be made or sent is dropped. */
  export(spansOf: () => readonly Span[]): Promise<void>;
}

const hex = (text: string, digits: number): string => createHash("sha256").update(text).digest("hex").slice(0, digits);

/**
 * A batch's trace: the caller's, sampled as the caller says; or one of our own, of which `ratio` are recorded.
 * @param batch its first ULID, and the `traceparent` that its request came with
 * @returns undefined when it isn't recorded
 */
export function traceOf(
  { first, traceparent }: { readonly first: Ulid; readonly traceparent?: string | undefined },
  ratio: number,
): Trace | undefined {
  const given = TRACEPARENT.exec(traceparent ?? "");
  if (given !== null)
    return (Number.parseInt(given[3]!, 16) & SAMPLED) === 0 ? undefined : { trace_id: given[1]!, caller: given[2]! };
  const trace_id = hex(`trace ${first}`, 32);
  return Number.parseInt(trace_id.slice(0, 8), 16) / 2 ** 32 < ratio ? { trace_id } : undefined;
}

/** Id of the span in which a batch was accepted, or routed. */
export const batchSpanId = (scope: "ingest" | "route", first: Ulid): string => hex(`${scope} ${first}`, 16);

/** Id of the span of one attempt at a delivery. @param at when it began: a second post of the same attempt is another span */
export const attemptSpanId = (webhookId: string, deliveryId: string, attempt: number, at: Millis): string =>
  hex(`attempt ${webhookId} ${deliveryId} ${attempt} ${at}`, 16);

/** As it goes along with a request made in this span. */
export const traceparentOf = (traceId: string, spanId: string): string => `00-${traceId}-${spanId}-01`;
