import assert from "node:assert/strict";
import { mock } from "node:test";
import { suite } from "uvu";
import type { Deps } from "../../../runtime/api/deps.ts";
import { operator, startApi, type TestApi } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";

const test = suite("status of the platform");

/** What the parts answer, and how often they were asked. */
const world = {
  away: new Set<string>(),
  waiting: {} as Record<string, number>,
  oldest: {} as Record<string, number>,
  throttles: 0,
  asked: { queues: 0, metrics: 0 },
};
const answering =
  <T>(name: string, answer: () => T) =>
  async (): Promise<T> => {
    if (world.away.has(name)) throw new Error(`${name} is away`);
    return answer();
  };

let api: TestApi;
test.before(async () => {
  api = await startApi({
    env: {
      QUEUE_URLS: "https://sqs/1/ingest https://sqs/1/deliver https://sqs/1/retry",
      DEAD_LETTER_QUEUE_URLS: "https://sqs/1/ingest-dead https://sqs/1/deliver-dead https://sqs/1/retry-dead",
      // Nobody answers there.
      REDIS_URL: "redis://127.0.0.1:1",
    } as Deps["env"],
    sqs: {
      send: ({ input }: { input: { QueueUrl: string } }) => {
        world.asked.queues += 1;
        const waiting = world.waiting[input.QueueUrl.split("/").at(-1)!] ?? 0;
        return answering("sqs", () => ({ Attributes: { ApproximateNumberOfMessages: String(waiting) } }))();
      },
    } as unknown as Deps["sqs"],
    lambda: { send: answering("subscriptions", () => ({})) } as unknown as Deps["lambda"],
    cloudwatch: {
      send: async (
        {
          input,
        }: {
          input: { MetricDataQueries: { Id: string; MetricStat: { Metric: { Dimensions: { Value: string }[] } } }[] };
        },
        given: { abortSignal?: AbortSignal } = {},
      ) => {
        world.asked.metrics += 1;
        if (world.away.has("cloudwatch's answer"))
          await new Promise((_, reject) =>
            given.abortSignal?.addEventListener("abort", () => reject(new Error("late"))),
          );
        return answering("cloudwatch", () => ({
          MetricDataResults: input.MetricDataQueries.map(({ Id, MetricStat }) => {
            const of = MetricStat.Metric.Dimensions[0]!.Value;
            const value = Id === "reads" ? world.throttles : world.oldest[of];
            return { Id, Values: value === undefined ? [] : [value] };
          }),
        }))();
      },
    } as unknown as Deps["cloudwatch"],
  });
});
test.after(() => api.close());
test.before.each(() => {
  world.away.clear();
  Object.assign(world, { waiting: {}, oldest: {}, throttles: 0, asked: { queues: 0, metrics: 0 } });
  // What was seen before is too old by now.
  api.advance(61_000);
});

// biome-ignore lint/suspicious/noExplicitAny: tests compare what comes back, whatever it is
const open = async (): Promise<any> => (await api.app.request("/status")).json();
// biome-ignore lint/suspicious/noExplicitAny: as above
const states = ({ status, components }: any) =>
  [status, ...["api", "queue", "database", "delivery"].map((part) => components[part].status)].join(" ");

test("without a key the status tells the four states and nothing else, and may be cached for five seconds", async () => {
  const response = await api.app.request("/status");
  const body = (await response.json()) as { components: Record<string, object> };
  assert.deepEqual(
    Object.entries(body.components).map(([part, told]) => [part, Object.keys(told)]),
    ["api", "queue", "database", "delivery"].map((part) => [part, ["status"]]),
  );
  assert.equal(response.headers.get("cache-control"), "public, max-age=5");
});

test("with a key it tells figures as well", async () => {
  const { live } = await api.customer();
  world.waiting = { ingest: 7, retry: 3 };
  world.oldest = { ingest: 2, deliver: 30, retry: 900 };
  const { body, headers } = await api.call(live, "GET", "/status");
  assert.equal(states(body), "degraded degraded ok ok ok", "Redis does not answer here");
  const { queue, delivery, database } = body.components;
  assert.deepEqual(queue, { status: "ok", depth: 7, oldest_message_seconds: 2, dead_letters: 0 });
  assert.deepEqual(delivery, { status: "ok", depth: 3, oldest_message_seconds: 30, dead_letters: 0 });
  assert.deepEqual([typeof database.latency_ms, database.throttles], ["number", 0]);
  assert.equal(headers.get("cache-control"), "no-store");
});

test("metrics are complete until the oldest event that waits to be routed", async () => {
  const { live } = await api.customer();
  /** Whole minutes that are not counted in full yet. */
  const behind = async (): Promise<number> => {
    const query = { measures: ["events"], last: "1h", interval: "none" };
    const { body } = await api.call(live, "POST", "/metrics/query", query);
    return Math.floor((api.deps.now() - Date.parse(body.complete_until)) / 60_000);
  };
  assert.equal(await behind(), 0);
  api.advance(61_000);
  world.oldest = { ingest: 240, retry: 3_000 };
  assert.equal(await behind(), 4, "what waits for a retry is counted already");
  api.advance(61_000);
  world.oldest = { ingest: 2 };
  assert.equal(await behind(), 0);
  api.advance(61_000);
  world.away.add("cloudwatch");
  assert.equal(await behind(), 0, "nobody knows");
});

const faults: [what: string, put: () => void, expected: string][] = [
  [
    "messages wait for more than a minute before they are routed",
    () => (world.oldest = { ingest: 61 }),
    "degraded degraded degraded ok ok",
  ],
  [
    "deliveries wait for more than a minute",
    () => (world.oldest = { deliver: 61 }),
    "degraded degraded ok ok degraded",
  ],
  ["retries wait for their next attempt", () => (world.oldest = { retry: 960 }), "degraded degraded ok ok ok"],
  ["retries are late", () => (world.oldest = { retry: 961 }), "degraded degraded ok ok degraded"],
  ["messages were given up", () => (world.waiting = { "retry-dead": 1 }), "degraded degraded ok ok degraded"],
  ["the table throttles", () => (world.throttles = 4), "degraded degraded ok degraded ok"],
  ["the queues are away", () => world.away.add("sqs"), "down degraded down ok down"],
  ["the subscriptions service is away", () => world.away.add("subscriptions"), "down degraded ok ok down"],
  ["CloudWatch is away", () => world.away.add("cloudwatch"), "degraded degraded ok ok ok"],
];
test("CloudWatch that gives no answer is waited for as long as the others, and not longer", async () => {
  const late = new AbortController();
  const timeout = mock.method(AbortSignal, "timeout", () => late.signal);
  world.away.add("cloudwatch's answer");
  const waiting = open();
  await eventually(
    () => Promise.resolve(world.asked.metrics),
    (asked) => asked > 0,
  );
  late.abort();
  assert.equal(states(await waiting), "degraded degraded ok ok ok");
  assert.deepEqual(timeout.mock.calls.at(-1)!.arguments, [5_000]);
  timeout.mock.restore();
});

for (const [what, put, expected] of faults) {
  test(`where ${what} the status says so`, async () => {
    put();
    assert.equal(states(await open()), expected);
  });
}

test("queues are asked once in five seconds and CloudWatch once a minute, for any number of callers", async () => {
  await open();
  world.asked = { queues: 0, metrics: 0 };
  await Promise.all(Array.from({ length: 50 }, open));
  assert.deepEqual(world.asked, { queues: 0, metrics: 0 });
  api.advance(5_001);
  await Promise.all(Array.from({ length: 50 }, open));
  assert.deepEqual(world.asked, { queues: 6, metrics: 0 });
  api.advance(60_000);
  await open();
  assert.equal(world.asked.metrics, 1);
});

const tell = (body: object) => api.call(operator, "POST", "/incidents", body);
const change = (id: string, body: object) => api.call(operator, "PATCH", `/incidents/${id}`, body);

test("an incident of the operator's is told at once, counts for the parts it names, and ends when it is resolved", async () => {
  const made = await tell({ kind: "incident", title: "Slow deliveries", components: ["delivery"] });
  assert.deepEqual([made.status, made.body.status, made.body.impact], [201, "open", "degraded"]);
  api.advance(5_001);
  const told = await open();
  assert.equal(told.components.delivery.status, "degraded");
  assert.deepEqual(told.incidents[0], made.body);
  const worse = await change(made.body.incident_id, { impact: "down", message: "Nothing is delivered." });
  assert.deepEqual([worse.status, worse.body.impact, worse.body.message], [200, "down", "Nothing is delivered."]);
  api.advance(5_001);
  assert.equal((await open()).status, "down");
  const over = await change(made.body.incident_id, { status: "resolved" });
  assert.equal(over.body.status, "resolved");
  api.advance(5_001);
  const after = await open();
  assert.deepEqual([after.components.delivery.status, after.incidents[0].status], ["ok", "resolved"]);
});

test("maintenance is told before it begins, and makes nothing degraded unless it says so", async () => {
  const starts_at = new Date(api.deps.now() + 3_600_000).toISOString();
  const ends_at = new Date(api.deps.now() + 7_200_000).toISOString();
  const made = await tell({ kind: "maintenance", title: "New database", components: ["database"], starts_at, ends_at });
  assert.deepEqual([made.body.status, made.body.impact, made.body.starts_at], ["scheduled", "none", starts_at]);
  api.advance(3_601_000);
  const told = await open();
  assert.deepEqual([told.components.database.status, told.incidents[0].status], ["ok", "open"]);
  api.advance(31 * 86_400_000);
  assert.deepEqual((await open()).incidents, [], "what ended 30 days ago is not told any more");
});

test("an invalid incident is refused with its fault, an unknown one is 404, and only the operator writes incidents", async () => {
  const { live } = await api.customer();
  const good = { kind: "incident", title: "x" };
  for (const [body, path] of [
    [{ ...good, kind: "rumour" }, "/kind"],
    [{ ...good, title: "" }, "/title"],
    [{ ...good, title: " \n " }, "/title"],
    [{ ...good, components: ["moon"] }, "/components/0"],
    [{ ...good, starts_at: "2026-01-02T00:00:00Z", ends_at: "2026-01-01T00:00:00Z" }, "/ends_at"],
    [{ ...good, colour: "red" }, "/colour"],
  ] as const) {
    const refused = await tell(body);
    assert.deepEqual([refused.status, refused.body.error.details[0].path], [400, path]);
  }
  assert.equal((await change("inc_01JDGXS7G0ABCDEFGHJKMNPQRS", { title: "y" })).status, 404);
  assert.equal((await api.call(live, "POST", "/incidents", good)).status, 403);
});

test("each change of an incident is in the operator's audit log", async () => {
  const { body } = await tell({ kind: "incident", title: "Told" });
  await change(body.incident_id, { title: "Told again" });
  const log = await api.call(operator, "GET", "/audit?limit=2");
  assert.deepEqual(
    log.body.audit.map(({ action, object }: { action: string; object: string }) => [action, object]),
    [
      ["incident.update", body.incident_id],
      ["incident.create", body.incident_id],
    ],
  );
});

test.run();
