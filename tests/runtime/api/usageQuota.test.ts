import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { addHourUp, countUsage, expireMinutes } from "../../support/usage.ts";

const test = suite("quota over the API");
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Half past noon of the 20th day of a month of 31. */
const NOW = Date.UTC(2026, 2, 20, 12, 30);
const iso = (ms: number) => new Date(ms).toISOString();

let api: TestApi;
let live: Identity;
let sandbox: Identity;
test.before(async () => {
  api = await startApi({ now: () => NOW });
});
test.before.each(async () => {
  ({ live, sandbox } = await api.customer());
});
test.after(() => api.close());

const accept = async (at: number, events: number, who = live) => {
  const fact: UsageFact = {
    kind: "accepted",
    tenant: who.environment === "sandbox" ? `${who.customer_id}.sandbox` : who.customer_id,
    at,
    routed_at: at,
    key_id: who.key_id,
    events: Array.from({ length: events }, () => ({ type: "a", bytes: 1 })),
  };
  await countUsage(api.deps.dynamodb, [fact]);
  await addHourUp(api.deps.dynamodb, fact.tenant, at);
};
const quota = async (from: number, to: number, who = live, more = "") =>
  (await api.call(who, "GET", `/usage?from=${iso(from)}&to=${iso(to)}${more}`)).body.quota;

const month = { month_start: iso(Date.UTC(2026, 2)), month_end: iso(Date.UTC(2026, 3)) };
const unused = {
  limit_per_second: 1_000,
  average_per_second: 0,
  average_use: 0,
  peak_per_second: 0,
  peak_use: 0,
  peak_at: null,
  peak_interval: null,
};
const nothing = {
  ...month,
  events_to_date: 0,
  events_per_second: 0,
  projected_events: null,
  projected_use: null,
  peak_per_second: null,
  peak_growth_per_day: null,
  limit_reached_at: null,
};

test("a customer without traffic used nothing and is expected to use nothing", async () => {
  assert.deepEqual(await quota(NOW - DAY, NOW), { ...unused, projection: nothing });
});

test("the answer has the use of the limit within the range, and the expected use from now on", async () => {
  const yesterday = NOW - DAY;
  await accept(yesterday, 720);
  await accept(yesterday + 5 * MINUTE, 360);
  // Before the month and before the range; after the range.
  await accept(NOW - 25 * DAY, 500);
  await accept(NOW - 2 * HOUR, 144);
  const { projection, ...used } = await quota(yesterday - HOUR, yesterday + HOUR);
  assert.deepEqual(used, {
    ...unused,
    // From 11:00 to 14:00: ranges are widened to whole hours.
    average_per_second: 0.1,
    average_use: 0.0001,
    peak_per_second: 12,
    peak_use: 0.012,
    peak_at: iso(yesterday),
    peak_interval: "minute",
  });
  const perSecond = 1_224 / ((7 * DAY + 30 * MINUTE) / 1_000);
  const left = (Date.UTC(2026, 3) - NOW) / 1_000;
  const projected = 1_224 + perSecond * left;
  assert.deepEqual(projection, {
    ...month,
    events_to_date: 1_224,
    events_per_second: 0.002,
    projected_events: Math.round(projected),
    projected_use: Math.round((projected / (31 * 86_400) / 1_000) * 1e6) / 1e6,
    // 26 days of traffic, most of them without an event.
    peak_per_second: 0,
    peak_growth_per_day: 0,
    limit_reached_at: null,
  });
});

test("the projection is the same for every range that is asked for", async () => {
  for (let day = 1; day <= 30; day += 1) await accept(NOW - day * DAY, 100 * (31 - day));
  const [asked, ...others] = await Promise.all([
    quota(NOW - DAY, NOW),
    quota(NOW - 60 * DAY, NOW - 50 * DAY),
    quota(NOW - 3 * DAY, NOW - 2 * DAY, live, "&group_by=key"),
    quota(NOW - 31 * DAY, NOW + 10 * DAY, live, "&interval=day"),
    quota(NOW - HOUR, NOW, live, "&interval=minute"),
  ]);
  assert.deepEqual(
    others.map(({ projection }) => projection),
    others.map(() => asked.projection),
  );
  // 100 events more each day, all of a day's within one minute: 3,000 yesterday.
  assert.equal(asked.projection.peak_per_second, 50);
  assert.equal(asked.projection.peak_growth_per_day, 1.667);
  assert.equal(asked.projection.limit_reached_at, null);
  const small = await quota(NOW - DAY, NOW, { ...live, limit_per_second: 150 });
  assert.equal(small.projection.limit_reached_at, iso(NOW + 60 * DAY));
});

test("a range of minutes has its busiest minute, in any hour", async () => {
  await accept(NOW - 10 * MINUTE, 60);
  await accept(NOW - 5 * MINUTE, 120);
  const { peak_per_second, peak_at, peak_interval } = await quota(NOW - 20 * MINUTE, NOW, live, "&interval=minute");
  assert.deepEqual([peak_per_second, peak_at, peak_interval], [2, iso(NOW - 5 * MINUTE), "minute"]);
});

test("a key with its own limit sees its share of that limit, and that of the customer beside it", async () => {
  const key: Identity = { ...live, key_id: "key_other", key_limit_per_second: 10 };
  await accept(NOW - 3 * HOUR, 600);
  await accept(NOW - 2 * HOUR, 300, key);
  for (const group of ["", "&group_by=event_type"]) {
    const { key: own, peak_per_second, limit_per_second } = await quota(NOW - 4 * HOUR, NOW, key, group);
    assert.deepEqual([limit_per_second, peak_per_second], [1_000, 10]);
    assert.deepEqual(own, {
      key_id: "key_other",
      limit_per_second: 10,
      // From 08:00 to 12:30.
      average_per_second: 0.019,
      average_use: 0.001852,
      peak_per_second: 5,
      peak_use: 0.5,
      peak_at: iso(NOW - 2 * HOUR),
      peak_interval: "minute",
    });
  }
  assert.equal((await quota(NOW - 4 * HOUR, NOW)).key, undefined);
});

test("the sandbox has a quota of its own", async () => {
  await accept(NOW - HOUR, 600);
  assert.deepEqual(await quota(NOW - DAY, NOW, sandbox), { ...unused, projection: nothing });
  await accept(NOW - HOUR, 60, sandbox);
  const { peak_per_second, projection } = await quota(NOW - DAY, NOW, sandbox);
  assert.deepEqual([peak_per_second, projection.events_to_date], [1, 60]);
});

test("where minutes have expired, the peak is that of the hour", async () => {
  await accept(NOW - 100 * DAY, 720);
  const hour = `${iso(NOW - 100 * DAY).slice(0, 13)}:00:00.000Z`;
  await expireMinutes(api.deps.dynamodb, live.customer_id, NOW - 100 * DAY);
  const { peak_per_second, peak_at, peak_interval } = await quota(NOW - 101 * DAY, NOW - 99 * DAY);
  assert.deepEqual([peak_per_second, peak_at, peak_interval], [0.2, hour, "hour"]);
});

test.run();
