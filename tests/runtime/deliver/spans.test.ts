import assert from "node:assert/strict";
import { test } from "uvu";
import { deliveryId } from "../../../runtime/domain/ids.ts";
import { batchSpanId, type Span, traceOf } from "../../../runtime/domain/trace.ts";
import { makeWorld, START, SUB, TENANT } from "./world.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const HOUR = 3_600_000;

/** A world that exports its spans to a list. */
function traced(ratio = 1) {
  const world = makeWorld();
  const spans: Span[] = [];
  Object.assign(world.ports, {
    tracer: { ratio, export: async (made: () => readonly Span[]) => void spans.push(...made()) },
    posting: { ...world.ports.posting, traceRatio: ratio },
  });
  world.subscribe();
  return { world, spans };
}

test("an attempt is a span below the routing of its batch, and the subscriber's trace goes on from it", async () => {
  const { world, spans } = traced();
  const first = world.accept([{ n: 1 }, { n: 2 }], { traceparent: `00-${ID}-${CALLER}-01` });
  await world.settle();
  const [{ headers }] = world.posts as [(typeof world.posts)[0]];
  const { span_id, ...span } = spans[0]!;
  assert.equal(spans.length, 1);
  assert.equal(headers.traceparent, `00-${ID}-${span_id}-01`);
  assert.deepEqual(span, {
    scope: "deliver",
    name: "POST",
    kind: "client",
    trace_id: ID,
    parent: { span_id: batchSpanId("route", first), remote: false },
    start: START,
    end: START + 5,
    attributes: {
      "http.request.method": "POST",
      "http.request.resend_count": undefined,
      "http.response.status_code": 200,
      "server.address": "hooks.example.com",
      "server.port": 443,
      "url.scheme": "https",
      "triggers.tenant": TENANT,
      "triggers.first_event_id": `evt_${first}`,
      "triggers.events": 2,
      "triggers.subscription_id": SUB,
      "triggers.delivery_id": deliveryId(first, SUB),
      "triggers.webhook_id": headers["webhook-id"],
      "triggers.replay_id": undefined,
      "triggers.attempt": 1,
      "triggers.next": "delivered",
    },
    error: undefined,
  });
});

test("each attempt is a span of its own, and says what went wrong and what follows", async () => {
  const { world, spans } = traced();
  world.answers((_, nth) => [503, { error: "timeout", ms: 10_000 }, 200][nth - 1] ?? 200);
  world.accept([{ n: 1 }]);
  await world.run(START + HOUR);
  assert.deepEqual(
    spans.map(({ error, end, start, attributes }) => [
      attributes["triggers.attempt"],
      attributes["http.request.resend_count"],
      attributes["http.response.status_code"],
      error,
      attributes["triggers.next"],
      end - start,
    ]),
    [
      [1, undefined, 503, "503", "failed", 5],
      [2, 1, undefined, "timeout", "failed", 10_000],
      [3, 2, 200, undefined, "delivered", 5],
    ],
  );
  assert.equal(new Set(spans.map(({ span_id }) => span_id)).size, 3);
  assert.deepEqual(
    world.posts.map(({ headers }) => headers.traceparent!.slice(36, 52)),
    spans.map(({ span_id }) => span_id),
  );
});

test("in a post with the events of many traces, each trace has its span, linked to that of the request", async () => {
  const { world, spans } = traced();
  const mine = world.accept([{ n: 1 }]);
  world.advance(1);
  const theirs = world.accept([{ n: 2 }], { traceparent: `00-${ID}-${CALLER}-01` });
  world.advance(1);
  world.accept([{ n: 3 }], { traceparent: `00-2${ID.slice(1)}-${CALLER}-00` });
  await world.settle();
  assert.equal(world.posts.length, 1);
  const own = traceOf({ first: mine }, 1)!.trace_id;
  assert.deepEqual(
    spans.map(({ trace_id, parent, link }) => [trace_id, parent?.span_id, link?.span_id]),
    [
      [own, batchSpanId("route", mine), undefined],
      [ID, batchSpanId("route", theirs), spans[0]!.span_id],
    ],
  );
  assert.equal(world.posts[0]!.headers.traceparent, `00-${own}-${spans[0]!.span_id}-01`);
});

test("a trace that isn't recorded has no spans, and is passed on as it came", async () => {
  const { world, spans } = traced();
  const traceparent = `00-${ID}-${CALLER}-00`;
  world.accept([{ n: 1 }], { traceparent });
  await world.settle();
  assert.deepEqual([spans, world.posts[0]!.headers.traceparent], [[], traceparent]);
});

test("without a recorded trace of our own, subscribers get no trace", async () => {
  const { world, spans } = traced(0);
  world.accept([{ n: 1 }]);
  await world.settle();
  assert.deepEqual([spans, world.posts[0]!.headers.traceparent], [[], undefined]);
});

test("a delivery cut into many posts has a span for each of them", async () => {
  const { world, spans } = traced();
  world.accept(Array.from({ length: 250 }, (_, n) => ({ n })));
  await world.settle();
  assert.deepEqual(spans.map(({ attributes }) => attributes["triggers.events"]).sort(), [100, 100, 50]);
  assert.equal(new Set(spans.map(({ span_id }) => span_id)).size, 3);
});

test("a webhook whose URL is no longer valid fails as such, traced or not", async () => {
  const { world, spans } = traced();
  world.subscribe({ webhook_url: "nonsense" });
  const first = world.accept([{ n: 1 }]);
  await world.settle();
  assert.equal(world.delivery(first)!.attempts[0]!.error, "forbidden_url");
  assert.deepEqual([spans[0]!.error, spans[0]!.attributes["server.address"]], ["forbidden_url", undefined]);
});

test.run();
