import assert from "node:assert/strict";
import { test } from "uvu";
import { billOf, compressionOf, type Line, numbersOf, priceOf, totalOf, usualLoad } from "../../program/cost/model.ts";
import { exampleGraph } from "../../program/graph.ts";

const prod = await exampleGraph("prod");
const dev = await exampleGraph("dev");
const usd = (lines: readonly Line[], what: string): number => lines.find((line) => line.what === what)!.usd;

test("a tier's price holds within the tier only", () => {
  assert.equal(priceOf("internet_out_gb", 10_240), 10_240 * 0.09);
  assert.equal(priceOf("internet_out_gb", 10_340), 10_240 * 0.09 + 100 * 0.085);
});

test("a price for zero units is zero", () => assert.equal(priceOf("sqs_request", 0), 0));

const measured: [events: number, ratio: number][] = [
  [1, 2.07],
  [20, 4.65],
  [100, 5.04],
  [1_000, 5.04],
];
for (const [events, ratio] of measured)
  test(`${events} events in a request shrink ${ratio} times`, () => assert.equal(compressionOf(events), ratio));

test("between measured numbers, more events shrink better", () => {
  assert.ok(compressionOf(5) > compressionOf(2));
  assert.ok(compressionOf(50) > compressionOf(20) && compressionOf(50) < compressionOf(100));
});

test("a call of a queue is billed by 64 KB, for any number of messages", () => {
  const seconds = 730 * 3_600;
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 0.01, `${actual}`);
  // A hundred events are 27 KB of message, and a run gets two of them: together they are one chunk.
  const packed = billOf(prod, usualLoad);
  near(usd(packed, "accepted requests"), priceOf("sqs_request", 100 * seconds * (1 + 0.5 + 0.5)));
  near(usd(packed, "deliveries"), priceOf("sqs_request", 100 * seconds * (0.5 + 0.5 + 0.5)));
  // Single events: ingest sends each by itself, a run gets ten, and route sends ten in a call.
  const single = billOf(prod, { ...usualLoad, eventsPerRequest: 1 });
  near(usd(single, "accepted requests"), priceOf("sqs_request", 10_000 * seconds * (1 + 0.1 + 0.1)));
  near(usd(single, "deliveries"), priceOf("sqs_request", 10_000 * seconds * (0.1 + 0.1 + 0.1)));
});

test("a stream of facts is billed for each run of route and deliver, as 5 KB at least", () => {
  // A hundred requests a second: fifty runs of each.
  const { rows, stream } = numbersOf(billOf(prod, usualLoad));
  const gigabytes = (100 * 730 * 3_600 * 5 * 1_024) / 1e9;
  assert.ok(Math.abs(stream - priceOf("firehose_gb", gigabytes)) < 0.01, `${stream}`);
  assert.ok(rows > 0 && rows < stream, "the rows cost less");
});

test("packing a hundred events into a request saves nine tenths", () => {
  const single = totalOf(billOf(prod, { ...usualLoad, eventsPerRequest: 1 }));
  assert.ok(totalOf(billOf(prod, usualLoad)) < single / 10);
});

test("a bill grows with each part of the load", () => {
  const base = totalOf(billOf(prod, usualLoad));
  for (const more of [
    { eventsPerSecond: 20_000 },
    { eventBytes: 2_000 },
    { deliveriesPerEvent: 2 },
    { retentionDays: 365 },
    { webhookMs: 1_000 },
    { pulledShare: 0.5 },
    { watched: 1 },
    { activeCustomers: 100 },
    { mails: 10_000 },
  ])
    assert.ok(totalOf(billOf(prod, { ...usualLoad, ...more })) > base, JSON.stringify(more));
});

test("the cost has counts by environment, the inbox, pollers for single events and the store at the edge", () => {
  const [packed, single] = [100, 1].map((eventsPerRequest) => billOf(prod, { ...usualLoad, eventsPerRequest })) as [
    readonly Line[],
    readonly Line[],
  ];
  // An environment writes once a second however many runs it has: single events are 100 times the runs, not the counts.
  assert.ok(usd(packed, "usage counts") < 150, String(usd(packed, "usage counts")));
  assert.ok(usd(single, "usage counts") < 1_500, String(usd(single, "usage counts")));
  const requests = (10_000 * 730 * 3_600) / 100;
  assert.equal(usd(packed, "acknowledgements"), priceOf("dynamodb_ia_write_unit", requests * 0.1));
  assert.ok(usd(single, "pollers") > usd(packed, "pollers") + 500);
  assert.equal(usd(packed, "asking which region takes events in"), priceOf("cloudfront_kvs_read", requests));
});

test("the cost of watching live is zero without watchers", () => {
  const [none, some, many] = [0, 100, 10_000].map((watched) => billOf(prod, { ...usualLoad, watched })) as [
    readonly Line[],
    readonly Line[],
    readonly Line[],
  ];
  const live = (lines: readonly Line[]) =>
    lines.filter(({ service, what }) => service === "API Gateway" || what.startsWith("publish"));
  assert.deepEqual(live(none), []);
  assert.equal(usd(some, "connections"), priceOf("websocket_minute", (100 * 730 * 3_600) / 60));
  assert.ok(totalOf(live(many)) > totalOf(live(some)) * 50);
});

test("alert rules are paid for by the customers that are active, a run each minute beside", () => {
  const [few, many] = [1, 10_000].map((activeCustomers) => billOf(prod, { ...usualLoad, activeCustomers })) as [
    readonly Line[],
    readonly Line[],
  ];
  const minutes = (730 * 3_600) / 60;
  for (const name of ["alert", "report", "probe"])
    assert.equal(usd(few, `${name}, requests`), priceOf("lambda_request", minutes));
  assert.equal(usd(many, "alert rules, reads"), priceOf("dynamodb_read_unit", minutes * 10_010));
  assert.ok(usd(many, "alert, run time") > usd(few, "alert, run time") * 10);
  assert.equal(usd(few, "mails of alerts and reports"), priceOf("ses_mail", 1_000));
});

test("without events a stack costs what stands idle, and dev less than prod", () => {
  const idle = { ...usualLoad, eventsPerSecond: 0 };
  assert.ok(totalOf(billOf(dev, idle)) < totalOf(billOf(prod, idle)) / 3);
});

test("an instance without a listed price is an error that names it", () => {
  const resources = prod.resources.map((one) =>
    one.type === "aws:rds/instance:Instance" ? { ...one, inputs: { ...one.inputs, instanceClass: "db.x9.huge" } } : one,
  );
  assert.throws(() => billOf({ ...prod, resources }, usualLoad), {
    message: "db.x9.huge: not in program/cost/prices.json",
  });
});

test.run();
