// group: shared 2
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { suite } from "uvu";
import { defined } from "../../runtime/domain/defined.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
  webhooksAt,
} from "../support/platform.ts";

const test = suite("what customers read back");
let platform: SharedPlatform;
let customer: Customer;
let key: string;
let paths = 0;
let missed: { id: string; path: string; secret: string };
let person: { id: string; path: string };
let changed: number;

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
  key = customer.api_key;
  missed = await subscribe("missed");
  person = await subscribe("person");
  assert.equal((await api("PATCH", `/subscriptions/${missed.id}`, { status: "disabled" })).status, 200);
  changed = Date.now();
});

const api = (method: string, path: string, body?: unknown) =>
  call(platform.url, method, path, { key, ...defined({ body }) });

async function subscribe(selector: unknown, more: object = {}) {
  const path = `/reads/${customer.customer_id}/${paths++}`;
  const { status, json } = await api("POST", "/subscriptions", {
    webhook_url: `${platform.sinkUrl}${path}`,
    event_selector: selector,
    ...more,
  });
  assert.equal(status, 201);
  return { id: json.subscription_id as string, path, secret: json.signing_secret as string };
}

async function send(events: object[]): Promise<string[]> {
  const { status, json } = await api("POST", "/events", events);
  assert.equal(status, 202);
  return json.events.map((event: { event_id: string }) => event.event_id);
}

const settled = (id: string, status: string) =>
  eventually(
    async () => (await api("GET", `/events/${id}`)).json,
    (event) => event.status === status,
    20_000,
  );

/** Changes of subscriptions count for events accepted five seconds later. */
const inForce = () => eventually(Date.now, (now) => now - changed > 5_000);

const job = (path: string) =>
  eventually(
    async () => (await api("GET", path)).json,
    ({ status }) => status === "succeeded",
    60_000,
  );

test("an event is readable soon after its 202, byte for byte, and its usage counts once", async () => {
  const before = (await api("GET", "/usage")).json.totals;
  const { status, json } = await call(platform.url, "POST", "/events", {
    key,
    body: '{"event_type":"exact","n":1.10,"big":123456789012345678901234567890}',
  });
  assert.equal(status, 202);
  const read = await eventually(
    () => api("GET", `/events/${json.event_id}`),
    ({ status }) => status === 200,
  );
  assert.ok(read.text.includes('"payload":{"event_type":"exact","n":1.10,"big":123456789012345678901234567890}'));
  const after = await eventually(
    async () => (await api("GET", "/usage")).json.totals,
    ({ events }) => events > before.events,
  );
  assert.deepEqual([after.requests - before.requests, after.events - before.events], [1, 1]);
});

test("a replay delivers recorded events again under its id, to what matches today", async () => {
  const from = new Date().toISOString();
  const ids = await send([1, 2, 3].map((n) => ({ event_type: "replayed", n })));
  await settled(ids[0]!, "unmatched");
  const { path, id } = await subscribe({ cel: "event_type == 'replayed' && event.n > 1.0" });
  const { status, json } = await api("POST", "/replays", { from, subscription_ids: [id] });
  assert.equal(status, 202);
  const done = await job(`/replays/${json.replay_id}`);
  assert.deepEqual([done.matched, done.sent], [2, 2]);
  const [hook] = await eventually(
    () => webhooksAt(platform, path),
    (hooks) => hooks.length > 0,
  );
  assert.equal(hook!.headers["triggers-replay-id"], json.replay_id);
  assert.deepEqual(
    JSON.parse(hook!.body).map((event: { event_id: string }) => event.event_id),
    ids.slice(1),
  );
  await settled(ids[1]!, "delivered");
  assert.equal((await api("GET", `/events/${ids[0]}`)).json.status, "unmatched");
});

test("a slow replay tells how far it is, and can be cancelled", async () => {
  const ids = await Promise.all([1, 2, 3, 4, 5, 6].map(async (n) => (await send([{ event_type: "slow", n }]))[0]!));
  await Promise.all(ids.map((id) => settled(id, "unmatched")));
  const { id } = await subscribe("slow");
  const asked = await api("POST", "/replays", { event_ids: ids, subscription_ids: [id], rate_per_second: 1 });
  assert.equal(asked.status, 202);
  const path = `/replays/${asked.json.replay_id}`;
  const told = await eventually(
    async () => (await api("GET", path)).json,
    ({ sent }) => sent > 0,
    60_000,
  );
  assert.equal(told.status, "running");
  const cancelled = await api("POST", `${path}/cancel`);
  assert.deepEqual([cancelled.status, cancelled.json.status], [200, "cancelled"]);
});

test("a new subscription can begin with the events that it would have matched", async () => {
  const from = new Date().toISOString();
  const ids = await send([{ event_type: "backfilled" }]);
  await settled(ids[0]!, "unmatched");
  const { path } = await subscribe("backfilled", { backfill_from: from });
  const [hook] = await eventually(
    () => webhooksAt(platform, path),
    (hooks) => hooks.length > 0,
    30_000,
  );
  assert.equal(JSON.parse(hook!.body)[0].event_id, ids[0]);
});

test("events for a disabled subscription are read as its backlog, and those acknowledged there are not sent", async () => {
  const { id, path } = missed;
  await inForce();
  const ids = await send([
    { event_type: "missed", n: 1 },
    { event_type: "missed", n: 2 },
  ]);
  const backlog = await eventually(
    async () => (await api("GET", `/subscriptions/${id}/backlog`)).json.events,
    (events) => events.length === 2,
  );
  assert.deepEqual(
    backlog.map((event: { event_id: string }) => event.event_id),
    ids,
  );
  // Who pulls gets the post as well, signed, and hands it on as it is.
  const [pulled, ...others] = (await api("GET", `/subscriptions/${id}/backlog?requests=true`)).json.events;
  assert.equal(others.length, 1);
  const { event_id, event_type, received_at, payload } = pulled;
  assert.equal(pulled.request.body, JSON.stringify([{ event_id, event_type, received_at, payload }]));
  new Webhook(missed.secret).verify(pulled.request.body, pulled.request.headers);
  assert.deepEqual(
    [pulled.request.headers["triggers-subscription-id"], pulled.request.headers["triggers-attempt"]],
    [id, "1"],
  );
  const reader = (await api("POST", "/keys", { scopes: ["events:read"] })).json.api_key;
  const refused = await call(platform.url, "GET", `/subscriptions/${id}/backlog?requests=true`, { key: reader });
  assert.deepEqual([refused.status, refused.json.error.code], [403, "forbidden"]);
  const ack = await api("POST", `/subscriptions/${id}/backlog/ack`, { event_ids: [ids[0]] });
  assert.deepEqual(ack.json, { acknowledged: 1, missing: [] });
  assert.equal((await api("POST", `/subscriptions/${id}/enable`)).status, 200);
  await settled(ids[1]!, "delivered");
  const hooks = await webhooksAt(platform, path);
  assert.deepEqual(
    hooks.flatMap(({ body }) => JSON.parse(body).map((event: { event_id: string }) => event.event_id)),
    [ids[1]],
  );
});

test("a subject is exported through a link that needs no key, then erased, and nobody finds it again", async () => {
  const mail = `ada.${customer.customer_id}@example.com`;
  const { path } = person;
  await inForce();
  const ids = await send([
    { event_type: "person", user: { email: mail } },
    { event_type: "person", user: { email: "bob@example.com" } },
  ]);
  await settled(ids[0]!, "delivered");
  assert.equal((await webhooksAt(platform, path)).length, 1);
  const subject = { jsonpath: "$.user.email", equals: mail };

  const asked = await api("POST", "/privacy/exports", { subject });
  assert.equal(asked.status, 202);
  const exported = await job(`/privacy/requests/${asked.json.request_id}`);
  const link = await fetch(exported.download_url);
  assert.equal(link.status, 200);
  const events = untar(Buffer.from(await link.arrayBuffer()))
    ["events.jsonl"]!.trimEnd()
    .split("\n");
  assert.deepEqual(
    events.map((line) => JSON.parse(line).event_id),
    [ids[0]],
  );

  const erasure = await api("POST", "/privacy/erasures", { subject });
  const { certificate } = await job(`/privacy/requests/${erasure.json.request_id}`);
  assert.deepEqual([certificate.erased.events, certificate.found_by_last_pass], [1, 0]);
  assert.equal((await api("GET", `/events/${ids[0]}`)).status, 404);
  assert.equal((await api("GET", `/events/${ids[1]}`)).status, 200);
  assert.deepEqual((await api("GET", `/inbox?acknowledged=all&q=${encodeURIComponent(mail)}`)).json.events, []);
  assert.equal((await fetch(exported.download_url)).status, 404);
  const told = (await api("GET", "/audit?limit=50")).json.audit.find(
    ({ action, object }: { action: string; object: string }) =>
      action === "privacy.erased" && object === erasure.json.request_id,
  );
  assert.deepEqual([told.seq, told.hash], [certificate.audit.seq, certificate.audit.hash]);
});

function untar(bytes: Buffer): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "export-"));
  try {
    writeFileSync(join(folder, "export.tar.gz"), bytes);
    execFileSync("tar", ["xzf", "export.tar.gz"], { cwd: folder });
    return { "events.jsonl": readFileSync(join(folder, "events.jsonl"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.run();
