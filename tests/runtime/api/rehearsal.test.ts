import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { examine } from "../../../runtime/api/examine.ts";
import { asCustomer } from "../../../runtime/database/roles.ts";
import { setStatus, TOO_COSTLY } from "../../../runtime/database/subscriptions.ts";
import { currentVersion } from "../../../runtime/database/versions.ts";
import { type Identity, tenantOf } from "../../../runtime/domain/identity/identity.ts";
import { eventId, ulidAt } from "../../../runtime/domain/ids.ts";
import { encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { serviceLambda } from "../../support/service.ts";
import { batchOf } from "../../support/storage.ts";
import { turnsDuring } from "../../support/turns.ts";

const test = suite("dry-run, rehearsal and verdicts over the API");

let api: TestApi;
let live: Identity;
let other: Identity;
let large: string;
let payloads: string;
test.before(async () => {
  api = await startApi({ lambda: serviceLambda(() => api.database.db) });
  ({ live } = await api.customer());
  ({ live: other } = await api.customer("Other"));
  const subscribe = async (body: object) => (await api.call(live, "POST", "/subscriptions", body)).body.subscription_id;
  large = await subscribe({
    webhook_url: "https://example.com/large",
    event_selector: { event_type: "order.*", cel: "event.amount > 100.0" },
    headers: { "x-secret": "hush" },
  });
  payloads = await subscribe({
    webhook_url: "https://example.com/payloads",
    event_selector: "order.created",
    format: "payload",
    max_batch: 1,
    transform: { omit: ["$.card"] },
  });
  await api.call(live, "PUT", "/event-types/order.created", {
    type: "object",
    properties: { amount: { type: "number" } },
  });
});
test.after(() => api.close());

const dryRun = (body: unknown, who = live) => api.call(who, "POST", "/events/dry-run", body);
async function stored(payloads: object[], ago: number, matched: Record<string, number[]> = {}) {
  const batch = batchOf(live.customer_id, payloads, api.deps.now() - ago, { matched, snapshot_version: 2 });
  await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: encodeBatch(batch) }));
  return payloads.map((_, offset) => eventId(ulidAt(batch.first, offset)));
}

test("a dry-run shows for each active subscription whether it matches, why, and what it would receive", async () => {
  const { status, body } = await dryRun('{"event_type":"order.created","amount":12345678901234567890,"card":"4111"}');
  assert.equal(status, 200);
  const [result] = body.results;
  assert.equal(result.valid, true);
  assert.equal(result.event.event_type, "order.created");
  const [first, second] = result.subscriptions;
  assert.deepEqual([first.subscription_id, first.matched], [large, true]);
  assert.equal(first.request.headers["x-secret"], "***");
  assert.equal(first.request.headers["triggers-subscription-id"], large);
  assert.match(first.request.headers["webhook-signature"], /^v1,/);
  assert.ok(first.request.body.includes('"amount":12345678901234567890'));
  assert.equal(JSON.parse(first.request.body)[0].event_id, result.event.event_id);
  assert.deepEqual([second.subscription_id, second.matched], [payloads, true]);
  assert.equal(second.request.body, '{"event_type":"order.created","amount":12345678901234567890}');
  assert.equal(second.request.headers["triggers-event-ids"], result.event.event_id);
});

test("a dry-run names the reason of a miss and the faults of an invalid event, and stores nothing", async () => {
  const { body } = await dryRun([
    { event_type: "order.paid", amount: 40 },
    { event_type: "order.created", amount: "many" },
  ]);
  const [missed, invalid] = body.results;
  assert.deepEqual(
    missed.subscriptions.map(({ matched, request }: { matched: boolean; request?: object }) => [matched, request]),
    [
      [false, undefined],
      [false, undefined],
    ],
  );
  assert.match(missed.subscriptions[0].because, /amount.*40/);
  assert.deepEqual([invalid.valid, invalid.subscriptions], [false, []]);
  assert.deepEqual(
    invalid.errors.map(({ path, code }: { path: string; code: string }) => [path, code]),
    [["/amount", "schema_violation"]],
  );
  assert.deepEqual((await api.call(live, "GET", "/inbox?acknowledged=all")).body.events, []);
});

test("a dry-run says of a subscription why nothing could be sent to it, and shows the others all the same", async () => {
  const extract = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`m${n}`, "$.p"]));
  const another = await api.customer("Growing");
  const create = (more: object) =>
    api.call(another.live, "POST", "/subscriptions", { event_selector: "grows", format: "payload", ...more });
  const grows = await create({ webhook_url: "https://example.com/grows", transform: { extract } });
  const plain = await create({ webhook_url: "https://example.com/plain" });
  assert.deepEqual([grows.status, plain.status], [201, 201]);
  const { status, body } = await dryRun({ event_type: "grows", p: "x".repeat(20_000) }, another.live);
  assert.equal(status, 200);
  const told = new Map(
    body.results[0].subscriptions.map((each: { subscription_id: string }) => [each.subscription_id, each]),
  ) as Map<string, { request?: object; request_error?: object }>;
  assert.deepEqual(
    [told.get(grows.body.subscription_id)!.request, told.get(grows.body.subscription_id)!.request_error],
    [
      undefined,
      {
        code: "payload_too_large",
        message:
          "The transform and the enrichment make 2,000,490 bytes of this event; at most 1,000,000 are delivered.",
      },
    ],
  );
  assert.notEqual(told.get(plain.body.subscription_id)!.request, undefined);
});

test("a dry-run of a body that is wrong as a whole is refused like the request itself", async () => {
  const refused: [body: string, code: string][] = [
    ["{", "invalid_json"],
    ["[]", "invalid_event"],
    [`[${Array.from({ length: 1_001 }, () => "{}").join(",")}]`, "too_many_events"],
  ];
  for (const [body, code] of refused) {
    const answer = await dryRun(body);
    assert.deepEqual([answer.status, answer.body.error.code], [400, code]);
  }
});

test("another customer's dry-run sees none of these subscriptions", async () => {
  assert.deepEqual(
    (await dryRun({ event_type: "order.created", amount: 500 }, other)).body.results[0].subscriptions,
    [],
  );
});

test("a rehearsal counts, shows samples with what would be sent, and names the clause of near misses", async () => {
  const ids = await stored(
    [
      { event_type: "order.created", amount: 40 },
      { event_type: "order.created", amount: 400 },
      { event_type: "invoice.sent", amount: 500 },
    ],
    60_000,
  );
  const rehearse = (body: object, who = live) => api.call(who, "POST", "/subscriptions/rehearse", body);
  const event_selector = { event_type: "order.*", cel: "event.amount > 100.0" };
  const { status, body } = await rehearse({ event_selector, transform: { rename: { amount: "sum" } } });
  assert.equal(status, 200);
  assert.deepEqual([body.examined, body.matched, body.next_cursor], [3, 1, null]);
  assert.equal(body.samples[0].event.event_id, ids[1]);
  assert.deepEqual(JSON.parse(body.samples[0].request.body)[0].payload, { event_type: "order.created", sum: 400 });
  assert.deepEqual(
    body.near_misses.map((miss: { event_id: string }) => miss.event_id),
    [ids[0], ids[2]],
  );
  assert.match(body.near_misses[0].because, /40/);
  assert.equal((await rehearse({ event_selector }, other)).body.examined, 0);

  let examined = 0;
  for (let cursor: string | undefined; ; ) {
    const page = (await rehearse({ event_selector, limit: 1, ...(cursor && { cursor }) })).body;
    examined += page.examined;
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  assert.equal(examined, 3);
  const bad = await rehearse({ event_selector: { cel: "event.amount >" } });
  assert.deepEqual([bad.status, bad.body.error.code], [422, "invalid_selector"]);
});

test("a schema is tried on recorded events: the answer names those it would refuse and why, page by page, and nothing is stored", async () => {
  const { live: own, sandbox } = await api.customer("Trying");
  const events = [
    { event_type: "tried", amount: 1 },
    { event_type: "tried", amount: "much" },
    { event_type: "another", amount: "much" },
    { event_type: "tried" },
  ];
  const batch = batchOf(own.customer_id, events, api.deps.now() - 60_000);
  await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: encodeBatch(batch) }));
  const ids = events.map((_, offset) => eventId(ulidAt(batch.first, offset)));
  const schema = { type: "object", required: ["amount"], properties: { amount: { type: "number" } } };
  const rehearse = (body: object, who = own) => api.call(who, "POST", "/event-types/rehearse", body);
  const { status, body } = await rehearse({ event_type: "tried", schema });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.examined, body.failed, body.next_cursor], [3, 2, null]);
  assert.deepEqual(
    body.failures.map(({ event_id, errors }: { event_id: string; errors: { path: string; message: string }[] }) => [
      event_id,
      errors[0]!.path,
      errors[0]!.message,
    ]),
    [
      [ids[3], "", "must have required property 'amount' (required)"],
      [ids[1], "/amount", "must be number (type)"],
    ],
  );
  const first = (await rehearse({ event_type: "tried", schema, limit: 1 })).body;
  assert.deepEqual([first.examined, first.failed], [1, 1]);
  const rest = (await rehearse({ event_type: "tried", schema, cursor: first.next_cursor })).body;
  assert.deepEqual([rest.examined, rest.failed, rest.next_cursor], [2, 1, null]);
  assert.deepEqual((await api.call(own, "GET", "/event-types")).body.event_types, []);
  for (const who of [other, sandbox])
    assert.equal((await rehearse({ event_type: "tried", schema }, who)).body.examined, 0);
  const wrong = await rehearse({ event_type: "tried", schema: { type: "nothing" } });
  assert.deepEqual([wrong.status, wrong.body.error.code], [422, "invalid_schema"]);
  const blind = { ...own, scopes: ["subscriptions" as const] };
  assert.equal((await rehearse({ event_type: "tried", schema }, blind)).status, 403);
  const long = '{"event_type":"tried","schema":{"properties":{"amount":{"const":1.00000000000000000001}}}}';
  assert.equal((await rehearse(long as never)).body.failed, 2, "the digits of the schema count");
});

test("between two recorded events that are tried others have their turn", async () => {
  await stored(
    Array.from({ length: 40 }, (_, n) => ({ event_type: "turns", n })),
    5_000,
  );
  const seen: number[] = [];
  const caller = new Map<string, unknown>([
    ["tenant", tenantOf(live)],
    ["identity", live],
  ]);
  const asked = { trial: "turns", limit: 100, types: ["turns"] };
  const who = { get: (name: string) => caller.get(name) } as never;
  await turnsDuring((soFar) => examine(api.deps, who, asked, () => void seen.push(soFar())));
  assert.deepEqual([seen.length, new Set(seen).size], [40, 40]);
});

test("verdicts tell of each subscription as it stood when the event was routed", async () => {
  const [id] = await stored([{ event_type: "order.created", amount: 40 }], 30_000, { [payloads]: [0] });
  // Since then the definition has changed so that it would match.
  await api.call(live, "PATCH", `/subscriptions/${large}`, { event_selector: "order.created" });
  const { status, body } = await api.call(live, "GET", `/events/${id}/verdicts`);
  assert.equal(status, 200);
  assert.deepEqual(
    body.verdicts.map(({ subscription_id, version, matched }: Record<string, unknown>) => [
      subscription_id,
      version,
      matched,
    ]),
    [
      [large, 1, false],
      [payloads, 1, true],
    ],
  );
  assert.match(body.verdicts[0].because, /40/);
  assert.equal((await api.call(other, "GET", `/events/${id}/verdicts`)).status, 404);
});

test("verdicts have the decision and the status of that time: disabled, paused for its cost, or left out for the cost of all", async () => {
  const { live: own } = await api.customer("Decided");
  const ids: string[] = [];
  for (const name of ["active", "disabled", "paused", "left out"]) {
    const webhook_url = `https://example.com/${encodeURIComponent(name)}`;
    const made = await api.call(own, "POST", "/subscriptions", { webhook_url, event_selector: "order.*" });
    ids.push(made.body.subscription_id);
  }
  const [active, disabled, paused, leftOut] = ids as [string, string, string, string];
  const { customer_id } = own;
  const tenant = tenantOf(own);
  await api.call(own, "PATCH", `/subscriptions/${disabled}`, { status: "disabled" });
  const snapshot_version = await asCustomer(api.deps.db, customer_id, async (tx) => {
    const id = { tenant, subscription_id: paused };
    await setStatus(tx, id, { status: "disabled", reason: TOO_COSTLY }, api.deps.now());
    return await currentVersion(tx, tenant, "subscriptions");
  });
  const matched = { [active]: [0], [disabled]: [0] };
  const batch = batchOf(customer_id, [{ event_type: "order.created" }], api.deps.now(), { matched, snapshot_version });
  await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: encodeBatch(batch) }));
  // What became of them since then says nothing of that moment.
  await api.call(own, "POST", `/subscriptions/${disabled}/enable`);
  await api.call(own, "DELETE", `/subscriptions/${active}`);
  const { body } = await api.call(own, "GET", `/events/${eventId(batch.first)}/verdicts`);
  const because = 'event_type "order.created" is order.*';
  const found = new Map(
    body.verdicts.map((verdict: { subscription_id: string }) => [verdict.subscription_id, verdict]),
  );
  const of = (id: string) => {
    const { matched, status, because } = found.get(id) as Record<string, unknown>;
    return [matched, status, because];
  };
  assert.deepEqual(
    [of(active), of(disabled), of(paused), of(leftOut)],
    [
      [true, "active", because],
      [true, "disabled", because],
      [false, "disabled", "the subscription was paused, since its selector takes too much work"],
      [false, "active", "all selectors together took as much work as one event may, before this one was decided"],
    ],
  );
});

test("verdicts on an event give reasons as far as their work goes, and the decision of every subscription", async () => {
  const { live: own } = await api.customer("Many");
  const subscriptions = Array.from({ length: 1_100 }, (_, n) => ({
    webhook_url: `https://example.com/many/${n}`,
    event_selector: { cel: `event.a.exists(x, x == ${n}.5) || event.b.exists(x, x == ${n}.5)` },
  }));
  const { body: made } = await api.call(own, "POST", "/subscriptions/import", { subscriptions });
  const last = made.subscriptions
    .map((each: { subscription_id: string }) => each.subscription_id)
    .sort()
    .at(-1);
  const snapshot_version = await asCustomer(api.deps.db, own.customer_id, (tx) =>
    currentVersion(tx, tenantOf(own), "subscriptions"),
  );
  const long = { a: new Array<number>(4_000).fill(1), b: new Array<number>(4_000).fill(2) };
  const batch = batchOf(own.customer_id, [long], api.deps.now(), { matched: { [last]: [0] }, snapshot_version });
  await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: encodeBatch(batch) }));
  const { status, body } = await api.call(own, "GET", `/events/${eventId(batch.first)}/verdicts`);
  assert.equal(status, 200);
  assert.equal(body.verdicts.length, 1_100);
  const without = body.verdicts.findIndex(({ because }: { because: string }) =>
    because.startsWith("finding the reasons"),
  );
  assert.ok(without > 300 && without < 1_100, String(without));
  assert.deepEqual(new Set(body.verdicts.slice(without).map(({ because }: { because: string }) => because)).size, 1);
  assert.deepEqual(
    body.verdicts.flatMap((each: { subscription_id: string; matched: boolean }) =>
      each.matched ? [each.subscription_id] : [],
    ),
    [last],
  );
});

test("recorded events are rehearsed, and rows of reference tables shown, only with the scopes that read them", async () => {
  const weak = (...scopes: Identity["scopes"][number][]): Identity => ({ ...live, scopes });
  const rehearsal = { event_selector: "order.*" };
  const refused = await api.call(weak("subscriptions"), "POST", "/subscriptions/rehearse", rehearsal);
  assert.deepEqual([refused.status, refused.body.error.message], [403, 'This key lacks the scope "events:read".']);
  const both = await api.call(weak("subscriptions", "events:read"), "POST", "/subscriptions/rehearse", rehearsal);
  assert.equal(both.status, 200);

  await api.call(live, "PUT", "/reference-tables/people", { rows: { ada: { email: "ada-in-a-row@example.com" } } });
  const made = await api.call(live, "POST", "/subscriptions", {
    webhook_url: "https://example.com/enriched",
    event_selector: "enriched",
    enrich: { from: "people", key: "$.who", as: "person" },
  });
  const shown = async (who: Identity) => {
    const { body } = await dryRun({ event_type: "enriched", who: "ada" }, who);
    const [result] = (typeof body === "string" ? JSON.parse(body) : body).results;
    return result.subscriptions.find(
      (one: { subscription_id: string }) => one.subscription_id === made.body.subscription_id,
    );
  };
  const hidden = await shown(weak("events:write"));
  assert.deepEqual([hidden.matched, hidden.request], [true, undefined]);
  assert.equal((await shown(weak("events:write", "subscriptions"))).matched, true);
});

test.run();
