import { deliveryId, eventId } from "../domain/ids.ts";
import type { Millis } from "../domain/time.ts";
import { attemptSpanId, batchSpanId, type Span, traceOf, traceparentOf } from "../domain/trace.ts";
import { type Part, type PlannedPost, toldReplay } from "./plan.ts";
import type { Settled } from "./settle.ts";

/**
 * Spans of attempts. A post carries events of many traces, so each of its deliveries has a span of its own, in its own
 * trace, below the span in which its batch was routed. The first one made the request: it is the parent that the
 * subscriber is told of, and the others link to it. Pure.
 */
interface Traced {
  readonly part: Part;
  readonly trace_id: string;
  readonly span_id: string;
}

function tracedParts({ parts, attempt }: PlannedPost, id: string, at: Millis, ratio: number): Traced[] {
  return parts.flatMap((part): Traced[] => {
    const { delivery } = part;
    const trace_id = traceOf(delivery, ratio)?.trace_id;
    if (trace_id === undefined) return [];
    return [{ part, trace_id, span_id: attemptSpanId(id, idOf(part), attempt, at) }];
  });
}

const idOf = ({ delivery }: Part): string => deliveryId(delivery.first, delivery.subscription_id, delivery.replay_id);

/**
 * The `traceparent` that goes along with a post: of the span that makes it, or, unrecorded, as the events came with it.
 * @param ratio of the traces begun here that are recorded; undefined where spans go nowhere
 */
export function traceparentFor(
  post: PlannedPost,
  id: string,
  at: Millis,
  ratio: number | undefined,
): string | undefined {
  const [own] = ratio === undefined ? [] : tracedParts(post, id, at, ratio);
  if (own !== undefined) return traceparentOf(own.trace_id, own.span_id);
  return post.parts.find(({ delivery }) => delivery.traceparent !== undefined)?.delivery.traceparent;
}

/** The spans of every attempt that was made. A webhook's path may be a secret, so spans name its host only. */
export const spansOf = (settled: readonly Settled[], ratio: number): Span[] =>
  settled.flatMap(({ posts, next }) =>
    posts.flatMap(({ post, id, at, result }) => {
      if (result === undefined) return [];
      const [first, ...others] = tracedParts(post, id, at, ratio);
      if (first === undefined) return [];
      const url = URL.parse(post.target.webhook_url);
      const { status, error, latency_ms } = result;
      const span = ({ part, trace_id, span_id }: Traced): Span => ({
        scope: "deliver",
        name: "POST",
        kind: "client",
        trace_id,
        span_id,
        parent: { span_id: batchSpanId("route", part.delivery.first), remote: false },
        start: at,
        end: at + latency_ms,
        attributes: {
          "http.request.method": "POST",
          "http.request.resend_count": post.attempt === 1 ? undefined : post.attempt - 1,
          "http.response.status_code": status ?? undefined,
          "server.address": url?.hostname,
          "server.port": url === null ? undefined : Number(url.port) || (url.protocol === "https:" ? 443 : 80),
          "url.scheme": url?.protocol.slice(0, -1),
          "triggers.tenant": part.delivery.tenant,
          "triggers.first_event_id": eventId(part.delivery.first),
          "triggers.events": part.offsets.length,
          "triggers.subscription_id": post.target.subscription_id,
          "triggers.delivery_id": idOf(part),
          "triggers.webhook_id": id,
          "triggers.replay_id": toldReplay(part.delivery),
          "triggers.attempt": post.attempt,
          "triggers.next": error === null ? "delivered" : next.kind,
        },
        // A status that is an error is its own name: OpenTelemetry's conventions for HTTP clients, "error.type".
        error: error === null ? undefined : status === null ? error : String(status),
      });
      const link = { trace_id: first.trace_id, span_id: first.span_id };
      return [span(first), ...others.map((other) => ({ ...span(other), link }))];
    }),
  );
