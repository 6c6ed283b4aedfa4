// group: shared 2
import assert from "node:assert/strict";
import { suite } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Answer,
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
  webhooksAt,
} from "../support/platform.ts";

/** Every number against a count of what inbox, deliveries and receiver list: of traffic with all that can happen to it. */

const test = suite("numbers");

interface Listed {
  readonly event_id: string;
  readonly event_type: string | null;
  readonly status: string;
}
interface Delivery {
  readonly delivery_id: string;
  readonly subscription_id: string;
  readonly event_ids: readonly string[];
  readonly status: string;
  readonly attempts: readonly { readonly error: string | null; readonly status_code: number | null }[];
  readonly replay_id?: string;
}
interface Series {
  readonly key: Readonly<Record<string, string | null>>;
  readonly points: readonly Readonly<Record<string, unknown>>[];
  readonly totals: Readonly<Record<string, unknown>>;
}

let platform: SharedPlatform;
let customer: Customer;
let second: { key_id: string; api_key: string };
let firstKeyId: string;
const from = new Date(Date.now() - 1_000).toISOString();
const subscriptions = new Map<string, string>();
/** What was sent and taken, by event id. */
const sent = new Map<string, { readonly key_id: string; readonly type: string | null; readonly bytes: number }>();
let requests = 0;
/** By reason and key. */
const refused = new Map<string, number>();

const api = (method: string, path: string, body?: unknown, key = customer.api_key): Promise<Answer> =>
  call(platform.url, method, path, { key, ...defined({ body }) });

async function subscribe(name: string, path: string, event_selector: unknown): Promise<void> {
  const body = { workflow_id: name, webhook_url: `${platform.sinkUrl}${path}`, event_selector };
  const answer = await api("POST", "/subscriptions", body);
  assert.equal(answer.status, 201, answer.text);
  subscriptions.set(name, answer.json.subscription_id);
}

/** Sends events in one request, and takes down what was sent. */
async function send(
  key: { readonly api_key: string; readonly key_id: string },
  payloads: readonly object[],
  headers = {},
) {
  const texts = payloads.map((payload) => JSON.stringify(payload));
  const answer = await call(platform.url, "POST", "/events", {
    key: key.api_key,
    body: `[${texts.join(",")}]`,
    headers,
  });
  assert.equal(answer.status, 202, answer.text);
  const ids = answer.json.events.map(({ event_id }: { event_id: string }) => event_id) as string[];
  if (answer.headers.get("idempotency-replayed") === "true") return ids;
  requests += 1;
  for (const [i, id] of ids.entries()) {
    const type = (payloads[i] as { event_type?: string }).event_type ?? null;
    sent.set(id, { key_id: key.key_id, type, bytes: Buffer.byteLength(texts[i]!) });
  }
  return ids;
}

async function refuse(
  key: { readonly api_key: string; readonly key_id: string },
  reason: string,
  body: unknown,
  headers = {},
) {
  const answer = await call(platform.url, "POST", "/events", { key: key.api_key, body, headers });
  assert.equal(answer.json.error.code, reason, answer.text);
  const id = JSON.stringify([reason, key.key_id]);
  refused.set(id, (refused.get(id) ?? 0) + 1);
}

async function listed<T>(path: string, name: string): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const more: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await api("GET", `${path}${more}`);
    assert.equal(answer.status, 200, answer.text);
    all.push(...answer.json[name]);
    cursor = answer.json.next_cursor;
  }
  return all;
}

const inbox = () => listed<Listed>("/inbox?acknowledged=all&limit=1000", "events");
const deliveries = () => listed<Delivery>("/deliveries?limit=100", "deliveries");

interface Query {
  readonly measures: readonly string[];
  readonly group_by?: readonly string[];
  readonly filter?: object;
}
const range = () => ({ from, to: new Date(Date.now() + 60_000).toISOString() });
async function query(asked: Query): Promise<{ series: Series[]; totals: Record<string, unknown> }> {
  const answer = await api("POST", "/metrics/query", { ...range(), interval: "minute", top: 50, ...asked });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** The totals of a measure's series that are not zero, by the values of their key. */
async function grouped(measure: string, ...group_by: string[]): Promise<Record<string, number>> {
  const { series } = await query({ measures: [measure], group_by });
  return Object.fromEntries(
    series
      .map(({ key, totals }) => [group_by.map((name) => key[name]).join(" "), totals[measure] as number])
      .filter(([, n]) => n !== 0)
      .sort(([a], [b]) => (a! < b! ? -1 : 1)),
  );
}

function tally<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  n: (one: T) => number = () => 1,
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + n(one));
  return Object.fromEntries([...counts].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How often a latency was measured. */
const timesOf = (latency: unknown): number => (latency as { count: number } | null)?.count ?? 0;
const workflowOf = (id: string): string => [...subscriptions].find(([, own]) => own === id)![0];
/** Of an attempt as the numbers name it. */
const classOf = ({ error, status_code }: Delivery["attempts"][number]): string | null =>
  error === null ? null : error === "gone" ? "gone" : status_code !== null && status_code >= 500 ? "http_5xx" : error;

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform, { name: "Counted" });
  const made = await api("POST", "/keys", { name: "second", scopes: ["events:write"], limit_per_second: 50 });
  assert.equal(made.status, 201, made.text);
  second = made.json;
  const keys = await listed<{ key_id: string }>("/keys?limit=100", "keys");
  firstKeyId = keys.find(({ key_id }) => customer.api_key.includes(key_id.replace(/^key_/, "")))!.key_id;
  await api("PUT", "/event-types/checked.type", { type: "object", required: ["amount"] });
  await subscribe("orders", "/numbers/orders", { event_type: "order.*" });
  await subscribe("paid", "/numbers/paid", "order.paid");
  await subscribe("flaky", "/script/fail/1/500/numbers", "order.flaky");
  await subscribe("gone", "/script/status/410/numbers", "order.gone");
  await subscribe("held", "/numbers/held", "order.held");
  await api("PATCH", `/subscriptions/${subscriptions.get("held")}`, { status: "disabled" });
});

test("traffic of every kind is taken, refused, delivered, retried, held and replayed", async () => {
  const first = { api_key: customer.api_key, key_id: firstKeyId };
  // Subscriptions take effect within seconds: what is sent before counts as what it is.
  await eventually(
    async () => {
      const [id] = await send(first, [{ event_type: "order.held", n: 0 }]);
      return eventually(
        () => api("GET", `/events/${id}`),
        ({ status }) => status === 200,
        60_000,
      );
    },
    ({ json }) => json.deliveries.length === 2,
    120_000,
  );
  const ids = await send(first, [
    { event_type: "order.created", note: "\u00e4\u20ac" },
    { event_type: "order.paid", n: 1.5 },
    { event_type: "order.paid", n: 2 },
    { event_type: "nobody.wants" },
    { n: "no type" },
  ]);
  await send(second, [{ event_type: "order.flaky" }, { event_type: "order.created" }]);
  await send(second, [{ event_type: "order.gone" }]);
  await send(first, [
    { event_type: "order.held", n: 1 },
    { event_type: "order.held", n: 2 },
  ]);
  const once = { "idempotency-key": "once" };
  await send(first, [{ event_type: "order.created", once: true }], once);
  await send(first, [{ event_type: "order.created", once: true }], once);
  await refuse(first, "idempotency_conflict", [{ other: true }], once);
  await refuse(first, "invalid_json", '{"a": }');
  await refuse(first, "invalid_json", '{"a": }');
  await refuse(second, "invalid_event", '["text"]');
  await refuse(first, "payload_too_large", `{"a": "${"x".repeat(1_000_001)}"}`);
  await refuse(
    second,
    "rate_limited",
    Array.from({ length: 60 }, (_, n) => ({ n })),
  );
  await refuse(first, "unsupported_media_type", "a", { "content-type": "text/plain" });
  await refuse(first, "schema_violation", { event_type: "checked.type" });
  await eventually(inbox, (events) => events.length === sent.size, 120_000);
  const isOver = ({ status, subscription_id }: Delivery) =>
    ["delivered", "cancelled"].includes(status) || subscription_id === subscriptions.get("held");
  await eventually(deliveries, (all) => all.length > 0 && all.every(isOver), 120_000);
  const replay = await api("POST", "/replays", {
    ...{ from, to: new Date().toISOString(), event_ids: ids },
    subscription_ids: [subscriptions.get("paid")],
  });
  assert.equal(replay.status, 202, replay.text);
  await eventually(
    () => api("GET", `/replays/${replay.json.replay_id}`),
    ({ json }) => json.status === "succeeded",
    60_000,
  );
  await eventually(
    deliveries,
    (all) => all.some(({ replay_id, status }) => replay_id !== undefined && status === "delivered"),
    60_000,
  );
});

test("requests, events and bytes are those of the inbox, in all, by type and by key", async () => {
  const events = await inbox();
  assert.deepEqual(new Set(events.map(({ event_id }) => event_id)), new Set(sent.keys()));
  const all = [...sent.values()];
  const wanted = {
    requests,
    events: all.length,
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    refused: [...refused.values()].reduce((sum, n) => sum + n, 0),
    matched: events.filter(({ status }) => status !== "unmatched").length,
    unmatched: events.filter(({ status }) => status === "unmatched").length,
  };
  const measures = Object.keys(wanted);
  const { totals } = await eventually(
    () => query({ measures }),
    (answer) => JSON.stringify(answer.totals) === JSON.stringify(wanted),
    30_000,
  );
  assert.deepEqual(totals, wanted);
  assert.deepEqual(
    await grouped("events", "event_type"),
    tally(events, ({ event_type }) => String(event_type ?? "")),
  );
  assert.deepEqual(
    await grouped("events", "key_id"),
    tally(all, ({ key_id }) => key_id),
  );
  assert.deepEqual(
    await grouped("bytes", "event_type", "key_id"),
    tally(
      all,
      ({ type, key_id }) => `${type ?? ""} ${key_id}`,
      ({ bytes }) => bytes,
    ),
  );
  assert.deepEqual(
    await grouped("unmatched", "event_type"),
    tally(
      events.filter(({ status }) => status === "unmatched"),
      ({ event_type }) => String(event_type ?? ""),
    ),
  );
  const { series } = await query({ measures: ["accept_latency_ms"] });
  assert.equal(timesOf(series[0]!.totals.accept_latency_ms), requests);
});

test("refused requests are counted by the code of their answer, and by key", async () => {
  const rows = [...refused].map(([id, n]) => [...(JSON.parse(id) as [string, string]), n] as const);
  assert.deepEqual(
    await grouped("refused", "reason"),
    tally(
      rows,
      ([reason]) => reason,
      ([, , n]) => n,
    ),
  );
  assert.deepEqual(
    await grouped("refused", "key_id"),
    tally(
      rows,
      ([, key]) => key,
      ([, , n]) => n,
    ),
  );
  assert.deepEqual(
    await grouped("refused", "reason", "key_id"),
    tally(
      rows,
      ([reason, key]) => `${reason} ${key}`,
      ([, , n]) => n,
    ),
  );
  const { totals } = await query({ measures: ["refused", "events"], filter: { reason: ["invalid_json"] } });
  assert.deepEqual(totals, { refused: 2, events: null });
});

test("deliveries are counted by their outcome, subscription, workflow, type and key", async () => {
  const own = (await deliveries()).filter(({ replay_id }) => replay_id === undefined);
  assert.ok(own.some(({ status, attempts }) => status === "delivered" && attempts.length === 2));
  const pairs = own.flatMap((delivery) => delivery.event_ids.map((id) => ({ ...delivery, ...sent.get(id)! })));
  const wanted = tally(pairs, ({ status }) => status);
  assert.ok(wanted.pending! >= 2 && wanted.cancelled === 1, JSON.stringify(wanted));
  await eventually(
    () => grouped("events", "status"),
    (found) => JSON.stringify(found) === JSON.stringify(wanted),
    30_000,
  );
  assert.deepEqual(
    await grouped("events", "workflow_id", "status"),
    tally(pairs, ({ subscription_id, status }) => `${workflowOf(subscription_id)} ${status}`),
  );
  assert.deepEqual(
    await grouped("events", "event_type", "subscription_id"),
    tally(pairs, ({ type, subscription_id }) => `${type ?? ""} ${subscription_id}`),
  );
  assert.deepEqual(
    await grouped("matched", "key_id", "workflow_id"),
    tally(pairs, ({ key_id, subscription_id }) => `${key_id} ${workflowOf(subscription_id)}`),
  );
});

test("attempts, errors, deliveries and replayed events are counted as deliveries list them and the receiver got them", async () => {
  const all = await deliveries();
  const tries = all.flatMap(({ attempts, event_ids, subscription_id, replay_id }) =>
    attempts.map((attempt, i) => ({ attempt, i, events: event_ids.length, subscription_id, replay_id })),
  );
  const isFailed = ({ attempt }: (typeof tries)[number]) => attempt.error !== null;
  assert.deepEqual(
    await grouped("delivered", "workflow_id"),
    tally(
      tries.filter((one) => !isFailed(one)),
      ({ subscription_id }) => workflowOf(subscription_id),
      ({ events }) => events,
    ),
  );
  const failures = await grouped("attempts", "workflow_id", "error");
  assert.equal(failures["flaky http_5xx"], 1);
  assert.equal(failures["gone gone"], 1);
  for (const { attempt, subscription_id } of tries.filter(isFailed))
    assert.ok(failures[`${workflowOf(subscription_id)} ${classOf(attempt)}`]! > 0);
  // One post may hold several deliveries: what the receiver got is what was attempted.
  for (const [name, path] of [
    ["orders", "/numbers/orders"],
    ["paid", "/numbers/paid"],
    ["flaky", "/script/fail/1/500/numbers"],
  ]) {
    const posts = (await webhooksAt(platform, path!)).length;
    const { totals } = await query({ measures: ["attempts"], filter: { workflow_id: [name!] } });
    assert.equal(totals.attempts, posts, name);
  }
  const replayed = tries.filter(({ replay_id, i }) => replay_id !== undefined && i === 0);
  const { totals } = await query({ measures: ["replayed", "attempt_latency_ms", "attempts", "delivery_latency_ms"] });
  assert.equal(
    totals.replayed,
    replayed.reduce((sum, { events }) => sum + events, 0),
  );
  assert.ok(Number(totals.replayed) >= 2);
  assert.equal(timesOf(totals.attempt_latency_ms), totals.attempts);
  const firsts = all.filter(({ replay_id, status }) => replay_id === undefined && status === "delivered");
  assert.equal(
    timesOf(totals.delivery_latency_ms),
    firsts.reduce((sum, { event_ids }) => sum + event_ids.length, 0),
  );
});

test("GET /metrics, its CSV and /usage say the same", async () => {
  const measures = ["requests", "events", "bytes", "refused", "delivered", "failed", "dead_lettered"];
  const { totals, series } = await query({ measures, group_by: ["event_type"] });
  const parameters = new URLSearchParams([
    ...measures.map((name) => ["measures", name]),
    ["group_by", "event_type"],
    ["interval", "minute"],
    ["top", "50"],
    ...Object.entries(range()),
  ]);
  const got = await api("GET", `/metrics?${parameters}`);
  assert.deepEqual(got.json.totals, totals);
  assert.deepEqual(
    got.json.series.map(({ key, totals: own }: Series) => [key, own]),
    series.map(({ key, totals: own }) => [key, own]),
  );
  const csv = await call(platform.url, "GET", `/metrics?${parameters}`, {
    key: customer.api_key,
    headers: { accept: "text/csv" },
  });
  const [head, ...lines] = csv.text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(","));
  for (const name of ["events", "bytes", "delivered"]) {
    const at = head!.indexOf(name);
    assert.equal(
      lines.reduce((sum, cells) => sum + Number(cells[at]), 0),
      totals[name],
      name,
    );
  }
  const all = await query({ measures });
  for (const [group, dimension] of [
    ["event_type", "event_type"],
    ["key", "key_id"],
    ["subscription", "subscription_id"],
  ] as const) {
    const usage = await api(
      "GET",
      `/usage?${new URLSearchParams({ ...range(), interval: "minute", group_by: group })}`,
    );
    for (const name of ["requests", "events", "bytes", "delivered", "failed", "dead_lettered"])
      assert.equal(usage.json.totals[name], all.totals[name], name);
    const buckets = usage.json.buckets as { key: string | null; events: number; delivered: number }[];
    const measure = group === "key" ? "events" : "delivered";
    assert.deepEqual(
      tally(
        buckets,
        ({ key }) => key ?? "",
        (bucket) => bucket[measure],
      ),
      await grouped(measure, dimension),
    );
  }
});

test.run();
