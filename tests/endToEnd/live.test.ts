// group: shared 2
import assert from "node:assert/strict";
import { suite } from "uvu";
import { type Customer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** Watching live, through the real edge: what a socket is sent, and what it is refused. */

const test = suite("live");

let platform: SharedPlatform;
let customer: Customer;

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform, { name: "Watched" });
});

interface Told {
  readonly channel?: string;
  readonly event_id?: string;
  readonly skipped?: number;
  readonly [member: string]: unknown;
}

class Watcher {
  readonly told: { readonly at: number; readonly message: Told }[] = [];
  closed: { readonly code: number } | undefined;
  private readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) =>
      this.told.push({ at: performance.now(), message: JSON.parse(String(data)) as Told }),
    );
    socket.addEventListener("close", ({ code }) => {
      this.closed = { code };
    });
  }

  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  of(channel: string): Told[] {
    return this.told.map(({ message }) => message).filter((message) => message.channel === channel);
  }

  /** The first message that passes. @throws Error after so many ms, with all that came */
  async until(what: string, passes: (message: Told) => boolean, ms = 20_000): Promise<Told> {
    const end = Date.now() + ms;
    for (;;) {
      const found = this.told.find(({ message }) => passes(message));
      if (found !== undefined) return found.message;
      if (Date.now() > end) throw new Error(`no ${what}, but ${JSON.stringify(this.told.slice(-5))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async subscribe(message: Readonly<Record<string, unknown>>): Promise<void> {
    this.say(message);
    await this.until(`answer to ${JSON.stringify(message)}`, ({ subscribed }) => subscribed === message.subscribe);
  }

  close(): void {
    this.socket.close();
  }
}

const ticketOf = async (key: string) => {
  const answer = await call(platform.url, "POST", "/live/tickets", { key });
  assert.equal(answer.status, 201, answer.text);
  return answer.json as { ticket: string; url: string; expires_at: string };
};

/** Resolves with the socket once it is open; rejects where the handshake is refused. */
const open = (url: string): Promise<Watcher> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const watcher = new Watcher(socket);
    socket.addEventListener("open", () => resolve(watcher));
    socket.addEventListener("error", () => reject(new Error("the handshake was refused")));
  });

async function watch(key: string): Promise<Watcher> {
  const { ticket, url } = await ticketOf(key);
  return open(`${url}?ticket=${ticket}`);
}

const sendEvents = async (key: string, body: unknown): Promise<string[]> => {
  const answer = await call(platform.url, "POST", "/events", { key, body });
  assert.equal(answer.status, 202, answer.text);
  return (answer.json.events ?? [answer.json]).map(({ event_id }: { event_id: string }) => event_id);
};

test("a ticket lets in once, for 30 s, on the platform's own host", async () => {
  const { ticket, url, expires_at } = await ticketOf(customer.api_key);
  assert.equal(url, `${platform.url.replace(/^http/, "ws")}/live`);
  assert.ok(Math.abs(Date.parse(expires_at) - Date.now() - 30_000) < 10_000, expires_at);
  const watcher = await open(`${url}?ticket=${ticket}`);
  await assert.rejects(open(`${url}?ticket=${ticket}`), /refused/);
  watcher.close();
});

test("without a ticket, or with one that is none, the handshake is 401", async () => {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const { request } = await import("node:http");
  const statusOf = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const asked = request(`${platform.url}${path}`, { headers }, (answer) => resolve(answer.statusCode!));
      asked.on("upgrade", () => resolve(101));
      asked.on("error", reject);
      asked.end();
    });
  assert.equal(await statusOf("/live"), 401);
  assert.equal(await statusOf(`/live?ticket=${"a".repeat(43)}`), 401);
});

test("events and deliveries are told without payloads as they happen, figures at most once a second", async () => {
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
  const times = watcher.told.filter(({ message }) => message.channel === "metrics").map(({ at }) => at);
  for (let at = 1; at < times.length; at += 1) assert.ok(times[at]! - times[at - 1]! > 700, `${times}`);
  assert.ok(!JSON.stringify(watcher.told).includes("S3CRET"));
  watcher.close();
});

test("a filter lets through what it names, and nothing comes after one unsubscribes", async () => {
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

test("who comes back with the last event that it knows gets all that it missed", async () => {
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

test("fifty a second are sent and the rest is counted, each once", async () => {
  const key = customer.api_key;
  const watcher = await watch(key);
  await watcher.subscribe({ subscribe: "events" });
  // From then on everybody knows that somebody watches, and nothing is read back any more.
  await new Promise((resolve) => setTimeout(resolve, 9_000));
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

test("a message that is none is answered with what is wrong and what is allowed", async () => {
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

test.run();
