import type { SQSRecord } from "aws-lambda";
import { defined, mapDefined } from "../domain/defined.ts";
import { SYSTEM_KEY } from "../domain/identity/systemKey.ts";
import { eventId, timeOf } from "../domain/ids.ts";
import { batchSpanId, type Span, traceOf } from "../domain/trace.ts";
import type { BatchItem } from "../store/batches/batchItem.ts";

/** What became of a message, as far as its spans tell. */
export interface Routed {
  readonly record: SQSRecord;
  readonly batch: BatchItem;
  readonly message?: { readonly rest?: boolean };
  readonly error?: unknown;
}

/**
 * The spans of an invocation's batches. That of a batch's acceptance is told here too, by the times that its message carries,
 * so that ingest, which callers wait for, has nothing to do with tracing. Pure.
 * @param started when the invocation began, in milliseconds as `ended`
 */
export function spansOf(routed: readonly Routed[], ratio: number, started: number, ended: number): Span[] {
  return routed.flatMap(({ record, batch, message, error }): Span[] => {
    const trace = traceOf(batch, ratio);
    if (trace === undefined) return [];
    const { trace_id, caller } = trace;
    const { first, tenant, count, key_id, matched } = batch;
    const remote = defined({ parent: mapDefined(caller, (caller) => ({ span_id: caller, remote: true })) });
    const common = { "triggers.tenant": tenant, "triggers.first_event_id": eventId(first), "triggers.events": count };
    const received = timeOf(first);
    const queued = Math.max(Number(record.attributes.SentTimestamp) || received, received);
    const accepted = batchSpanId("ingest", first);
    // Events of the platform itself have no request, and the rest of a request shares that of its beginning.
    const bySystem = key_id === SYSTEM_KEY || message?.rest === true;
    const acceptance: Span = {
      scope: "ingest",
      name: "POST /events",
      kind: "server",
      trace_id,
      span_id: accepted,
      ...remote,
      start: received,
      end: queued,
      attributes: {
        ...common,
        "http.request.method": "POST",
        "http.route": "/events",
        "http.response.status_code": 202,
        "triggers.key_id": key_id,
      },
    };
    const queue = record.eventSourceARN.split(":").at(-1)!;
    const routing: Span = {
      scope: "route",
      name: `process ${queue}`,
      kind: "consumer",
      trace_id,
      span_id: batchSpanId("route", first),
      ...(bySystem ? remote : { parent: { span_id: accepted, remote: false } }),
      start: started,
      end: ended,
      attributes: {
        ...common,
        "messaging.system": "aws_sqs",
        "messaging.operation.type": "process",
        "messaging.operation.name": "route",
        "messaging.destination.name": queue,
        "messaging.message.id": record.messageId,
        "triggers.subscriptions_matched": Object.keys(matched).length,
      },
      error: error === undefined ? undefined : error instanceof Error ? error.name : "_OTHER",
    };
    return bySystem ? [routing] : [acceptance, routing];
  });
}
