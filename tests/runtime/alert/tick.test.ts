import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import { sendDue } from "../../../runtime/alert/deliverMessages.ts";
import { probe } from "../../../runtime/alert/probe.ts";
import { type TickPorts, tick } from "../../../runtime/alert/tick.ts";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import type { Service } from "../../../runtime/aws/service.ts";
import { putProbe } from "../../../runtime/counters/alerts.ts";
import { MESSAGE_WAITS_MINUTES } from "../../../runtime/database/alerts.ts";
import { asService } from "../../../runtime/database/roles.ts";
import type { DirectPost, DirectPostAnswer } from "../../../runtime/domain/alerts/work.ts";
import { decodeIngest } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { timeOf } from "../../../runtime/domain/ids.ts";
import type { News } from "../../../runtime/domain/live.ts";
import type { ServiceRequest } from "../../../runtime/domain/service.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { serve } from "../../../runtime/subscriptions/service.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { verifyChannel } from "../../support/channels.ts";
import { countUsage } from "../../support/usage.ts";
import { testVault } from "../../support/vault.ts";
import { attempt, messagePorts, tickPorts } from "./world.ts";

const test = suite("evaluating alerts and telling of them");
const MINUTE = 60_000;

let api: TestApi;
let live: Identity;
/** Now, milliseconds: moved by the tests alone. */
let clock: number;
let ports: TickPorts;
/** What the service was asked, and how often DynamoDB was. */
const asked: ServiceRequest["op"][] = [];
/** What those who watch were told. */
const news: News[] = [];
let reads = 0;

test.before(async () => {
  api = await startApi();
  clock = Math.floor(Date.now() / MINUTE) * MINUTE - 60 * MINUTE;
});
test.after(() => api.close());
test.before.each(async () => {
  // Nothing of one test lies in the minutes of another.
  clock += 300 * MINUTE;
  api.advance(clock - api.deps.now());
  ({ live } = await api.customer());
  const dynamodb = {
    send: (command: never) => {
      reads += 1;
      return api.deps.dynamodb.send(command);
    },
  } as never;
  ports = {
    ...tickPorts(dynamodb, reached),
    tell: async (some) => void news.push(...some),
    suspect: async () => "an endpoint",
  };
  asked.length = 0;
  // What the last test left standing ends, since no numbers come.
  await run();
  await send();
});

const service = (async (request: ServiceRequest) => {
  asked.push(request.op);
  return { answer: await serve(api.database.db, request as never, clock, testVault), bytes: 0 };
}) as Service;
const reached = { service, now: () => clock };

/** A run of the next minute. */
async function run() {
  clock += MINUTE;
  return tick(ports, clock + 45_000);
}

/** Counts attempts of the last whole minute. */
const attempts = (outcome: "delivered" | "failed", who = live) =>
  countUsage(api.deps.dynamodb, [attempt(who.customer_id, clock - MINUTE + 1, outcome)]);
const call = async (method: string, path: string, body?: unknown) => (await api.call(live, method, path, body)).body;
const alerts = () => call("GET", "/alerts");

async function rule(more: object = {}): Promise<string> {
  const body = { name: "Failing", kind: "error_rate", for_minutes: 2, threshold: 0.1, ...more };
  return (await call("POST", "/alert-rules", body)).rule_id;
}
/** The alerts of a rule, the newest first. */
const of = async (id: string) => (await alerts()).alerts.filter((each: { rule_id: string }) => each.rule_id === id);

async function channel(kind: string, target: string): Promise<string> {
  const { channel_id } = await call("POST", "/alert-channels", { kind, target });
  await verifyChannel(api, channel_id, clock, { base_url: "https://api.example.com" });
  return channel_id;
}

/** Sends the due messages. @param answer of the channel to a post */
async function send(answer: (post: DirectPost) => Partial<DirectPostAnswer> = () => ({})) {
  const posts: DirectPost[] = [];
  const told: Outgoing[] = [];
  const sending = messagePorts(reached, {
    async post(post) {
      posts.push(post);
      return { status_code: 200, error: null, latency_ms: 1, ...answer(post) };
    },
    async tell(messages) {
      told.push(...messages);
    },
  });
  const counts = await sendDue(sending, clock + 10_000);
  const events = told.map(({ text }) => {
    const message = decodeIngest(text);
    const [raw] = unpack((message.body as { inline: Uint8Array }).inline);
    return JSON.parse(Buffer.from(raw!).toString("utf8")) as Record<string, unknown>;
  });
  const received = told.map(({ text }) => timeOf(decodeIngest(text).first));
  return { posts, events, received, ...counts };
}

test("an alert is pending, fires after the rule's minutes above, and resolves after as many good minutes", async () => {
  const id = await rule();
  const states: string[] = [];
  for (const outcome of ["failed", "failed", "failed", "delivered", "delivered"] as const) {
    await attempts(outcome);
    await run();
    states.push((await of(id))[0]?.state);
  }
  await run();
  states.push((await of(id))[0].state);
  assert.deepEqual(states, ["pending", "firing", "firing", "firing", "resolved", "resolved"]);
  const [alert, ...more] = await of(id);
  assert.deepEqual(more, []);
  assert.deepEqual([alert.resolution, alert.cause, alert.severity], ["recovered", "an endpoint", "critical"]);
  assert.ok(alert.since < alert.fired_at && alert.fired_at < alert.resolved_at);
});

test("a channel that can't be opened, and a message that can't be composed, keep no other message from being sent, once", async () => {
  const urls = ["unopened", "uncomposed", "well"].map((name) => `https://hooks.example.com/${name}`);
  const channels: string[] = [];
  for (const url of urls) channels.push(await channel("webhook", url));
  await rule({ for_minutes: 0, channels });
  await attempts("failed");
  await run();
  await asService(api.database.db, async (tx) => {
    await tx
      .updateTable("alert_channels")
      .set({ secret: "sealed:1:AAAA" })
      .where("channel_id", "=", channels[0]!)
      .execute();
    await tx.updateTable("alert_messages").set({ content: "{}" }).where("channel_id", "=", channels[1]!).execute();
  });
  const first = await send();
  assert.deepEqual(
    first.posts.map(({ url }) => url),
    [urls[2]],
  );
  assert.equal(first.events.length, 1);
  clock += 3 * MINUTE;
  const second = await send();
  assert.deepEqual([second.posts, second.events], [[], []]);
  const told = await asService(api.database.db, (tx) =>
    tx
      .selectFrom("alert_channels")
      .select(["failures"])
      .where("channel_id", "in", channels)
      .orderBy("channel_id")
      .execute(),
  );
  assert.deepEqual(
    told.map(({ failures }) => failures),
    [2, 2, 0],
  );
});

test("a pending alert that does not last leaves nothing", async () => {
  const id = await rule();
  await attempts("failed");
  await run();
  assert.equal((await of(id))[0].state, "pending");
  await attempts("delivered");
  await run();
  assert.deepEqual(await of(id), []);
});

test("the next run evaluates the minutes that earlier runs missed, each once", async () => {
  const id = await rule();
  for (const outcome of ["failed", "failed", "delivered", "delivered"] as const) {
    clock += MINUTE;
    await attempts(outcome);
  }
  const { minutes } = (await run())!;
  assert.equal(minutes, 5);
  assert.deepEqual(
    (await of(id)).map(({ state }: { state: string }) => state),
    ["resolved"],
  );
  assert.equal((await tick(ports, clock + 45_000))!.minutes, 0);
});

test("a customer without events costs nothing, with any rules", async () => {
  await rule();
  await run();
  asked.length = 0;
  reads = 0;
  const ticked = await run();
  assert.deepEqual(ticked, { minutes: 1, tenants: 0, rules: 0, changes: 0, left: 0 });
  assert.deepEqual(asked, ["alert_standing"]);
  const idle = reads;
  await attempts("delivered");
  reads = 0;
  assert.equal((await run())!.tenants, 1);
  // The one shard that its facts lie in, of sixteen.
  assert.equal(reads - idle, 1);
});

test("while one run is at work, another does nothing", async () => {
  const slow = {
    ...ports,
    active: { ...ports.active, read: () => new Promise<void>((done) => setTimeout(done, 200)) },
  };
  clock += MINUTE;
  const [first, second] = await Promise.all([tick(slow, clock + 45_000), tick(ports, clock + 45_000)]);
  assert.equal([first, second].filter((each) => each === undefined).length, 1);
});

test("the next run continues where one ran out of time", async () => {
  const id = await rule({ for_minutes: 0 });
  await attempts("failed");
  clock += MINUTE;
  let calls = 0;
  const late = { ...ports, now: () => clock + (calls++ > 3 ? 60_000 : 0) };
  const ticked = await tick(late, clock + 45_000);
  assert.equal(ticked!.left, 1);
  assert.deepEqual(await of(id), []);
  await tick(ports, clock + 45_000);
  assert.equal((await of(id))[0].state, "firing");
});

test("other numbers: dead letters, use of the limit, latency, a metric of one's own, the API", async () => {
  const dead = await rule({ kind: "dead_letters", threshold: 0, for_minutes: 0 });
  const quota = await rule({ kind: "quota", threshold: 0.8, for_minutes: 0 });
  const latency = await rule({ kind: "latency", threshold: 5_000, for_minutes: 0 });
  const metric = await rule({
    kind: "metric",
    query: { measures: ["events"], last: "5m" },
    threshold: 1_500,
    for_minutes: 0,
  });
  const narrow = await rule({
    kind: "dead_letters",
    threshold: 0,
    for_minutes: 0,
    filter: { subscription_id: ["sub_other"] },
  });
  const down = await rule({ kind: "api_down", for_minutes: 0, threshold: 0 });
  const at = clock - MINUTE + 1;
  const events = Array.from({ length: 900 }, () => ({ type: "a", bytes: 10 }));
  const accepted = {
    kind: "accepted" as const,
    tenant: live.customer_id,
    routed_at: at,
    key_id: live.key_id,
    events,
    matched: {},
  };
  await countUsage(api.deps.dynamodb, [
    { ...attempt(live.customer_id, at, "failed"), outcome: "dead_lettered" } as UsageFact,
    {
      ...attempt(live.customer_id, at, "delivered"),
      parts: [{ types: ["a"], first_success_ms: 9_000 }],
    } as UsageFact,
    { ...accepted, at },
    { ...accepted, at: at + 2_000 },
    {
      ...{ kind: "called", tenant: live.customer_id, at, key_id: live.key_id, call: "POST /events" },
      ...{ outcome: "rate_limited", requests: 3, events: 0, bytes: 0 },
    },
  ]);
  await putProbe(ports.reader.counters, clock - MINUTE, true);
  await run();
  const firing = new Map(
    (await alerts()).alerts.map((each: { rule_id: string; value: number }) => [each.rule_id, each.value]),
  );
  assert.equal(firing.get(dead), 1);
  assert.equal(firing.get(quota), 0.9);
  assert.ok((firing.get(latency) as number) > 8_000);
  assert.equal(firing.get(metric), 1_800);
  assert.equal(firing.get(narrow), undefined);
  assert.equal(firing.get(down), 1);
  const { alert_rules } = await call("GET", "/alert-rules");
  const reached = alert_rules.find(({ name }: { name: string }) => name === "The limit is reached");
  assert.equal(firing.get(reached.rule_id), 3, "the rule that every customer begins with");
});

async function fire(channels: readonly string[]): Promise<string> {
  const id = await rule({ for_minutes: 0, channels });
  await attempts("failed");
  await run();
  return id;
}

test("each change is sent once to each verified channel, and is an event of the customer", async () => {
  const first = await channel("webhook", "https://hooks.example.com/alerts");
  const second = (
    await call("POST", "/alert-channels", { kind: "webhook", target: "https://hooks.example.com/unverified" })
  ).channel_id;
  const id = await fire([first, second]);
  const { posts, events, sent } = await send();
  const [alert] = await of(id);
  assert.equal(sent, 2);
  assert.deepEqual(
    posts.map(({ url }) => url),
    ["https://hooks.example.com/alerts"],
  );
  const body = JSON.parse(posts[0]!.body);
  assert.deepEqual(
    [body.event_type, body.alert_id, body.value, body.threshold, body.cause, body.since],
    ["triggers.alert.firing", alert.alert_id, 1, 0.1, "an endpoint", alert.since],
  );
  assert.equal(body.link, `https://api.example.com/console/alerts?alert=${alert.alert_id}`);
  assert.match(posts[0]!.signing_secret!, /^whsec_/);
  assert.deepEqual(
    events.map(({ event_type, alert_id, name }) => [event_type, alert_id, name]),
    [["triggers.alert.firing", alert.alert_id, "Failing"]],
  );
  assert.deepEqual(await send().then(({ posts, events }) => [posts, events]), [[], []]);
  await attempts("delivered");
  await run();
  const recovered = await send();
  assert.deepEqual(
    recovered.events.map(({ event_type }) => event_type),
    ["triggers.alert.resolved"],
  );
  assert.equal(JSON.parse(recovered.posts[0]!.body).event_type, "triggers.alert.resolved");
});

test("the event of a change is received when its message is made, not in the minute that it tells of", async () => {
  await rule({ for_minutes: 0 });
  await attempts("failed");
  clock += 35_000;
  await run();
  const { received } = await send();
  assert.deepEqual(received, [clock]);
  clock -= 35_000;
});

test("a message for people says since when by the clocks of its channel, one for programs in UTC", async () => {
  const slack = await channel("slack", "https://hooks.slack.com/services/T000/B000/abcdefgh");
  const program = await channel("webhook", "https://hooks.example.com/zone");
  await call("PATCH", `/alert-channels/${slack}`, { time_zone: "Asia/Kolkata" });
  const id = await fire([slack, program]);
  const { posts } = await send();
  const [{ since }] = await of(id);
  const there = new Date(Date.parse(since) + 5.5 * 60 * MINUTE).toISOString();
  const said = posts.map(({ body }) => body);
  assert.match(
    said.find((body) => body.startsWith('{"text"'))!,
    new RegExp(`Since: \\d+ \\w+ \\d+, ${there.slice(11, 16)} GMT\\+5:30 `),
  );
  assert.equal(JSON.parse(said.find((body) => !body.startsWith('{"text"'))!).since, since);
});

test("many messages of one customer do not delay those of others, and each is sent once", async () => {
  const channels: string[] = [];
  for (let n = 0; n < 12; n += 1) channels.push(await channel("webhook", `https://slow.example.com/${n}`));
  for (let n = 0; n < 10; n += 1) await rule({ name: `Rule ${n}`, for_minutes: 0, channels });
  await attempts("failed");
  ({ live } = await api.customer("Other"));
  await rule({ for_minutes: 0, channels: [await channel("webhook", "https://quick.example.com/")] });
  await attempts("failed");
  await run();
  const { posts } = await send();
  assert.ok(posts.findIndex(({ url }) => url.startsWith("https://quick")) < 32);
  assert.deepEqual([posts.length, new Set(posts.map(({ id }) => id)).size], [121, 121]);
});

test("a message that could not be sent is sent again later, with the same id", async () => {
  const id = await fire([await channel("webhook", "https://hooks.example.com/alerts")]);
  const refused = await send(() => ({ status_code: 500, error: "http_error" }));
  assert.deepEqual([refused.sent, refused.failed], [1, 1]);
  assert.deepEqual((await send()).posts, []);
  clock += MESSAGE_WAITS_MINUTES[0]! * MINUTE;
  const again = await send();
  assert.equal(again.posts[0]!.id, refused.posts[0]!.id);
  const [{ messages }] = await of(id);
  const told = messages.find((each: { channel_id: string | null }) => each.channel_id !== null);
  assert.deepEqual([told.state, told.attempts, told.error], ["sent", 2, null]);
});

test("a message that AWS has no room for waits a minute, counts as no attempt, and says nothing of its channel", async () => {
  const id = await fire([await channel("webhook", "https://hooks.example.com/alerts")]);
  const full = (): never => {
    throw Object.assign(new Error("slow down"), { name: "TooManyRequestsException" });
  };
  const message = async () =>
    (await of(id))[0].messages.find((each: { channel_id: string | null }) => each.channel_id !== null);
  for (let minute = 0; minute <= MESSAGE_WAITS_MINUTES.length; minute += 1) {
    assert.equal((await send(full)).failed, 1);
    clock += MINUTE - 1;
    assert.deepEqual((await send()).posts, []);
    clock += 1;
  }
  const { state, attempts, error } = await message();
  assert.deepEqual([state, attempts, error], ["pending", 0, "TooManyRequestsException: slow down"]);
  const [{ failing_since }] = (await call("GET", "/alert-channels")).alert_channels;
  assert.equal(failing_since, null);
  assert.equal((await send()).posts.length, 1);
  assert.equal((await message()).state, "sent");
});

test("a channel that keeps failing is reported through another channel: one that is verified and does not fail itself", async () => {
  const broken = await channel("webhook", "https://hooks.example.com/broken");
  const failing = await channel("webhook", "https://hooks.example.com/fails-too");
  await asService(api.deps.db, (tx) =>
    tx.updateTable("alert_channels").set({ failures: 1 }).where("channel_id", "=", failing).execute(),
  );
  await call("POST", "/alert-channels", { kind: "webhook", target: "https://hooks.example.com/unverified" });
  await channel("webhook", "https://hooks.example.com/works");
  await fire([broken]);
  const answer = ({ url }: DirectPost) => (url.endsWith("broken") ? { status_code: 503, error: "http_error" } : {});
  for (const wait of [0, ...MESSAGE_WAITS_MINUTES.slice(0, 2)]) {
    clock += wait * MINUTE;
    await send(answer);
  }
  const { posts } = await send(answer);
  assert.deepEqual(
    posts.map(({ url }) => url),
    ["https://hooks.example.com/works"],
  );
  assert.equal(JSON.parse(posts[0]!.body).instead_of, "webhook https://hooks.example.com/broken");
  const { alert_channels } = await call("GET", "/alert-channels");
  const told = alert_channels.find((each: { channel_id: string }) => each.channel_id === broken);
  assert.deepEqual([told.failing_since !== null, told.last_error], [true, "The endpoint answered 503."]);
});

test("while a rule is snoozed its channels get no alert, but a recovery is still sent", async () => {
  const target = await channel("webhook", "https://hooks.example.com/alerts");
  const id = await fire([target]);
  await send();
  await call("POST", `/alerts/${(await of(id))[0].alert_id}/snooze`, { minutes: 60 });
  await attempts("delivered");
  await run();
  assert.equal((await send()).posts.length, 1);
  await attempts("failed");
  await run();
  const { posts, events } = await send();
  assert.deepEqual([posts.length, events.length], [0, 1]);
});

test("when the API is down a default rule fires for every customer, and its recovery is told", async () => {
  let status = 200;
  const server = createServer((_, response) => void response.writeHead(status).end("{}"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  try {
    const { counters } = ports.reader;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { alert_rules } = await call("GET", "/alert-rules");
    const { rule_id } = alert_rules.find(({ kind }: { kind: string }) => kind === "api_down");
    const target = await channel("webhook", "https://hooks.example.com/outage");
    await call("PATCH", `/alert-rules/${rule_id}`, { channels: [target] });
    const seen: string[] = [];
    // The customer does nothing in all that time.
    for (status of [200, 503, 503, 503, 200, 200, 200]) {
      await probe({ counters, now: () => clock - MINUTE / 2 }, url);
      await run();
      const { posts, events } = await send();
      const own = events.filter((event) => event.rule_id === rule_id).map(({ event_type }) => event_type);
      const told = posts.map(({ body }) => JSON.parse(body) as { event_type: string; value: number | null });
      assert.deepEqual(
        told.map(({ event_type }) => event_type),
        own,
        "the channel gets each change that becomes an event",
      );
      seen.push([(await of(rule_id))[0]?.state ?? "none", ...own].join(" "));
    }
    assert.deepEqual(seen, [
      "none",
      "pending",
      "firing triggers.alert.firing",
      "firing",
      "firing",
      "resolved triggers.alert.resolved",
      "resolved",
    ]);
    const [{ value, severity, resolution }] = await of(rule_id);
    assert.deepEqual([value, severity, resolution], [0, "critical", "recovered"]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test.run();
