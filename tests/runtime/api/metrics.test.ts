import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { jsonSize, MOST_ANSWER_BYTES } from "../../../runtime/domain/answer.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { daysOf } from "../../../runtime/domain/metrics/cube.ts";
import { dimensions, isLatency, type Measure, measures } from "../../../runtime/domain/metrics/names.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { acceptedFact, countUsage } from "../../support/usage.ts";

const test = suite("metrics over the API");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let api: TestApi;
let live: Identity;
let other: Identity;
/** Three hours that are over. */
let start: number;
/** Queries that only the cube's function can answer. */
const toCube: { from: string; to: string }[] = [];
const NOW = Date.now();
test.before(async () => {
  api = await startApi({
    now: () => NOW,
    lambda: {
      async send({ input }: { input: { Payload: Uint8Array } }) {
        toCube.push(JSON.parse(Buffer.from(input.Payload).toString()).query);
        return { Payload: Buffer.from(JSON.stringify({ series: [], totals: {} })) };
      },
    } as never,
  });
  ({ live } = await api.customer());
  ({ live: other } = await api.customer("Other"));
  start = Math.floor(api.deps.now() / HOUR) * HOUR - 5 * HOUR;
  const accepted = (at: number, types: (string | null)[]) => acceptedFact(live, at, types);
  await countUsage(api.deps.dynamodb, [
    accepted(start + MINUTE, ["a", "b", null]),
    accepted(start + MINUTE, ["a"]),
    accepted(start + HOUR, ["a", "c"]),
  ]);
});
test.after(() => api.close());

const iso = (ms: number) => new Date(ms).toISOString();
const range = () => ({ from: iso(start), to: iso(start + 3 * HOUR) });
const ask = (query: object, who = live) => api.call(who, "POST", "/metrics/query", query);

test("the answer has a point for each hour, with zeros and null where no event came", async () => {
  const { status, body } = await ask({ ...range(), measures: ["events", "accept_latency_ms"], interval: "hour" });
  assert.equal(status, 200);
  assert.deepEqual(
    body.series.map((series: { key: object }) => series.key),
    [{}],
  );
  assert.deepEqual(
    body.series[0].points.map((point: { start: string; events: number }) => [point.start, point.events]),
    [
      [iso(start), 4],
      [iso(start + HOUR), 2],
      [iso(start + 2 * HOUR), 0],
    ],
  );
  assert.equal(body.series[0].points[2].accept_latency_ms, null);
  assert.equal(body.totals.events, 6);
  assert.deepEqual(
    [body.from, body.to, body.interval, body.time_zone, body.folded],
    [iso(start), iso(start + 3 * HOUR), "hour", "UTC", 0],
  );
  assert.ok(Date.parse(body.complete_until) <= api.deps.now());
});

test("series beyond `top` become one, with their number", async () => {
  const query = { ...range(), measures: ["events"], interval: "none", group_by: ["event_type"], top: 2 };
  const { body } = await ask(query);
  assert.equal(body.folded, 2);
  assert.deepEqual(
    body.series.map(({ key, totals }: { key: object; totals: object }) => [key, totals]),
    [
      [{ event_type: "a" }, { events: 3 }],
      [{ event_type: "b" }, { events: 1 }],
      [{ event_type: "(other)" }, { events: 2 }],
    ],
  );
  assert.deepEqual(body.totals, { events: 6 });
});

test("a filter counts only the values that it names", async () => {
  const { body } = await ask({ ...range(), measures: ["events"], filter: { event_type: ["b", null] } });
  assert.equal(body.totals.events, 2);
});

test("refused requests are told apart by their reason, which nothing else has", async () => {
  const at = start + 2 * HOUR + MINUTE;
  const called = (outcome: string, requests: number): UsageFact => ({
    ...{ kind: "called", tenant: live.customer_id, at, key_id: live.key_id, call: "POST /events" },
    ...{ outcome, requests, events: 0, bytes: 0 },
  });
  await countUsage(api.deps.dynamodb, [called("rate_limited", 3), called("payload_too_large", 1), called("ok", 9)]);
  const { body } = await ask({ ...range(), measures: ["refused", "events"], group_by: ["reason"] });
  assert.deepEqual(
    body.series.map(({ key, totals }: { key: object; totals: object }) => [key, totals]),
    [
      [{ reason: "rate_limited" }, { refused: 3, events: null }],
      [{ reason: "payload_too_large" }, { refused: 1, events: null }],
    ],
  );
  const query = `from=${iso(start)}&to=${iso(start + 3 * HOUR)}&measures=refused&interval=none&reason=rate_limited`;
  assert.deepEqual((await api.call(live, "GET", `/metrics?${query}`)).body.totals, { refused: 3 });
  assert.deepEqual((await ask({ ...range(), measures: ["refused"], group_by: ["event_type", "reason"] })).body.totals, {
    refused: null,
  });
});

test("an answer has twenty series by default", async () => {
  const types = Array.from({ length: 25 }, (_, n) => `many.${n}`);
  const at = start + 4 * HOUR;
  const events = types.map((type) => ({ type, bytes: 1 }));
  await countUsage(api.deps.dynamodb, [
    { kind: "accepted", tenant: other.customer_id, at, routed_at: at, key_id: other.key_id, events, matched: {} },
  ]);
  const query = { from: iso(at), to: iso(at + HOUR), measures: ["events"], interval: "none", group_by: ["event_type"] };
  const { body } = await ask(query, other);
  assert.deepEqual([body.series.length, body.folded], [21, 5]);
  assert.deepEqual(body.series.at(-1).totals, { events: 5 });
  const all = await ask({ ...query, top: 100 }, other);
  assert.deepEqual([all.body.series.length, all.body.folded], [25, 0]);
});

test("the auto interval: minutes up to 6 h, hours up to 14 days, days beyond", async () => {
  const intervals: string[] = [];
  for (const last of ["6h", "361m", "14d", "15d"])
    intervals.push((await ask({ measures: ["events"], last })).body.interval);
  assert.deepEqual(intervals, ["minute", "hour", "hour", "day"]);
  const { body } = await ask({ measures: ["events"], last: "24h" });
  assert.equal(body.series[0].points.length, 24);
  assert.equal(body.series[0].points.at(-1).partial, true);
  assert.equal(body.series[0].points[0].partial, undefined);
});

test("`none` is one point of the whole range, over days as well", async () => {
  const asked = { from: iso(start - 50 * HOUR), to: iso(start + 3 * HOUR), measures: ["events"], interval: "none" };
  const { body } = await ask(asked);
  assert.deepEqual(
    [body.from, body.to, body.series[0].points],
    [asked.from, asked.to, [{ start: asked.from, events: 6 }]],
  );
});

test("`compare` adds the same series of the time before", async () => {
  const query = {
    from: iso(start + HOUR),
    to: iso(start + 2 * HOUR),
    measures: ["events"],
    interval: "hour",
    group_by: ["event_type"],
    compare: "previous",
  };
  const { body } = await ask(query);
  assert.deepEqual([body.compare.from, body.compare.to], [iso(start), iso(start + HOUR)]);
  const keys = (series: { key: { event_type: string } }[]) => series.map(({ key }) => key.event_type);
  assert.deepEqual(keys(body.series), ["a", "c"]);
  assert.deepEqual(keys(body.compare.series), ["a", "c", "(other)"]);
  assert.deepEqual(body.compare.totals, { events: 4 });
  const week = await ask({ ...query, compare: "week" });
  assert.equal(week.body.compare.from, iso(start + HOUR - 7 * 24 * HOUR));
});

test("GET takes the same as parameters, and answers a table where one is asked for", async () => {
  const query = `from=${iso(start)}&to=${iso(start + 2 * HOUR)}&measures=events&measures=accept_latency_ms&interval=hour`;
  const posted = await ask({
    from: iso(start),
    to: iso(start + 2 * HOUR),
    measures: ["events", "accept_latency_ms"],
    interval: "hour",
    group_by: ["event_type"],
    filter: { event_type: ["a", "b"] },
    top: 1,
  });
  for (const filter of ["event_type=a&event_type=b", "filter[event_type]=a&filter[event_type]=b"]) {
    const got = await api.call(live, "GET", `/metrics?${query}&group_by=event_type&${filter}&top=1`);
    assert.equal(got.status, 200);
    delete got.body.complete_until;
    delete posted.body.complete_until;
    assert.deepEqual(got.body, posted.body);
  }
  const { body, headers } = await api.call(live, "GET", `/metrics?${query}`, undefined, { accept: "text/csv" });
  assert.equal(headers.get("content-type"), "text/csv; charset=utf-8");
  assert.equal(
    body,
    [
      "start,events,accept_latency_ms_p50,accept_latency_ms_p95,accept_latency_ms_p99,accept_latency_ms_count,partial",
      `${iso(start)},4,,,,0,`,
      `${iso(start + HOUR)},2,,,,0,`,
      "",
    ].join("\r\n"),
  );
});

for (const [accept, type] of [
  ["Text/CSV", "text/csv; charset=utf-8"],
  ["application/json;q=0.5, text/csv", "text/csv; charset=utf-8"],
  ["text/csv;q=0.5, application/json", "application/json"],
  ["text/csv;q=0, */*", "application/json"],
  ["*/*", "application/json"],
] as const)
  test(`who accepts ${accept} is answered ${type}`, async () => {
    const { headers } = await api.call(live, "GET", "/metrics?measures=events", undefined, { accept });
    assert.equal(headers.get("content-type"), type);
  });

test("a hundred series of a month by hour fit into an answer, beside the month before as well", async () => {
  const types = Array.from({ length: 130 }, (_, n) => `kind.${n}`);
  const { live: shop } = await api.customer("Many types");
  await countUsage(api.deps.dynamodb, [acceptedFact(shop, start + 60_000, types)]);
  const month = { measures: ["events"], last: "30d", interval: "hour", group_by: ["event_type"] };
  const { status, body } = await ask({ ...month, top: 100 }, shop);
  assert.deepEqual([status, body.series.length, body.folded, body.totals.events], [200, 101, 30, 130]);
  assert.ok(jsonSize(body) < MOST_ANSWER_BYTES, `${jsonSize(body)} bytes`);
  const compared = await ask({ ...month, compare: "previous" }, shop);
  assert.deepEqual([compared.status, compared.body.series.length], [200, 21]);
});

const refused: [says: string, query: object, path: string, names: RegExp][] = [
  ["an unknown measure", { measures: ["evnts"] }, "/measures/0", /"events"/],
  ["no measure", { measures: [] }, "/measures", /events, bytes/],
  ["nothing", {}, "/measures", /events, bytes/],
  ["a measure that is no list", { measures: "events" }, "/measures", /events, bytes/],
  ["a measure twice", { measures: ["events", "events"] }, "/measures", /twice/],
  ["an unknown dimension", { measures: ["events"], group_by: ["color"] }, "/group_by/0", /"event_type"/],
  ["three dimensions", { measures: ["events"], group_by: ["status", "error", "key_id"] }, "/group_by", /2/],
  ["an unknown filter", { measures: ["events"], filter: { color: ["red"] } }, "/filter/color", /not known/],
  ["an unknown error", { measures: ["failed"], filter: { error: ["boom"] } }, "/filter/error/0", /"timeout"/],
  ["an unknown zone", { measures: ["events"], time_zone: "Mars/Olympus" }, "/time_zone", /IANA/],
  ["an unknown interval", { measures: ["events"], interval: "week" }, "/interval", /"minute"/],
  ["an unknown length", { measures: ["events"], last: "soon" }, "/last", /24h/],
  ["two ranges", { measures: ["events"], last: "1h", from: "2026-01-01T00:00:00Z" }, "/last", /together/],
  ["an end without a beginning", { measures: ["events"], to: "2026-01-01T00:00:00Z" }, "/from", /must be there/],
  ["too many points", { measures: ["events"], last: "30d", interval: "minute" }, "/interval", /10000/],
  [
    "too many series",
    { measures, last: "30d", interval: "hour", group_by: ["event_type"], top: 100 },
    "/top",
    /makes 72000 points of 100 series; at most 10000/,
  ],
  ["minutes that are not kept", { measures: ["events"], ...old(40, 39), interval: "minute" }, "/from", /35 days/],
  ["hours that are not kept", { measures: ["events"], ...old(500, 490), interval: "hour" }, "/from", /400 days/],
  ["an empty range", { measures: ["events"], ...old(2, 2) }, "/to", /after/],
  [
    "a range since the year 1",
    { measures: ["events"], from: "0001-01-01T00:00:00Z", interval: "none" },
    "/from",
    /3650 days/,
  ],
  [
    "a range to the year 9999",
    { measures: ["events"], ...old(1, 0), to: "9999-12-31T00:00:00Z" },
    "/from",
    /3650 days/,
  ],
  ["a length of centuries", { measures: ["events"], last: "9999999d" }, "/last", /3650 days/],
  [
    "one point too many",
    { measures: ["events"], last: "167h", interval: "minute" },
    "/interval",
    /makes 10020 points; at most 10000/,
  ],
  ["a range in the future", { measures: ["events"], ...old(-2, -3) }, "/from", /now/],
  ["a top of no series", { measures: ["events"], group_by: ["error"], top: 0 }, "/top", /1/],
  ["a top out of range", { measures: ["events"], group_by: ["error"], top: 101 }, "/top", /100/],
  ["an unknown member", { measures: ["events"], sql: "select 1" }, "/sql", /not known/],
];
function old(from: number, to: number) {
  // The clock is asked once: where both are the same, so are the times.
  const [now, day] = [Date.now(), 24 * HOUR];
  return { from: iso(now - from * day), to: iso(now - to * day) };
}
for (const [says, query, path, names] of refused)
  test(`${says} is refused, and the answer names the allowed values`, async () => {
    const { status, body } = await ask(query);
    assert.equal(status, 400);
    assert.equal(body.error.code, "invalid_request");
    const [detail] = body.error.details;
    assert.equal(detail.path, path);
    assert.match(detail.message, names);
  });

/** Queries of the stored hours, by any members. Null can't be said by a parameter. */
const plainNames = fc.constantFrom("a", "b", "none", "", "\u{1F600} &+%=");
const saidQuery = fc
  .record(
    {
      measures: fc.shuffledSubarray([...measures], { minLength: 1 }),
      range: fc.oneof(
        fc.constant({ last: "2d" }),
        fc.integer({ min: 0, max: 240 }).map((minutes) => ({ from: iso(start + minutes * MINUTE) })),
        fc
          .tuple(fc.integer({ min: -60, max: 240 }), fc.integer({ min: 0, max: 240 }))
          .map(([from, minutes]) => ({ from: iso(start + from * MINUTE), to: iso(start + (from + minutes) * MINUTE) })),
      ),
      interval: fc.constantFrom("auto", "minute", "hour", "day", "none"),
      time_zone: fc.constantFrom("UTC", "Asia/Kathmandu", "America/St_Johns", "Mars/Olympus"),
      group_by: fc.shuffledSubarray([...dimensions], { maxLength: 3 }),
      filter: fc.dictionary(fc.constantFrom(...dimensions), fc.array(plainNames, { minLength: 1, maxLength: 2 }), {
        maxKeys: 2,
      }),
      top: fc.integer({ min: 0, max: 101 }),
      compare: fc.constantFrom("previous", "week"),
      histogram: fc.boolean(),
    },
    { requiredKeys: ["measures", "range"] },
  )
  .map(({ range, filter, ...query }) => ({
    ...query,
    ...range,
    ...(filter === undefined ? {} : { filter: { ...filter } }),
  }));

/** The same query as parameters: members of lists repeat. */
function parametersOf({ filter = {}, ...query }: { readonly filter?: object }): string {
  const named = Object.entries(filter).map(([name, values]) => [`filter[${name}]`, values] as const);
  const pairs = [...Object.entries(query), ...named].flatMap(([name, value]) =>
    [value as unknown].flat().map((one) => [name, String(one)]),
  );
  return String(new URLSearchParams(pairs));
}

test("any query as parameters is answered, or refused, as the object is", () => {
  let answered = 0;
  return fc
    .assert(
      fc.asyncProperty(saidQuery, async (query) => {
        const posted = await ask(query);
        const got = await api.call(live, "GET", `/metrics?${parametersOf(query)}`);
        if (posted.status === 200) answered += 1;
        assert.equal(got.status, posted.status, JSON.stringify([query, got.body, posted.body]));
        if (posted.status === 200) assert.deepEqual(got.body, posted.body);
        else assert.deepEqual(got.body.error.details, posted.body.error.details);
      }),
      { numRuns: 150, includeErrorInReport: true },
    )
    .then(() => assert.ok(answered > 30, `${answered} were answered`));
});

test("where nothing happened, each point and total is zeros, rates and latencies null, also in what is compared and as CSV", async () => {
  const { live: idle } = await api.customer("Idle");
  const nothingOf = (measure: Measure) =>
    isLatency(measure) || ["error_rate", "delivery_success_rate"].includes(measure) ? null : 0;
  await fc.assert(
    fc.asyncProperty(saidQuery, async ({ group_by: _, filter: __, ...query }) => {
      const { status, body } = await ask(query, idle);
      if (status !== 200) return;
      const nothing = Object.fromEntries(query.measures.map((measure) => [measure, nothingOf(measure)]));
      for (const { series, totals } of [body, body.compare].filter((part) => part !== undefined)) {
        assert.deepEqual(totals, nothing);
        for (const { points, totals: own } of series) {
          assert.deepEqual(own, nothing);
          for (const { start: _, partial: __, ...values } of points) assert.deepEqual(values, nothing);
        }
      }
      const table = await api.call(idle, "GET", `/metrics?${parametersOf({ ...query, filter: {} })}`, undefined, {
        accept: "text/csv",
      });
      const cells = query.measures.flatMap((measure) =>
        isLatency(measure) ? ["", "", "", 0] : [nothingOf(measure) ?? ""],
      );
      for (const line of table.body.trim().split("\r\n").slice(1))
        assert.match(line, new RegExp(`^[^,]+,${cells.join(",")},(true)?$`));
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
});

/** What no member of a query means to be. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    "",
    0,
    -1,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER,
    [],
    {},
    [[]],
    [null],
    "__proto__",
    "\u{1F600}",
  ),
  fc.constantFrom("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "99999999d", "1970-01-01T00:00:00+23:59", "\u0661h"),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: "grapheme", maxLength: 70 }),
);
const time = fc
  .date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString());
const either = (good: fc.Arbitrary<unknown>) => fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: odd });
const names = fc.array(fc.option(fc.string({ unit: "binary", maxLength: 5 })), { maxLength: 3 });
const anyQuery = fc.record(
  {
    measures: either(fc.subarray([...measures], { minLength: 1 })),
    last: either(fc.tuple(fc.nat(10_000), fc.constantFrom("m", "h", "d", "w")).map((parts) => parts.join(""))),
    from: either(time),
    to: either(time),
    interval: either(fc.constantFrom("auto", "minute", "hour", "day", "none")),
    time_zone: either(fc.constantFrom("UTC", "Asia/Kathmandu", "America/St_Johns")),
    group_by: either(fc.subarray([...dimensions], { maxLength: 2 })),
    filter: either(fc.dictionary(fc.oneof(fc.constantFrom(...dimensions), fc.string()), either(names), { maxKeys: 2 })),
    top: either(fc.integer({ min: 1, max: 100 })),
    compare: either(fc.constantFrom("previous", "week")),
    histogram: either(fc.boolean()),
  },
  { requiredKeys: ["measures"] },
);
test("any query, however odd, is answered, or refused with what is wrong and where; the cube is asked for ten years at most", () =>
  fc.assert(
    fc.asyncProperty(anyQuery, async (query) => {
      toCube.length = 0;
      const { status, body } = await ask(query);
      if (status !== 200) {
        assert.deepEqual([status, body.error.code], [400, "invalid_request"], JSON.stringify([query, body]));
        assert.ok(
          body.error.details.every(
            ({ path, message }: Record<string, string>) => path !== undefined && message!.length > 5,
          ),
        );
      }
      for (const { from, to } of toCube)
        if (from !== undefined)
          assert.ok(
            daysOf({ from: Date.parse(from), to: Math.min(Date.parse(to ?? iso(Date.now())), Date.now()) }).length <=
              3_651,
          );
    }),
    { numRuns: 300, includeErrorInReport: true },
  ));

test("a customer sees only its own numbers, and a key without the scope sees none", async () => {
  assert.equal((await ask({ ...range(), measures: ["events"] }, other)).body.totals.events, 0);
  const writer = { ...live, scopes: ["events:write" as const] };
  assert.equal((await ask({ measures: ["events"] }, writer)).status, 403);
  assert.equal((await api.call(writer, "GET", "/metrics?measures=events")).status, 403);
});

test.run();
