import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { acceptedFact, addHourUp, countUsage } from "../../support/usage.ts";

const test = suite("usage over the API");
const HOUR = 3_600_000;

let api: TestApi;
let live: Identity;
let other: Identity;
let start: number;
test.before(async () => {
  api = await startApi();
  ({ live } = await api.customer());
  ({ live: other } = await api.customer("Other"));
  start = Math.floor(api.deps.now() / HOUR) * HOUR - 5 * HOUR;
  const write = (facts: UsageFact[]) => countUsage(api.deps.dynamodb, facts);
  const accepted = (at: number, types: (string | null)[]) =>
    acceptedFact(live, at, types, { sub_1: types.map((_, i) => i) });
  const attempted = (at: number, outcome: "delivered" | "failed" | "dead_lettered", latency_ms: number): UsageFact => ({
    kind: "attempted",
    tenant: live.customer_id,
    at,
    subscription_id: "sub_1",
    outcome,
    latency_ms,
    parts: [{ types: ["a"], key_id: live.key_id }],
  });
  await write([accepted(start + 60_000, ["a", "b", null]), attempted(start + 61_000, "delivered", 100)]);
  await write([
    accepted(start + HOUR, ["a"]),
    attempted(start + HOUR, "failed", 200),
    attempted(start + HOUR, "dead_lettered", 300),
  ]);
});
test.after(() => api.close());

const iso = (ms: number) => new Date(ms).toISOString();
const range = () => `from=${iso(start)}&to=${iso(start + 2 * HOUR)}`;
const usage = async (query: string, who = live) => (await api.call(who, "GET", `/usage?${query}`)).body;
const none = { p50: null, p95: null, p99: null };

test("usage by hour adds up to its totals", async () => {
  const { body, status } = await api.call(live, "GET", `/usage?${range()}&interval=hour`);
  assert.equal(status, 200);
  // usageQuota.test.ts is about it.
  delete body.quota;
  const near = (ms: number) => (body: number) => Math.abs(body - ms) <= ms * 0.05;
  const [first, second] = body.buckets;
  assert.ok(near(100)(first.latency_ms.p50));
  assert.ok(near(300)(second.latency_ms.p99));
  for (const bucket of [first, second, body.totals]) bucket.latency_ms = none;
  assert.deepEqual(body, {
    from: iso(start),
    to: iso(start + 2 * HOUR),
    interval: "hour",
    buckets: [
      {
        start: iso(start),
        requests: 1,
        events: 3,
        bytes: 300,
        delivered: 1,
        failed: 0,
        dead_lettered: 0,
        latency_ms: none,
        limit_use: 0.000001,
      },
      {
        start: iso(start + HOUR),
        requests: 1,
        events: 1,
        bytes: 100,
        delivered: 0,
        failed: 1,
        dead_lettered: 1,
        latency_ms: none,
        limit_use: 0,
      },
    ],
    totals: {
      requests: 2,
      events: 4,
      bytes: 400,
      delivered: 1,
      failed: 1,
      dead_lettered: 1,
      latency_ms: none,
      limit_use: 0.000001,
      limit_per_second: 1_000,
      projected_events_30d: 1_440,
    },
  });
});

test("usage is grouped by event type, subscription or key, and the totals stay those of all", async () => {
  const by = async (group: string) => {
    const { buckets, totals } = await usage(`${range()}&group_by=${group}`);
    assert.deepEqual([totals.requests, totals.events], [2, 4]);
    return buckets.map((b: Record<string, unknown>) => [b.start, b.key, b.requests, b.events, b.delivered]);
  };
  const [one, two] = [iso(start), iso(start + HOUR)];
  assert.deepEqual(await by("event_type"), [
    [one, null, 1, 1, 0],
    [one, "a", 1, 1, 1],
    [one, "b", 1, 1, 0],
    [two, "a", 1, 1, 0],
  ]);
  assert.deepEqual(await by("subscription"), [
    [one, "sub_1", 1, 3, 1],
    [two, "sub_1", 1, 1, 0],
  ]);
  assert.deepEqual(await by("key"), [
    [one, live.key_id, 1, 3, 1],
    [two, live.key_id, 1, 1, 0],
  ]);
});

test("minutes and days add the same events up", async () => {
  const events = async (query: string) =>
    (await usage(query)).buckets.reduce((sum: number, bucket: { events: number }) => sum + bucket.events, 0);
  assert.equal(await events(`${range()}&interval=minute`), 4);
  assert.equal(await events(`${range()}&interval=day`), 4);
  const minutes = (await usage(`${range()}&interval=minute`)).buckets;
  assert.deepEqual(
    minutes.filter((bucket: { events: number }) => bucket.events > 0).map((b: { start: string }) => b.start),
    [iso(start + 60_000), iso(start + HOUR)],
  );
});

test("counts from before the environments were counted apart add up with later ones", async () => {
  const { live: old } = await api.customer("Old");
  const hour = start + 2 * HOUR;
  const put = (interval: "m" | "h", at: number, e: number) =>
    api.deps.dynamodb.send(
      new PutItemCommand({
        TableName: "metrics",
        Item: {
          pk: { S: `${old.customer_id}#${interval}` },
          sk: { S: `${iso(at).slice(0, 16)}#` },
          ...{ e: { N: String(e) }, r: { N: "1" }, "w#AbC": { N: "7" } },
        },
      }),
    );
  // Both intervals were counted then.
  await put("h", hour - 1_000 * HOUR, 40);
  await put("h", hour, 5);
  await put("m", hour, 5);
  const fact: UsageFact = {
    ...{ kind: "accepted", tenant: old.customer_id, at: hour + 60_000, routed_at: hour + 60_000, key_id: old.key_id },
    events: [{ type: "a", bytes: 1 }],
  };
  await countUsage(api.deps.dynamodb, [fact]);
  const events = async (interval: string, from = hour) =>
    (await usage(`from=${iso(from)}&to=${iso(hour + HOUR)}&interval=${interval}`, old)).totals.events;
  assert.deepEqual([await events("hour"), await events("minute")], [6, 6]);
  await addHourUp(api.deps.dynamodb, old.customer_id, hour);
  assert.deepEqual([await events("hour"), await events("hour", hour - 1_000 * HOUR)], [6, 46]);
});

test("a caller sees only its own usage", async () => {
  assert.equal((await usage(range(), other)).totals.events, 0);
  assert.equal((await usage(range(), { ...live, environment: "sandbox" })).totals.events, 0);
});

test("a table is answered to those who accept text/csv", async () => {
  const { headers, body } = await api.call(live, "GET", `/usage?${range()}&group_by=key`, undefined, {
    accept: "text/csv",
  });
  assert.equal(headers.get("content-type"), "text/csv; charset=utf-8");
  const [head, line] = (body as string).split("\r\n");
  assert.equal(
    head,
    "start,key,requests,events,bytes,delivered,failed,dead_lettered,latency_ms_p50,latency_ms_p95,latency_ms_p99,limit_use",
  );
  assert.equal(line, `${iso(start)},${live.key_id},1,3,300,1,0,0,101.8,101.8,101.8,0.000001`);
});

test("an empty or an endless range is refused", async () => {
  for (const query of [
    `from=${iso(start)}&to=${iso(start - HOUR)}`,
    `from=2020-01-01T00:00:00Z&interval=minute`,
    "interval=year",
  ]) {
    const { status, body } = await api.call(live, "GET", `/usage?${query}`);
    assert.deepEqual([status, body.error.code], [400, "invalid_request"]);
  }
});

test.run();
