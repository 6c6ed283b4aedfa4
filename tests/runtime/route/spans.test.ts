import assert from "node:assert/strict";
import type { SQSRecord } from "aws-lambda";
import { test } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import { timeOf } from "../../../runtime/domain/ids.ts";
import { batchSpanId, traceOf } from "../../../runtime/domain/trace.ts";
import { type Routed, spansOf } from "../../../runtime/route/spans.ts";

const FIRST = "01KAXQYH80ABCDEFGHJKMNPQRS";
const RECEIVED = timeOf(FIRST);
const CALLER = "b7ad6b7169203331";
const ID = "0af7651916cd43dd8448eb211c80319c";

const routed = (batch: Partial<Routed["batch"]> = {}, error?: unknown): Routed => ({
  record: {
    messageId: "m1",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:ingest-7",
    attributes: { SentTimestamp: String(RECEIVED + 12) },
  } as SQSRecord,
  batch: { tenant: "cus_1", first: FIRST, count: 3, key_id: "key_1", matched: { sub_1: [0] }, ...batch } as never,
  ...defined({ error }),
});

test("a batch has the span of its acceptance, below the caller's, and that of its routing below it", () => {
  const spans = spansOf([routed({ traceparent: `00-${ID}-${CALLER}-01` })], 0, RECEIVED + 50, RECEIVED + 60);
  const common = { "triggers.tenant": "cus_1", "triggers.first_event_id": `evt_${FIRST}`, "triggers.events": 3 };
  assert.deepEqual(spans, [
    {
      scope: "ingest",
      name: "POST /events",
      kind: "server",
      trace_id: ID,
      span_id: batchSpanId("ingest", FIRST),
      parent: { span_id: CALLER, remote: true },
      start: RECEIVED,
      end: RECEIVED + 12,
      attributes: {
        ...common,
        "http.request.method": "POST",
        "http.route": "/events",
        "http.response.status_code": 202,
        "triggers.key_id": "key_1",
      },
    },
    {
      scope: "route",
      name: "process ingest-7",
      kind: "consumer",
      trace_id: ID,
      span_id: batchSpanId("route", FIRST),
      parent: { span_id: batchSpanId("ingest", FIRST), remote: false },
      start: RECEIVED + 50,
      end: RECEIVED + 60,
      attributes: {
        ...common,
        "messaging.system": "aws_sqs",
        "messaging.operation.type": "process",
        "messaging.operation.name": "route",
        "messaging.destination.name": "ingest-7",
        "messaging.message.id": "m1",
        "triggers.subscriptions_matched": 1,
      },
      error: undefined,
    },
  ]);
});

const lines = (one: Routed, ratio = 1) =>
  spansOf([one], ratio, RECEIVED + 50, RECEIVED + 60).map(({ scope, trace_id, parent, error }) => [
    scope,
    trace_id,
    parent?.span_id,
    error,
  ]);
const own = traceOf({ first: FIRST }, 1)!.trace_id;
const accepted = batchSpanId("ingest", FIRST);

const behaviour: [says: string, one: Routed, ratio: number, lines: unknown[]][] = [
  [
    "without a caller's trace one begins with the acceptance",
    routed(),
    1,
    [
      ["ingest", own, undefined, undefined],
      ["route", own, accepted, undefined],
    ],
  ],
  ["unless none is to be recorded", routed(), 0, []],
  ["a trace that its caller does not record has no spans", routed({ traceparent: `00-${ID}-${CALLER}-00` }), 1, []],
  [
    "what fails is named, and accepted all the same",
    routed({}, new TypeError("x")),
    1,
    [
      ["ingest", own, undefined, undefined],
      ["route", own, accepted, "TypeError"],
    ],
  ],
  [
    "what the platform tells its customers was accepted by no request",
    routed({ key_id: "key_system" }),
    1,
    [["route", own, undefined, undefined]],
  ],
];
for (const [says, one, ratio, expected] of behaviour) test(says, () => assert.deepEqual(lines(one, ratio), expected));

test.run();
