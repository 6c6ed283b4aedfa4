import assert from "node:assert/strict";
import { suite } from "uvu";
import { CAPS } from "../../../runtime/database/caps.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { Limiter } from "../../../runtime/redis/limiter.ts";
import { idleLimiter, startApi, type TestApi } from "../../support/api.ts";
import { serviceLambda } from "../../support/service.ts";
import { memoryS3 } from "../../support/storage.ts";

/** What one customer can make the API do is bounded, and each bound says so. */
const test = suite("bounds of what a customer can make us do");

let api: TestApi;
let live: Identity;
/** What the limiter was asked to count, by customer. */
const counted: [string, number][] = [];
const limiter = {
  ...idleLimiter,
  take: async (identity: Identity, cost: number) => {
    counted.push([identity.customer_id, cost]);
    const verdict = await idleLimiter.take(identity, cost);
    return cost > identity.limit_per_second
      ? { ...verdict, allowed: false, retryAfterMs: Number.POSITIVE_INFINITY }
      : verdict;
  },
};
test.before(async () => {
  const sqs = { send: async () => ({}) } as never;
  api = await startApi({ sqs, limiter, s3: memoryS3(new Map()), lambda: serviceLambda(() => api.database.db) });
});
test.before.each(async () => {
  ({ live } = await api.customer());
  counted.length = 0;
});
test.after(() => api.close());

test("a customer has a maximum number of keys, and a revoked key makes room", async () => {
  const make = () => api.call(live, "POST", "/keys", {});
  let last = await make();
  // Two come with the customer.
  for (let made = 3; made < CAPS.keys; made += 1) last = await make();
  assert.equal(last.status, 201);
  const refused = await make();
  assert.deepEqual(
    [refused.status, refused.body.error.code, refused.body.error.message],
    [422, "limit_reached", "There can be at most 100 keys; remove some, or wait until one has ended."],
  );
  assert.equal((await api.call(live, "DELETE", `/keys/${last.body.key_id}`)).status, 204);
  assert.equal((await make()).status, 201);
});

const jobs: readonly (readonly [kind: keyof typeof CAPS.jobs, path: string, body: () => object])[] = [
  ["replay", "/replays", () => ({ from: "2026-01-01T00:00:00Z" })],
  ["export", "/privacy/exports", () => ({ all: true })],
  ["erasure", "/privacy/erasures", () => ({ subject: { jsonpath: "$.user.id", equals: 1 } })],
];
for (const [kind, path, body] of jobs) {
  test(`at most ${CAPS.jobs[kind]} ${kind}s may be under way`, async () => {
    for (let begun = 0; begun < CAPS.jobs[kind]; begun += 1)
      assert.equal((await api.call(live, "POST", path, body())).status, 202);
    const { status, body: refusal } = await api.call(live, "POST", path, body());
    assert.deepEqual([status, refusal.error.code], [422, "limit_reached"]);
    const { live: other } = await api.customer("Other");
    assert.equal((await api.call(other, "POST", path, body())).status, 202);
  });
}

test("a replay is no faster than the customer may send", async () => {
  const slow = { ...live, limit_per_second: 7 };
  const rateOf = async (who: Identity, body: object) =>
    (await api.call(who, "POST", "/replays", { from: "2026-01-01T00:00:00Z", ...body })).body.request.rate_per_second;
  assert.deepEqual(
    [await rateOf(slow, {}), await rateOf(slow, { rate_per_second: 5 }), await rateOf(slow, { rate_per_second: 900 })],
    [7, 5, 7],
  );
});

test("the same refusal has one audit entry a minute", async () => {
  const entries = async () => {
    const { body } = await api.call({ ...live, scopes: [...live.scopes, "admin"] }, "GET", "/audit?limit=1000");
    return body.audit.filter(({ outcome }: { outcome: string }) => outcome !== "ok").length;
  };
  const refused = () => api.call(live, "DELETE", "/keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV", undefined);
  // From the beginning of a minute, so that slow calls stay within it.
  api.advance(60_000 - (api.deps.now() % 60_000));
  for (let i = 0; i < 20; i += 1) await refused();
  assert.equal(await entries(), 1);
  api.advance(60_000);
  for (let i = 0; i < 20; i += 1) await refused();
  assert.equal(await entries(), 2);
});

test("a dry-run counts its events against the limit, before they are matched", async () => {
  const events = Array(30).fill({ event_type: "a" });
  assert.equal((await api.call(live, "POST", "/events/dry-run", events)).status, 200);
  assert.deepEqual(counted.at(-1), [live.customer_id, 30]);
  const { status, body } = await api.call({ ...live, limit_per_second: 29 }, "POST", "/events/dry-run", events);
  assert.deepEqual([status, body.error.code], [429, "rate_limited"]);
});

test("a dry-run that would match for too long is refused, naming the selector that took longest", async () => {
  const subscribe = (cel: string, at: number) =>
    api.call(live, "POST", "/subscriptions", {
      workflow_id: `w${at}`,
      webhook_url: `https://example.com/${live.customer_id}/${at}`,
      event_selector: { cel },
    });
  const ids: string[] = [];
  for (let at = 0; at < 25; at += 1) {
    const { status, body } = await subscribe(`event.a.exists(x, x == ${at}.5) || event.b.exists(y, y == ${at}.5)`, at);
    assert.equal(status, 201, JSON.stringify(body));
    ids.push(body.subscription_id);
  }
  const heavy = `{"event_type":"d","a":[${"1,".repeat(4_000)}1],"b":[${"1,".repeat(4_000)}1]}`;
  const { status, body } = await api.call(live, "POST", "/events/dry-run", `[${Array(50).fill(heavy).join(",")}]`);
  assert.deepEqual([status, body.error.code], [422, "unprocessable"]);
  assert.match(body.error.message, /^Matching so many subscriptions takes too long, that of sub_\w+ longest/);
  // The same events, but few of them.
  assert.equal((await api.call(live, "POST", "/events/dry-run", `[${heavy}]`)).status, 200);
});

test("a dry-run compiles so many bytes of schemas", async () => {
  const types = ["a", "b", "c", "d", "e"];
  for (const type of types)
    assert.equal(
      (await api.call(live, "PUT", `/event-types/${type}`, { description: "x".repeat(60_000), required: ["id"] }))
        .status,
      200,
    );
  const dryRun = (of: readonly string[]) =>
    api.call(
      live,
      "POST",
      "/events/dry-run",
      of.map((event_type) => ({ event_type })),
    );
  const fits = await dryRun(types.slice(1));
  assert.deepEqual(
    [fits.status, fits.body.results.map(({ valid }: { valid: boolean }) => valid)],
    [200, [false, false, false, false]],
  );
  const { status, body } = await dryRun(types);
  assert.deepEqual(
    [status, body.error.code, body.error.message],
    [422, "unprocessable", "The schemas of these events are too large together; try events of fewer types."],
  );
});

test("a customer has so many subscriptions, made one by one or imported; a removed one makes room", async () => {
  const tenant = live.customer_id;
  const import_ = (count: number, from: number) =>
    api.call(live, "POST", "/subscriptions/import", {
      subscriptions: Array.from({ length: count }, (_, n) => ({
        webhook_url: `https://example.com/${tenant}/${from + n}`,
        event_selector: "never",
      })),
    });
  const { subscriptions } = CAPS;
  assert.equal(subscriptions, 100_000);
  // So many that the test can make them all.
  Object.assign(CAPS, { subscriptions: 5 });
  const { body: made } = await import_(3, 0);
  const [first] = made.subscriptions;
  const one = (n: number) =>
    api.call(live, "POST", "/subscriptions", {
      webhook_url: `https://example.com/${tenant}/one/${n}`,
      event_selector: "never",
    });
  const tooMany = await import_(3, 10);
  const message = "There can be at most 5 subscriptions; remove some, or wait until one has ended.";
  assert.deepEqual(
    [tooMany.status, tooMany.body.error.code, tooMany.body.error.message],
    [422, "limit_reached", message],
  );
  assert.equal((await import_(2, 10)).status, 201);
  const beyond = await one(1);
  assert.deepEqual([beyond.status, beyond.body.error.message], [422, message]);
  assert.equal((await api.call(live, "DELETE", `/subscriptions/${first.subscription_id}`)).status, 204);
  assert.equal((await one(2)).status, 201);
  const { live: other } = await api.customer("Other");
  const body = { webhook_url: "https://example.com/other", event_selector: "never" };
  assert.equal((await api.call(other, "POST", "/subscriptions", body)).status, 201);
  Object.assign(CAPS, { subscriptions });
});

test("a key has a limit of requests a second over all routes; the customer's other keys have their own", async () => {
  const now = Date.now();
  const requests: string[] = [];
  const real = new Limiter({
    redis: {
      run: async (_: string, [name]: readonly string[]) => {
        requests.push(name!);
        throw new Error("away");
      },
    } as never,
    now: () => now,
    failedOpen: () => {},
  });
  const verdicts = [];
  for (let i = 0; i < 1_500; i += 1) verdicts.push(await real.takeRequest(live));
  const allowed = verdicts.filter(({ allowed }) => allowed).length;
  assert.ok(allowed > 0 && allowed <= 1_000, String(allowed));
  assert.equal((await real.takeRequest({ ...live, key_id: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV" })).allowed, true);
  assert.match(requests[0]!, /^requests:\{.+\}:key_/);
});

test("a request over that limit is 429 with Retry-After, on any route", async () => {
  const refusing = await startApi({
    limiter: {
      ...idleLimiter,
      takeRequest: async (identity: Identity) => ({
        ...(await idleLimiter.takeRequest(identity)),
        allowed: false,
        retryAfterMs: 1_200,
      }),
    },
  });
  const who = { ...live };
  for (const [method, path] of [
    ["GET", "/inbox"],
    ["POST", "/subscriptions"],
    ["GET", "/nowhere"],
  ] as const) {
    const { status, headers, body } = await refusing.call(who, method, path, method === "POST" ? {} : undefined);
    assert.deepEqual([status, body.error.code, headers.get("retry-after")], [429, "rate_limited", "2"]);
    assert.equal(headers.get("ratelimit-limit"), String(who.limit_per_second));
  }
  await refusing.close();
});

test.run();
