// group: shared 2
import assert from "node:assert/strict";
import { suite } from "uvu";
import { signIn } from "../support/console.ts";
import { eventually } from "../support/eventually.ts";
import { type Customer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";
import { openSocket, type Watcher } from "../support/watcher.ts";

/** Watching live, through the real edge: what a socket is sent, and what it is refused. */

const test = suite("live");

let platform: SharedPlatform;
let customer: Customer;
/** Told of an alert that begins with the tests: rules are looked at once a minute. */
let alarmed: { readonly watcher: Watcher; readonly rule_id: string };

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform, { name: "Watched" });
  const { api_key: key } = await newCustomer(platform, { name: "Alarmed" });
  const body = {
    ...{ name: "Nobody wants it", kind: "metric", query: { measures: ["unmatched"] }, threshold: 0 },
    ...{ for_minutes: 0, severity: "critical", channels: [], enabled: true },
  };
  const rule = await call(platform.url, "POST", "/alert-rules", { key, body });
  assert.equal(rule.status, 201, rule.text);
  const watcher = await watch(key);
  await watcher.subscribe({ subscribe: "alerts", filter: { severity: "critical" } });
  alarmed = { watcher, rule_id: rule.json.rule_id };
  await sendEvents(key, { event_type: "nobody.wants" });
});

/** Where sockets of the platform are opened. */
const socketUrl = () => `${platform.url.replace(/^http/, "ws")}/live`;

const ticketOf = async (key: string) => {
  const answer = await call(platform.url, "POST", "/live/tickets", { key });
  assert.equal(answer.status, 201, answer.text);
  return answer.json as { ticket: string; url: string; expires_at: string };
};

async function watch(key: string): Promise<Watcher> {
  const { ticket, url } = await ticketOf(key);
  return openSocket(`${url}?ticket=${ticket}`);
}

const sendEvents = async (key: string, body: unknown): Promise<string[]> => {
  const answer = await call(platform.url, "POST", "/events", { key, body });
  assert.equal(answer.status, 202, answer.text);
  return (answer.json.events ?? [answer.json]).map(({ event_id }: { event_id: string }) => event_id);
};

test("a ticket lets in once, for 30 s, on the platform's own host", async () => {
  const { ticket, url, expires_at } = await ticketOf(customer.api_key);
  assert.equal(url, socketUrl());
  assert.ok(Math.abs(Date.parse(expires_at) - Date.now() - 30_000) < 10_000, expires_at);
  const watcher = await openSocket(`${url}?ticket=${ticket}`);
  await assert.rejects(openSocket(`${url}?ticket=${ticket}`), /refused/);
  watcher.close();
});

test("without a ticket, or with an invalid one, the handshake is 401", async () => {
  await assert.rejects(openSocket(socketUrl()), /refused: 401/);
  await assert.rejects(openSocket(`${socketUrl()}?ticket=${"a".repeat(43)}`), /refused: 401/);
});

test("a page of the console needs no ticket: its session's cookie opens the socket, from this host alone, until it ends", async () => {
  const session = await signIn(platform.url, "Owner");
  const url = `${socketUrl()}?environment=sandbox`;
  const cookie = [...session.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  await assert.rejects(openSocket(url, { cookie, origin: "https://elsewhere.example" }), /refused: 403/);
  await assert.rejects(openSocket(url, { cookie: "__Host-triggers=made-up", origin: platform.url }), /refused: 401/);
  const watcher = await openSocket(url, { cookie, origin: platform.url });
  for (const channel of ["events", "deliveries", "metrics", "alerts"]) await watcher.subscribe({ subscribe: channel });
  const { status, json } = await session.call("POST", "/console/api/events", {
    body: { event_type: "from.the.console" },
    environment: "sandbox",
  });
  assert.equal(status, 202);
  await watcher.until("event", ({ event_id }) => event_id === json.event_id);
  const live = await session.call("POST", "/console/api/events", { body: { event_type: "another.side" } });
  assert.equal(live.status, 202);
  assert.equal(watcher.closed, undefined);
  assert.equal((await session.call("DELETE", "/console/session")).status, 204);
  await eventually(
    () => watcher.closed,
    (closed) => closed !== undefined,
    20_000,
  );
  assert.ok(!watcher.of("events").some(({ event_id }) => event_id === live.json.event_id));
});

test("events and deliveries are sent without payloads as they happen, figures at most once a second", async () => {
  const key = customer.api_key;
  const watcher = await watch(key);
  const subscription = await call(platform.url, "POST", "/subscriptions", {
    key,
    body: { workflow_id: "w", webhook_url: `${platform.sinkUrl}/live`, event_selector: "live.*" },
  });
  assert.equal(subscription.status, 201, subscription.text);
  for (const channel of ["events", "deliveries", "metrics", "alerts"]) await watcher.subscribe({ subscribe: channel });
  const first = await sendEvents(key, { event_type: "other.thing", secret: "S3CRET" });
  const told = await watcher.until("event", ({ event_id }) => event_id === first[0]);
  const { received_at, ...event } = told;
  assert.deepEqual(event, { channel: "events", event_id: first[0], event_type: "other.thing", status: "unmatched" });
  assert.ok(!Number.isNaN(Date.parse(String(received_at))));
  // A subscription takes effect within five seconds.
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  const matched = await sendEvents(key, [{ event_type: "live.one" }, { event_type: "live.two" }]);
  for (const id of matched)
    await watcher.until("event", ({ channel, event_id }) => channel === "events" && event_id === id);
  const delivery = await watcher.until(
    "delivery",
    ({ channel, event_ids }) =>
      channel === "deliveries" && (event_ids as string[] | undefined)?.includes(matched[0]!) === true,
  );
  assert.equal(delivery.status, "delivered");
  assert.equal(delivery.status_code, 200);
  assert.equal(delivery.subscription_id, subscription.json.subscription_id);
  const figures = await watcher.until("figures", ({ channel, events }) => channel === "metrics" && Number(events) > 0);
  assert.ok("delivered" in figures && "start" in figures && "at" in figures, JSON.stringify(figures));
  // By the time that each says of itself: on a busy machine a late one may arrive just before the next.
  const times = watcher.of("metrics").map(({ at }) => Date.parse(String(at)));
  for (let at = 1; at < times.length; at += 1) assert.ok(times[at]! - times[at - 1]! > 700, `${times}`);
  assert.ok(!JSON.stringify(watcher.told).includes("S3CRET"));
  watcher.close();
});

test("a socket gets the events that pass its filter, and none after it unsubscribed", async () => {
  const key = customer.api_key;
  const watcher = await watch(key);
  await watcher.subscribe({ subscribe: "events", filter: { event_type: ["wanted.*"] } });
  const [unwanted, wanted] = await sendEvents(key, [{ event_type: "unwanted" }, { event_type: "wanted.one" }]);
  await watcher.until("event", ({ event_id }) => event_id === wanted);
  assert.ok(!watcher.of("events").some(({ event_id }) => event_id === unwanted));
  watcher.say({ unsubscribe: "events" });
  await watcher.until("answer", ({ unsubscribed }) => unsubscribed === "events");
  const [later] = await sendEvents(key, { event_type: "wanted.two" });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.ok(!watcher.of("events").some(({ event_id }) => event_id === later));
  watcher.close();
});

test("a client that returns with its last event gets all that it missed", async () => {
  const key = customer.api_key;
  const before = await sendEvents(key, { event_type: "seen" });
  const watcher = await watch(key);
  await watcher.subscribe({ subscribe: "events", after: before[0] });
  await new Promise((resolve) => setTimeout(resolve, 500));
  watcher.close();
  const missed = await sendEvents(
    key,
    Array.from({ length: 120 }, (_, n) => ({ event_type: "missed", n })),
  );
  const again = await watch(key);
  await again.subscribe({ subscribe: "events", after: before[0] });
  const now = await sendEvents(key, { event_type: "now" });
  await again.until("last", ({ event_id }) => event_id === now[0]);
  const ids = new Set(again.of("events").map(({ event_id }) => event_id));
  assert.deepEqual(
    missed.filter((id) => !ids.has(id)),
    [],
  );
  assert.ok(!ids.has(before[0]));
  again.close();
});

test("a socket gets fifty events a second; the others are counted, each once", async () => {
  const key = customer.api_key;
  const watcher = await watch(key);
  await watcher.subscribe({ subscribe: "events" });
  const sent = await sendEvents(
    key,
    Array.from({ length: 400 }, (_, n) => ({ event_type: "burst", n })),
  );
  await watcher.until("count of the rest", ({ channel, skipped }) => channel === "events" && skipped !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const shown = watcher.of("events").filter(({ event_type }) => event_type === "burst").length;
  const skipped = watcher.of("events").reduce((sum, message) => sum + (message.skipped ?? 0), 0);
  assert.equal(shown + skipped, sent.length);
  assert.equal(shown, 50);
  watcher.close();
});

test("a sandbox key's socket sees the sandbox alone, and another customer's sees nothing", async () => {
  const other = await newCustomer(platform, { name: "Other" });
  const [sandbox, stranger] = await Promise.all([watch(customer.sandbox_key), watch(other.api_key)]);
  await sandbox.subscribe({ subscribe: "events" });
  await stranger.subscribe({ subscribe: "events" });
  await sendEvents(customer.api_key, { event_type: "live.side" });
  const [id] = await sendEvents(customer.sandbox_key, { event_type: "sandbox.side" });
  await sandbox.until("event", ({ event_id }) => event_id === id);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.deepEqual(
    sandbox.of("events").map(({ event_id }) => event_id),
    [id],
  );
  assert.deepEqual(stranger.of("events"), []);
  sandbox.close();
  stranger.close();
});

test("an invalid message is answered with the error and with what is allowed", async () => {
  const watcher = await watch(customer.api_key);
  const wrong: readonly [message: unknown, code: string, says: RegExp][] = [
    ["no json", "invalid_json", /not valid JSON/],
    [[], "invalid_request", /subscribe/],
    [{ subscribe: "everything" }, "invalid_request", /"metrics", "events", "deliveries", "alerts"/],
    [{ subscribe: "events", filter: { colour: ["red"] } }, "invalid_request", /event_type, status, key_id/],
    [{ subscribe: "events", after: "yesterday" }, "invalid_request", /evt_/],
    [{ subscribe: "metrics", after: "evt_01JDGXS7G0ABCDEFGHJKMNPQRS" }, "invalid_request", /events/],
    [{ subscribe: "events", also: 1 }, "invalid_request", /also/],
  ];
  for (const [message, code, says] of wrong) {
    watcher.told.length = 0;
    watcher.say(message);
    const { error } = (await watcher.until("refusal", ({ error }) => error !== undefined)) as unknown as {
      error: { code: string };
    };
    assert.equal(error.code, code);
    assert.match(JSON.stringify(error).replaceAll('\\"', '"'), says);
  }
  assert.equal(watcher.closed, undefined);
  watcher.close();
});

test("an alert that changes its state is sent with its value, threshold, cause and beginning", async () => {
  const { watcher, rule_id } = alarmed;
  const told = await watcher.until(
    "alert",
    ({ channel, state }) => channel === "alerts" && state === "firing",
    240_000,
  );
  const { name, kind, severity, value, threshold, since, alert_id, at } = told;
  assert.deepEqual(
    { rule_id: told.rule_id, name, kind, severity, threshold },
    { rule_id, name: "Nobody wants it", kind: "metric", severity: "critical", threshold: 0 },
  );
  assert.ok(Number(value) >= 1 && "cause" in told, JSON.stringify(told));
  assert.match(String(alert_id), /^alt_/);
  for (const time of [since, at]) assert.ok(!Number.isNaN(Date.parse(String(time))), JSON.stringify(told));
  watcher.close();
});

test.run();
