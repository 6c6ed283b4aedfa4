import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { eventsOf } from "../../../runtime/api/deps.ts";
import type { Item } from "../../../runtime/domain/codec/fields.ts";
import type { Event } from "../../../runtime/domain/event.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { eventId, newUlid, timeOf, ulidAt } from "../../../runtime/domain/ids.ts";
import { type BatchItem, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { readDelivery } from "../../../runtime/store/deliveries/changeDelivery.ts";
import { encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { batchOf, deliveryOf } from "../../support/storage.ts";

const test = suite("inbox and events over the API");
const SUB = "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV";

let api: TestApi;
let live: Identity;
let sandbox: Identity;
let other: Identity;
test.before(async () => {
  api = await startApi();
  ({ live, sandbox } = await api.customer());
  ({ live: other } = await api.customer("Other"));
});
test.after(() => api.close());

const put = (item: Item) => api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: item }));
const at = (ago: number) => api.deps.now() - ago;
async function stored(payloads: object[], ago: number, more: Partial<BatchItem> = {}, tenant = live.customer_id) {
  const batch = batchOf(tenant, payloads, at(ago), more);
  await put(encodeBatch(batch));
  return { batch, ids: payloads.map((_, offset) => eventId(ulidAt(batch.first, offset))) };
}
const idsOf = (body: { events: { event_id: string }[] }) => body.events.map((event) => event.event_id);
const get = (path: string, who = live) => api.call(who, "GET", path);

test("an event reads the same in the inbox, by its id and by lookup, digits and all", async () => {
  const raw = Buffer.from('{"event_type":"big","n":12345678901234567890.10}');
  const { pack } = await import("../../../runtime/domain/codec/pack.ts");
  const batch = batchOf(live.customer_id, [{ event_type: "big" }], at(60_000), {
    body: { inline: pack([raw]) },
    matched: { [SUB]: [0] },
  });
  await put(encodeBatch(batch));
  const attempts = [{ at: new Date(at(59_000)).toISOString(), status_code: 200, latency_ms: 12, error: null }];
  await put(encodeDeliveryItem(deliveryOf(batch, SUB, { attempts })));
  const id = eventId(batch.first);
  const expected = {
    event_id: id,
    event_type: "big",
    received_at: new Date(at(60_000)).toISOString(),
    payload: JSON.parse(raw.toString()),
    status: "delivered",
    acknowledged_at: null,
    deliveries: [
      {
        delivery_id: `dlv_${batch.first}_${SUB.slice(4)}`,
        subscription_id: SUB,
        event_ids: [id],
        status: "delivered",
        attempts,
        next_attempt_at: null,
      },
    ],
  };
  const single = (await get(`/events/${id}`)).body;
  expected.received_at = single.received_at;
  Object.assign(expected.deliveries[0]!, { created_at: single.received_at });
  assert.deepEqual(single, expected);
  const page = await get("/inbox?event_type=big");
  assert.deepEqual(page.body, { events: [expected], next_cursor: null });
  const found = await api.call(live, "POST", "/events/lookup", { event_ids: [id, "evt_nonsense"] });
  assert.deepEqual(found.body, { events: [expected], missing: ["evt_nonsense"] });
  const text = await (await api.app.request(`/events/${id}`, { headers: headersOf(live) })).text();
  assert.ok(text.includes('"n":12345678901234567890.10'));
});

const headersOf = (identity: Identity) => ({
  "x-triggers-identity": Buffer.from(JSON.stringify(identity)).toString("base64url"),
});

test("an event of another customer, or of the other environment, is 404", async () => {
  const { ids } = await stored([{}], 60_000);
  assert.equal((await get(`/events/${ids[0]}`)).status, 200);
  for (const stranger of [other, sandbox]) {
    assert.equal((await get(`/events/${ids[0]}`, stranger)).status, 404);
    assert.equal((await get(`/events/${ids[0]}/journey`, stranger)).status, 404);
    assert.equal((await api.call(stranger, "DELETE", `/inbox/${ids[0]}`)).status, 404);
    const body = { event_ids: ids };
    assert.deepEqual((await api.call(stranger, "POST", "/inbox/ack", body)).body, { acknowledged: 0, missing: ids });
    assert.deepEqual((await api.call(stranger, "POST", "/inbox/delete", body)).body, { deleted: 0, missing: ids });
    assert.deepEqual((await api.call(stranger, "POST", "/events/lookup", body)).body, { events: [], missing: ids });
    assert.deepEqual((await get("/inbox?acknowledged=all", stranger)).body.events, []);
  }
  assert.equal((await get(`/events/${ids[0]}`)).body.acknowledged_at, null);
});

test("event types are asked for by name and by pattern, as selectors have them", async () => {
  const types = ["shop.order.created", "shop.order.paid", "shop.order", "shop", "other.order.created"];
  const { batch } = await stored([...types.map((event_type) => ({ event_type })), {}], 90_000);
  const [from, to] = [0, 1].map((ms) => new Date(timeOf(batch.first) + ms).toISOString());
  const found = async (query: string) => {
    const { status, body } = await get(`/inbox?from=${from}&to=${to}&${query}`);
    return status === 200 ? body.events.map(({ event_type }: Event) => event_type) : body.error.details;
  };
  assert.deepEqual(await found("order=asc&event_type=shop.*.created"), ["shop.order.created"]);
  assert.deepEqual(await found("order=asc&event_type=shop.**"), [
    "shop.order.created",
    "shop.order.paid",
    "shop.order",
  ]);
  assert.deepEqual(await found("order=asc&event_type=shop&event_type=*.order"), ["shop.order", "shop"]);
  assert.deepEqual(await found("order=asc&event_type=**"), types);
  assert.deepEqual(await found("event_type=or*er"), [
    { path: "/event_type", message: '`*` must be a whole segment, not a part of "or*er"' },
  ]);
});

test("a filter by key finds the events that the key sent, and no others", async () => {
  const ours = await stored([{ a: 1 }, { a: 2 }], 52_000, { key_id: "key_ours" });
  const theirs = await stored([{ a: 3 }], 51_000, { key_id: "key_theirs" });
  assert.deepEqual(idsOf((await get("/inbox?key_id=key_ours")).body), [...ours.ids].reverse());
  assert.deepEqual(idsOf((await get("/inbox?key_id=key_ours&key_id=key_theirs")).body), [
    ...theirs.ids,
    ...[...ours.ids].reverse(),
  ]);
  assert.deepEqual(idsOf((await get("/inbox?key_id=key_nobody")).body), []);
});

test("a time's offset may come with the + that a query makes a space of", async () => {
  const { ids } = await stored([{ event_type: "offset" }], 150_000);
  const { received_at } = (await get(`/events/${ids[0]}`)).body;
  const inParis = `${new Date(Date.parse(received_at) + 3_600_000).toISOString().slice(0, -1)}+01:00`;
  for (const from of [inParis, encodeURIComponent(inParis)])
    assert.deepEqual(idsOf((await get(`/inbox?event_type=offset&from=${from}`)).body), ids, from);
  for (const bad of ["2026-11-27T10:00:00 1:00", "2026-11-27 10:00:00", "2026-11-27T10:00:00++01:00"])
    assert.equal((await get(`/inbox?from=${bad}`)).status, 400, bad);
});

test("pages follow each other by cursor alone, or with the same filters repeated, but not with others", async () => {
  const { ids } = await stored(
    Array.from({ length: 5 }, (_, n) => ({ event_type: "paged", n })),
    120_000,
  );
  const first = (await get("/inbox?event_type=paged&order=asc&limit=2")).body;
  assert.deepEqual(idsOf(first), ids.slice(0, 2));
  const second = (await get(`/inbox?limit=2&cursor=${first.next_cursor}`)).body;
  assert.deepEqual(idsOf(second), ids.slice(2, 4));
  const repeated = (await get(`/inbox?event_type=paged&order=asc&limit=2&cursor=${first.next_cursor}`)).body;
  assert.deepEqual(repeated, second);
  const last = (await get(`/inbox?limit=2&cursor=${second.next_cursor}`)).body;
  assert.deepEqual(idsOf(last), ids.slice(4));
  assert.equal(last.next_cursor, null);
  const changed = await get(`/inbox?event_type=paged&order=desc&cursor=${first.next_cursor}`);
  assert.equal(changed.status, 400);
  assert.deepEqual(changed.body.error.details, [
    { path: "/cursor", message: "belongs to other filters than those of this request" },
  ]);
  assert.equal((await get(`/inbox?cursor=${first.next_cursor}`, other)).status, 400);
});

test("a CEL filter and a text search the payloads", async () => {
  const { ids } = await stored(
    [
      { event_type: "searched", amount: 5, note: "Grüße" },
      { event_type: "searched", amount: 50, note: "other" },
      { event_type: "searched", note: "no amount" },
    ],
    130_000,
  );
  const filter = encodeURIComponent("event.amount > 10 && event_type == 'searched'");
  assert.deepEqual(idsOf((await get(`/inbox?filter=${filter}`)).body), [ids[1]]);
  assert.deepEqual(idsOf((await get(`/inbox?q=${encodeURIComponent("grÜSSE".replace("SS", "ß"))}`)).body), [ids[0]]);
  const bad = await get(`/inbox?filter=${encodeURIComponent("event.amount >")}`);
  assert.equal(bad.status, 400);
  const { code, message, details } = bad.body.error;
  const says = "The filter is not valid at position 14: the expression ends too early.";
  assert.deepEqual([code, message, details[0].path], ["invalid_request", says, "/filter"]);
});

test("bad parameters are named", async () => {
  const refused: [query: string, path: string][] = [
    ["limit=0", "/limit"],
    ["limit=1001", "/limit"],
    ["status=lost", "/status"],
    ["acknowledged=maybe", "/acknowledged"],
    ["order=up", "/order"],
    ["from=yesterday", "/from"],
    ["cursor=abc", "/cursor"],
    ["colour=red", "/colour"],
  ];
  for (const [query, path] of refused) {
    const { status, body } = await get(`/inbox?${query}`);
    assert.deepEqual([status, body.error.code, body.error.details[0].path], [400, "invalid_request", path], query);
  }
});

test("from is inclusive and to exclusive, over received_at", async () => {
  const { batch } = await stored([{ event_type: "timed" }], 500_000);
  const time = (ms: number) => new Date(batch.routed_at + ms).toISOString();
  const count = async (query: string) => (await get(`/inbox?event_type=timed&${query}`)).body.events.length;
  assert.equal(await count(`from=${time(0)}`), 1);
  assert.equal(await count(`from=${time(1)}`), 0);
  assert.equal(await count(`to=${time(0)}`), 0);
  assert.equal(await count(`to=${time(1)}`), 1);
});

test("acknowledging and deleting change only the named events of a batch, and repeating them is harmless", async () => {
  const { ids } = await stored([{ n: 0 }, { n: 1 }, { n: 2 }], 140_000);
  const unknown = eventId(newUlid(at(9_000_000)));
  for (let i = 0; i < 2; i += 1) {
    const { body } = await api.call(live, "POST", "/inbox/ack", { event_ids: [ids[0], ids[1], unknown] });
    assert.deepEqual(body, { acknowledged: 2, missing: [unknown] });
  }
  const acknowledged = (await get(`/events/${ids[0]}`)).body.acknowledged_at;
  assert.ok(Math.abs(Date.parse(acknowledged) - at(0)) < 60_000);
  for (let i = 0; i < 2; i += 1) {
    const { body } = await api.call(live, "POST", "/inbox/delete", { event_ids: [ids[1], unknown] });
    assert.deepEqual(body, { deleted: 1, missing: [unknown] });
    assert.equal((await api.call(live, "DELETE", `/inbox/${ids[2]}`)).status, 204);
  }
  assert.equal((await api.call(live, "DELETE", `/inbox/${unknown}`)).status, 404);
  assert.equal((await api.call(live, "DELETE", "/inbox/nonsense")).status, 400);
  assert.equal((await get(`/events/${ids[1]}`)).status, 404);
  assert.equal((await get(`/events/${ids[0]}`)).status, 200);
  const lookup = await api.call(live, "POST", "/events/lookup", { event_ids: ids });
  assert.deepEqual([idsOf(lookup.body), lookup.body.missing], [[ids[0]], [ids[1], ids[2]]]);
  const ack = await api.call(live, "POST", "/inbox/ack", { event_ids: [ids[1]] });
  assert.deepEqual(ack.body, { acknowledged: 0, missing: [ids[1]] });
});

test("old marks inside the batch's item count like new ones, and keep their times", async () => {
  const time = at(130_000);
  const { ids } = await stored(
    [0, 1, 2].map((n) => ({ n, event_type: "old" })),
    140_000,
    { acknowledged: { 0: time } },
  );
  const times = async (state: string) =>
    (await get(`/inbox?event_type=old&order=asc&acknowledged=${state}`)).body.events.map(
      (event: { acknowledged_at: string | null }) => event.acknowledged_at,
    );
  assert.deepEqual(await times("false"), [null, null]);
  const { body } = await api.call(live, "POST", "/inbox/ack", { event_ids: ids.slice(0, 2) });
  assert.deepEqual(body, { acknowledged: 2, missing: [] });
  const [first, second, third] = await times("all");
  assert.equal(first, new Date(time).toISOString());
  assert.ok(Date.parse(second) > time);
  assert.equal(third, null);
  assert.deepEqual(await times("true"), [first, second]);
  assert.deepEqual(await times("false"), [null]);
  const lookup = await api.call(live, "POST", "/events/lookup", { event_ids: ids });
  assert.deepEqual(
    lookup.body.events.map((event: { acknowledged_at: string | null }) => event.acknowledged_at),
    [first, second, null],
  );
  const { stages } = (await get(`/events/${ids[1]}/journey`)).body;
  assert.deepEqual([stages.at(-1).stage, stages.at(-1).at], ["acknowledged", second]);
  await api.call(live, "POST", "/inbox/ack", { event_ids: ids });
});

test("a thousand acknowledgements at once, from several callers, all hold", async () => {
  const { ids } = await stored(
    Array.from({ length: 1_000 }, (_, n) => ({ n, event_type: "many" })),
    150_000,
  );
  const answers = await Promise.all(
    [ids, ids.slice(0, 600), ids.slice(300)].map((event_ids) => api.call(live, "POST", "/inbox/ack", { event_ids })),
  );
  assert.deepEqual(
    answers.map(({ body }) => body.acknowledged),
    [1_000, 600, 700],
  );
  assert.equal((await get("/inbox?event_type=many&limit=1000&acknowledged=true")).body.events.length, 1_000);
});

test("deleting an event cancels the delivery that waits for it", async () => {
  const { batch, ids } = await stored([{ n: 0 }], 160_000, { matched: { [SUB]: [0] } });
  await put(
    encodeDeliveryItem(deliveryOf(batch, SUB, { status: "failed", next_attempt_at: at(-60_000), swept: true })),
  );
  await api.call(live, "DELETE", `/inbox/${ids[0]}`);
  const name = { tenant: live.customer_id, first: batch.first, subscription_id: SUB };
  const { status, reason, next_attempt_at, swept } = (await readDelivery(eventsOf(api.deps), name))!;
  assert.deepEqual(
    { status, reason, next_attempt_at, swept },
    {
      status: "cancelled",
      reason: "event_deleted",
      next_attempt_at: undefined,
      swept: undefined,
    },
  );
});

test("a read waits for an event that is stored a moment after it was accepted", async () => {
  const batch = batchOf(live.customer_id, [{ n: 1 }], api.deps.now());
  const reading = get(`/events/${eventId(batch.first)}`);
  await put(encodeBatch(batch));
  assert.equal((await reading).status, 200);
});

test("the journey tells each stage with the time since the one before", async () => {
  const ago = 170_000;
  const { batch, ids } = await stored([{}], ago, {
    ...{ matched: { [SUB]: [0] }, routed_at: at(ago - 40), stored_at: at(ago - 55) },
  });
  // The clock moved on between the times above.
  const accepted = batch.routed_at - 40;
  const storing = batch.stored_at! - accepted;
  const time = (ms: number) => new Date(accepted + ms).toISOString();
  const attempts = [
    { at: time(90), status_code: 500, latency_ms: 10, error: "status" },
    { at: time(5_100), status_code: 200, latency_ms: 20, error: null },
  ];
  await put(encodeDeliveryItem(deliveryOf(batch, SUB, { attempts })));
  const start = Date.parse((await get(`/events/${ids[0]}`)).body.received_at);
  const routed = batch.routed_at - start;
  const delivery = { delivery_id: `dlv_${batch.first}_${SUB.slice(4)}`, subscription_id: SUB };
  assert.deepEqual((await get(`/events/${ids[0]}/journey`)).body.stages, [
    { stage: "accepted", at: new Date(start).toISOString(), duration_ms: 0 },
    { stage: "routed", at: new Date(batch.routed_at).toISOString(), duration_ms: routed },
    { stage: "stored", at: time(storing), duration_ms: storing - 40 },
    {
      stage: "attempt",
      at: time(90),
      duration_ms: 90 - storing,
      ...delivery,
      attempt: 1,
      latency_ms: 10,
      status_code: 500,
      error: "status",
    },
    {
      stage: "attempt",
      at: time(5_100),
      duration_ms: 5_000,
      ...delivery,
      attempt: 2,
      latency_ms: 20,
      status_code: 200,
      error: null,
    },
  ]);
});

test("the customer's retention hides events at once when it is shortened", async () => {
  const { ids } = await stored([{ event_type: "old" }], 3 * 86_400_000);
  assert.equal((await get(`/events/${ids[0]}`)).status, 200);
  assert.equal((await api.call(live, "PUT", "/retention", { days: 2 })).status, 200);
  api.advance(6_000);
  assert.equal((await get(`/events/${ids[0]}`)).status, 404);
  assert.deepEqual((await get("/inbox?event_type=old")).body.events, []);
});

test("a deletion of events has one audit entry with its actor", async () => {
  const { live: own } = await api.customer("Deletes");
  const { ids } = await stored(
    [{ event_type: "a" }, { event_type: "b" }, { event_type: "c" }],
    60_000,
    {},
    own.customer_id,
  );
  await api.call(own, "DELETE", `/inbox/${ids[0]}`);
  await api.call(own, "POST", "/inbox/delete", { event_ids: ids.slice(1) });
  const { body } = await api.call(own, "GET", "/audit");
  const told = body.entries ?? body.audit;
  assert.deepEqual(
    told
      .filter(({ action }: { action: string }) => action === "event.delete")
      .map(({ object, outcome }: { object: string; outcome: string }) => [object, outcome])
      .sort(),
    [
      [ids[0], "ok"],
      [ids[1], "ok"],
    ].sort(),
  );
});

test("reading an event asks the database as often for many deliveries as for one", async () => {
  const { live } = await api.customer();
  const { db } = api.deps;
  let asked = 0;
  const counted = new Proxy(db, {
    get(target, name) {
      if (name === "transaction") asked += 1;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const askedFor = async (count: number): Promise<number> => {
    const matched = Object.fromEntries(Array.from({ length: count }, (_, n) => [`sub_${newUlid(n)}`, [0]]));
    const batch = batchOf(live.customer_id, [{ n: 1 }], api.deps.now() - 10_000, { matched });
    const { dynamodb, name } = eventsOf(api.deps);
    await dynamodb.send(new PutItemCommand({ TableName: name, Item: encodeBatch(batch) }));
    asked = 0;
    Object.assign(api.deps, { db: counted });
    const { body } = await api.call(live, "GET", `/events/${eventId(batch.first)}`);
    Object.assign(api.deps, { db });
    assert.equal(body.deliveries.length, count);
    return asked;
  };
  await askedFor(1);
  assert.equal(await askedFor(2_500), await askedFor(1));
});

test.run();
