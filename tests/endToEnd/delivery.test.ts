// group: patient 2
import assert from "node:assert/strict";
import { Webhook as Verifier } from "standardwebhooks";
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

const test = suite("what subscribers receive");
let platform: SharedPlatform;
let customer: Customer;
let scripts = 0;

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
});

const api = (method: string, path: string, body?: unknown) =>
  call(platform.url, method, path, { key: customer.api_key, ...defined({ body }) });

interface Made {
  readonly id: string;
  readonly type: string;
  readonly path: string;
  readonly secret: string;
}

/** A subscription to an event type of its own, at an endpoint that behaves as the script says. */
async function subscribe(script: string, more: object = {}): Promise<Made> {
  scripts += 1;
  const path = `/script/${script}/${customer.customer_id}-${scripts}`;
  const type = `delivery.t${scripts}`;
  const { status, json, text } = await api("POST", "/subscriptions", {
    webhook_url: `${platform.sinkUrl}${path}`,
    event_selector: type,
    ...more,
  });
  assert.equal(status, 201, text);
  return { id: json.subscription_id, type, path, secret: json.signing_secret };
}

/** Sends an event that the subscription is to get, once it is in force. */
async function send({ type }: Made, payload: object = {}): Promise<string> {
  const { status, json } = await api("POST", "/events", { event_type: type, ...payload });
  assert.equal(status, 202);
  return json.event_id;
}

const received = (made: Made, count: number, within = 20_000) =>
  eventually(
    () => webhooksAt(platform, made.path),
    (all) => all.length >= count,
    within,
  );
const event = (id: string, done: (event: { status: string; deliveries: Delivery[] }) => boolean, within = 20_000) =>
  eventually(async () => (await api("GET", `/events/${id}`)).json, done, within);
interface Delivery {
  readonly delivery_id: string;
  readonly status: string;
  readonly attempts: {
    readonly status_code: number | null;
    readonly error: string | null;
    readonly response_excerpt?: string;
  }[];
  readonly next_attempt_at: string | null;
}

/** A change counts for events accepted five seconds later. */
const inForce = () => new Promise((resolve) => setTimeout(resolve, 5_000));

test("a failed attempt is made again, with the same events under the same webhook-id, and signed so that others can verify it", async () => {
  const made = await subscribe("fail/1");
  const twice = await subscribe("fail/1", { format: "payload" });
  await inForce();
  const [id] = [await send(made, { n: 1.1 }), await send(twice)];
  const posts = await received(made, 2);
  assert.deepEqual(
    posts.map(({ headers }) => headers["triggers-attempt"]),
    ["1", "2"],
  );
  assert.equal(posts[0]!.headers["webhook-id"], posts[1]!.headers["webhook-id"]);
  assert.equal(posts[0]!.body, posts[1]!.body);
  for (const { body, headers } of posts) new Verifier(made.secret).verify(body, headers as Record<string, string>);
  assert.equal(JSON.parse(posts[0]!.body)[0].event_id, id);
  const { deliveries } = await event(id, ({ status }) => status === "delivered");
  assert.deepEqual(
    deliveries[0]!.attempts.map(({ status_code, error }) => [status_code, error]),
    [
      [500, "http_error"],
      [200, null],
    ],
  );
  const bare = (await received(twice, 2))[1]!;
  assert.equal(bare.body, `[{"event_type":"${twice.type}"}]`);
  assert.match(bare.headers["triggers-event-ids"]!, /^evt_[0-9A-Z]{26}$/);
});

test("each way of failing has its name in the attempt", async () => {
  const cases: [script: string, more: object, error: string, code: number | null][] = [
    ["reset", {}, "connection_reset", null],
    ["redirect", {}, "redirect", 302],
    ["status/404", {}, "http_error", 404],
    ["tls", { webhook_url: `${platform.sinkUrl.replace("http:", "https:")}/tls` }, "tls_error", null],
  ];
  const made = [];
  for (const [script, more] of cases) made.push(await subscribe(script, more));
  await inForce();
  const ids = [];
  for (const one of made) ids.push(await send(one));
  for (const [at, [, , error, code]] of cases.entries()) {
    const { deliveries } = await event(ids[at]!, ({ status }) => status === "failed");
    const { status_code, error: named } = deliveries[0]!.attempts[0]!;
    assert.deepEqual([named, status_code], [error, code]);
    assert.notEqual(deliveries[0]!.next_attempt_at, null);
  }
  for (const { id } of made) assert.equal((await api("DELETE", `/subscriptions/${id}`)).status, 204);
});

test("a huge or dripping answer counts as delivered, and at most 1 KB of it is stored", async () => {
  const [huge, drip] = [await subscribe("huge/5"), await subscribe("drip")];
  await inForce();
  const ids = [await send(huge), await send(drip)];
  for (const id of ids) {
    const { deliveries } = await event(id, ({ status }) => status === "delivered");
    assert.ok((deliveries[0]!.attempts[0]!.response_excerpt ?? "").length <= 1_024);
  }
});

test("the next attempt waits as long as Retry-After says", async () => {
  const made = await subscribe("retry-after/7/503");
  await inForce();
  await send(made);
  const [first, second] = await received(made, 2);
  const waited = Date.parse(second!.received_at) - Date.parse(first!.received_at);
  assert.ok(waited >= 7_000, `came after ${waited} ms`);
});

test("410 removes the subscription, and its deliveries no longer count", async () => {
  const made = await subscribe("status/410");
  await inForce();
  const id = await send(made);
  await received(made, 1);
  await eventually(
    () => api("GET", `/subscriptions/${made.id}`),
    ({ status }) => status === 404,
    10_000,
  );
  const { deliveries } = await event(id, ({ status }) => status === "unmatched");
  assert.deepEqual(
    deliveries.map(({ status }) => status),
    ["cancelled"],
  );
  await inForce();
  await send(made);
  await inForce();
  assert.equal((await webhooksAt(platform, made.path)).length, 1);
});

test("a disabled subscription keeps what arrives in its backlog, and gets it once it is enabled", async () => {
  const made = await subscribe("status/200");
  assert.equal((await api("PATCH", `/subscriptions/${made.id}`, { status: "disabled" })).status, 200);
  await inForce();
  const id = await send(made);
  const backlog = await eventually(
    async () => (await api("GET", `/subscriptions/${made.id}/backlog`)).json,
    ({ events }) => events.length === 1,
    20_000,
  );
  assert.equal(backlog.events[0].event_id, id);
  assert.equal((await webhooksAt(platform, made.path)).length, 0);
  assert.equal((await api("POST", `/subscriptions/${made.id}/enable`)).status, 200);
  const [post] = await received(made, 1, 30_000);
  assert.equal(JSON.parse(post!.body)[0].event_id, id);
  await event(id, ({ status }) => status === "delivered");
});

test("a manual retry makes an attempt, the second time too", async () => {
  const made = await subscribe("status/200");
  await inForce();
  const id = await send(made);
  const { deliveries } = await event(id, ({ status }) => status === "delivered");
  for (const attempt of [2, 3]) {
    const { status, text } = await api("POST", `/deliveries/${deliveries[0]!.delivery_id}/retry`);
    assert.ok(status === 202 || status === 200, text);
    const posts = await received(made, attempt);
    assert.equal(posts.at(-1)!.headers["triggers-attempt"], String(attempt));
  }
});

test("an endpoint that hangs times out after ten seconds and delays no other", async () => {
  const [hangs, well] = [await subscribe("hang"), await subscribe("status/200")];
  await inForce();
  const id = await send(hangs);
  await received(hangs, 1);
  const sent = Date.now();
  for (let n = 0; n < 5; n += 1) await send(hangs);
  await send(well);
  const [post] = await received(well, 1);
  assert.ok(Date.parse(post!.received_at) - sent < 5_000, "the well one waited for the one that hangs");
  const { deliveries } = await event(id, ({ status }) => status === "failed", 20_000);
  assert.equal(deliveries[0]!.attempts[0]!.error, "timeout");
  await api("DELETE", `/subscriptions/${hangs.id}`);
});

test("a removed subscription's waiting deliveries are cancelled", async () => {
  const made = await subscribe("status/500");
  await inForce();
  const id = await send(made);
  await event(id, ({ status }) => status === "failed");
  assert.equal((await api("DELETE", `/subscriptions/${made.id}`)).status, 204);
  const { deliveries } = await event(id, ({ status }) => status === "unmatched", 30_000);
  assert.deepEqual(
    deliveries.map(({ status }) => status),
    ["cancelled"],
  );
});

test("a change counts for an event accepted five seconds later", async () => {
  const made = await subscribe("status/200");
  await inForce();
  await send(made);
  await received(made, 1);
  const type = `${made.type}.changed`;
  assert.equal((await api("PATCH", `/subscriptions/${made.id}`, { event_selector: type })).status, 200);
  await inForce();
  const [old, fresh] = [await send(made), await send({ ...made, type })];
  await event(fresh, ({ status }) => status === "delivered");
  await event(old, ({ status }) => status === "unmatched");
});

test("the trace of a request reaches the subscriber", async () => {
  const made = await subscribe("status/200");
  await inForce();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const { status } = await call(platform.url, "POST", "/events", {
    key: customer.api_key,
    body: { event_type: made.type },
    headers: { traceparent },
  });
  assert.equal(status, 202);
  const [post] = await received(made, 1);
  assert.equal(post!.headers.traceparent?.slice(0, 35), traceparent.slice(0, 35));
});

test("a delivery holds the metadata that its subscription asks for", async () => {
  const made = await subscribe("status/200", { enrich: { from: "$event", as: "meta" }, format: "payload" });
  await inForce();
  await send(made, { n: 1 });
  const [webhook] = await received(made, 1);
  const [payload] = JSON.parse(webhook!.body);
  assert.deepEqual(payload, {
    event_type: made.type,
    n: 1,
    meta: { received_at: payload.meta.received_at, region: "us-east-1", key_name: "first live key" },
  });
  assert.ok(Math.abs(Date.parse(payload.meta.received_at) - Date.parse(webhook!.received_at)) < 60_000);
});

test.run();
