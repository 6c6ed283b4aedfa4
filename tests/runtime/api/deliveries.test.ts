import assert from "node:assert/strict";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import type { Item } from "../../../runtime/domain/codec/fields.ts";
import { decodeDeliver } from "../../../runtime/domain/codec/index.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { deliveryId, eventId, newId, timeOf, ulidAt } from "../../../runtime/domain/ids.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import { type BatchItem, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import {
  type DeliveryItem,
  decodeDeliveryItem,
  encodeDeliveryItem,
} from "../../../runtime/store/deliveries/deliveryItem.ts";
import { deliverySortKey, partitionOf } from "../../../runtime/store/keys.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { batchOf, deliveryOf } from "../../support/storage.ts";

const test = suite("deliveries, backlogs and replays over the API");

let api: TestApi;
let live: Identity;
let other: Identity;
let sub: string;
let second: string;
const sent: { queue: string; text: string }[] = [];
const sqs = {
  send: async ({ input }: { input: Record<string, never> }) => {
    const { QueueUrl, Entries, MessageBody } = input as unknown as {
      QueueUrl: string;
      MessageBody?: string;
      Entries?: { MessageBody: string }[];
    };
    for (const text of Entries?.map((entry) => entry.MessageBody) ?? [MessageBody!])
      sent.push({ queue: QueueUrl, text });
    return {};
  },
} as unknown as SQSClient;

test.before(async () => {
  api = await startApi({ sqs });
  ({ live } = await api.customer());
  ({ live: other } = await api.customer("Other"));
  const subscribe = async (n: number) =>
    (
      await api.call(live, "POST", "/subscriptions", {
        webhook_url: `https://example.com/hook/${n}`,
        event_selector: "order.created",
      })
    ).body.subscription_id;
  sub = await subscribe(1);
  second = await subscribe(2);
});
test.before.each(() => {
  sent.length = 0;
});
test.after(() => api.close());

const put = (item: Item) => api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: item }));
const at = (ago: number) => api.deps.now() - ago;
async function stored(count: number, ago: number, more: Partial<BatchItem> = {}) {
  const payloads = Array.from({ length: count }, (_, n) => ({ event_type: "order.created", n }));
  const matched = { [sub]: payloads.map((_, i) => i) };
  const batch = batchOf(live.customer_id, payloads, at(ago), { matched, ...more });
  await put(encodeBatch(batch));
  return { batch, ids: payloads.map((_, offset) => eventId(ulidAt(batch.first, offset))) };
}
async function delivery(batch: BatchItem, more: Partial<DeliveryItem>, subscription = sub) {
  const item = deliveryOf(batch, subscription, more);
  await put(encodeDeliveryItem(item));
  return deliveryId(batch.first, subscription, item.replay_id);
}
async function itemOf(batch: BatchItem, subscription = sub): Promise<DeliveryItem> {
  const key = {
    pk: { S: partitionOf(batch.tenant, batch.first) },
    sk: { S: deliverySortKey(batch.first, subscription) },
  };
  return decodeDeliveryItem(
    (await api.deps.dynamodb.send(new GetItemCommand({ TableName: "events", Key: key }))).Item!,
  );
}
const get = async (path: string, who = live) => (await api.call(who, "GET", path)).body;
const failure = (ms: number) => ({
  at: new Date(at(ms)).toISOString(),
  status_code: 500,
  latency_ms: 3,
  error: "status",
  response_excerpt: "oops",
});

test("deliveries are listed newest first, by status, subscription and time, page by page", async () => {
  const matched = { [sub]: [0], [second]: [0] };
  const old = await stored(1, 7_200_000, { matched });
  const recent = await stored(1, 3_600_000, { matched });
  const delivered = await delivery(old.batch, { status: "delivered" });
  const failed = await delivery(
    old.batch,
    { status: "failed", next_attempt_at: at(-60_000), attempts: [failure(1)] },
    second,
  );
  const dead = await delivery(recent.batch, { status: "dead_lettered", reason: "attempts_exhausted" });
  const pending = deliveryId(recent.batch.first, second);
  const idsOf = (list: { delivery_id: string }[]) => list.map((each) => each.delivery_id);

  assert.deepEqual(idsOf((await get("/deliveries")).deliveries), [pending, dead, failed, delivered]);
  assert.deepEqual(idsOf((await get("/deliveries?status=failed")).deliveries), [failed]);
  assert.deepEqual(idsOf((await get("/deliveries?status=failed&status=dead_lettered")).deliveries), [dead, failed]);
  assert.deepEqual(idsOf((await get("/deliveries?status=pending")).deliveries), [pending]);
  assert.deepEqual(idsOf((await get(`/deliveries?subscription_id=${sub}`)).deliveries), [dead, delivered]);
  const from = new Date(at(5_000_000)).toISOString();
  assert.deepEqual(idsOf((await get(`/deliveries?from=${from}`)).deliveries), [pending, dead]);
  assert.deepEqual(idsOf((await get(`/deliveries?to=${from}`)).deliveries), [failed, delivered]);
  assert.deepEqual(idsOf((await get("/dead-letters")).dead_letters), [dead]);
  assert.deepEqual((await get("/deliveries", other)).deliveries, []);

  const paged: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await get(`/deliveries?limit=1${cursor}`);
    paged.push(...idsOf(page.deliveries));
    if (page.next_cursor === null) break;
    cursor = `&cursor=${page.next_cursor}`;
  }
  assert.deepEqual(paged, [pending, dead, failed, delivered]);

  const one = await get(`/deliveries/${failed}`);
  assert.deepEqual(one, {
    delivery_id: failed,
    subscription_id: second,
    event_ids: old.ids,
    status: "failed",
    attempts: one.attempts,
    next_attempt_at: one.next_attempt_at,
    created_at: one.created_at,
  });
  assert.deepEqual(Object.keys(one.attempts[0]), ["at", "status_code", "latency_ms", "error", "response_excerpt"]);
  assert.equal((await get(`/deliveries/${pending}`)).status, "pending");
  for (const id of [failed, pending]) assert.equal((await api.call(other, "GET", `/deliveries/${id}`)).status, 404);
  assert.equal((await api.call(live, "GET", "/deliveries/dlv_nonsense")).status, 404);
});

test("a manual retry makes an attempt in any state, also the second time", async () => {
  const { batch } = await stored(2, 60_000);
  const id = await delivery(batch, { status: "dead_lettered", attempts: [failure(9), failure(5)] });
  for (let i = 0; i < 2; i += 1) assert.equal((await api.call(live, "POST", `/deliveries/${id}/retry`)).status, 202);
  const retry = {
    kind: "retry",
    tenant: live.customer_id,
    subscription_id: sub,
    batches: [batch.first],
    attempts: 2,
    manual: true,
  };
  assert.deepEqual(
    sent.map(({ queue, text }) => [queue, decodeDeliver(text)]),
    [
      ["RETRY_QUEUE_URL", retry],
      ["RETRY_QUEUE_URL", retry],
    ],
  );
  assert.equal((await api.call(other, "POST", `/deliveries/${id}/retry`)).status, 404);
});

test("a manual retry can be the first attempt of a delivery", async () => {
  const { batch } = await stored(2, 61_000);
  const { status } = await api.call(live, "POST", `/deliveries/${deliveryId(batch.first, sub)}/retry`);
  assert.equal(status, 202);
  assert.deepEqual(decodeDeliver(sent[0]!.text), {
    kind: "retry",
    tenant: live.customer_id,
    subscription_id: sub,
    batches: [batch.first],
    attempts: 0,
    manual: true,
  });
});

test("a dead letter that a replay retried is listed under the replay, and keeps its own id", async () => {
  const { batch, ids } = await stored(1, 62_000);
  const retried_by = "rpl_01ARZ3NDEKTSV4RRFFQ69G5FAW";
  const attempts = [failure(9)];
  const id = await delivery(batch, { status: "delivered", attempts, retried_by });
  assert.deepEqual(await get(`/deliveries/${id}`), {
    delivery_id: id,
    subscription_id: sub,
    event_ids: ids,
    status: "delivered",
    attempts,
    next_attempt_at: null,
    created_at: rfc3339(timeOf(batch.first)),
    replay_id: retried_by,
  });
  const { deliveries } = await get(`/deliveries?replay_id=${retried_by}`);
  assert.deepEqual(
    deliveries.map(({ delivery_id }: { delivery_id: string }) => delivery_id),
    [id],
  );
  assert.equal((await get(`/events/${ids[0]}`)).status, "delivered");
});

test("a backlog holds the waiting, held and dead-lettered events, oldest first, and nothing else", async () => {
  const held = await stored(2, 900_000);
  const failed = await stored(3, 800_000);
  const dead = await stored(1, 700_000);
  const done = await stored(1, 600_000);
  const partly = await stored(3, 500_000);
  await delivery(held.batch, { status: "pending", held: true });
  await delivery(failed.batch, { status: "failed", next_attempt_at: at(-60_000), swept: true });
  await delivery(dead.batch, { status: "dead_lettered" });
  await delivery(done.batch, { status: "delivered" });
  await delivery(partly.batch, { status: "failed", next_attempt_at: at(-60_000), remaining: [1] });
  const expected = [...held.ids, ...failed.ids, ...dead.ids, partly.ids[1]!];
  const backlog = async (path = "") => {
    const list: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await get(`/subscriptions/${sub}/backlog?limit=2${path}${cursor}`);
      list.push(...page.events.map((event: { event_id: string }) => event.event_id));
      if (page.next_cursor === null) return list.filter((id) => expected.includes(id));
      cursor = `&cursor=${page.next_cursor}`;
    }
  };
  assert.deepEqual(await backlog(), expected);
  assert.deepEqual(await backlog("&order=desc"), expected.toReversed());
  const { next_cursor } = await get(`/subscriptions/${sub}/backlog?limit=2`);
  const turned = await api.call(live, "GET", `/subscriptions/${sub}/backlog?order=desc&cursor=${next_cursor}`);
  assert.deepEqual([turned.status, turned.body.error?.message], [400, "The cursor was made for other filters."]);
  assert.equal((await api.call(other, "GET", `/subscriptions/${sub}/backlog`)).status, 404);

  const event_ids = [held.ids[0]!, ...failed.ids, partly.ids[1]!];
  for (let i = 0; i < 2; i += 1) {
    const { body } = await api.call(live, "POST", `/subscriptions/${sub}/backlog/ack`, {
      event_ids: [...event_ids, "evt_nonsense"],
    });
    assert.deepEqual(body, { acknowledged: 5, missing: ["evt_nonsense"] });
  }
  const none = await api.call(live, "POST", `/subscriptions/${sub}/backlog/ack`, { event_ids: [] });
  assert.deepEqual([none.status, none.body], [200, { acknowledged: 0, missing: [] }]);
  assert.deepEqual(await backlog(), [held.ids[1], ...dead.ids]);
  const left = await itemOf(held.batch);
  assert.deepEqual([left.status, left.held, left.remaining], ["pending", true, [1]]);
  for (const { batch } of [failed, partly]) {
    const { status, reason, next_attempt_at, swept, remaining } = await itemOf(batch);
    assert.deepEqual(
      [status, reason, next_attempt_at, swept, remaining],
      ["delivered", "acknowledged_from_backlog", undefined, undefined, undefined],
    );
  }
  assert.equal((await get(`/events/${failed.ids[0]}`)).status, "delivered");
});

test("a waiting delivery of a removed subscription is cancelled, and does not count for the event", async () => {
  const gone = (
    await api.call(live, "POST", "/subscriptions", {
      webhook_url: "https://example.com/gone",
      event_selector: "order.created",
    })
  ).body.subscription_id;
  const { batch, ids } = await stored(1, 50_000, { matched: { [gone]: [0] } });
  const id = await delivery(batch, { status: "failed", next_attempt_at: at(-60_000) }, gone);
  assert.equal((await get(`/events/${ids[0]}`)).status, "failed");
  await api.call(live, "DELETE", `/subscriptions/${gone}`);
  assert.equal((await get(`/events/${ids[0]}`)).status, "unmatched");
  assert.equal((await get(`/deliveries/${id}`)).status, "cancelled");
  assert.equal((await api.call(live, "POST", `/deliveries/${id}/retry`)).status, 422);
});

test("a replay is accepted, read, listed and cancelled by its own customer only", async () => {
  const from = new Date(at(86_400_000)).toISOString();
  const made = await api.call(live, "POST", "/replays", { from, event_type: "order.created", subscription_ids: [sub] });
  assert.equal(made.status, 202);
  const id = made.body.replay_id;
  assert.deepEqual(
    [made.body.status, made.body.matched, made.body.sent, made.body.request.from, made.body.request.subscription_ids],
    ["pending", 0, 0, from, [sub]],
  );
  assert.deepEqual(
    sent.map(({ queue }) => queue),
    ["JOB_QUEUE_URL"],
  );
  assert.deepEqual(await get(`/replays/${id}`), made.body);
  assert.deepEqual((await get("/replays")).replays[0], made.body);
  assert.equal((await api.call(other, "GET", `/replays/${id}`)).status, 404);
  assert.equal((await api.call(other, "POST", `/replays/${id}/cancel`)).status, 404);
  for (let i = 0; i < 2; i += 1) {
    const { status, body } = await api.call(live, "POST", `/replays/${id}/cancel`);
    assert.deepEqual([status, body.status], [200, "cancelled"]);
  }
});

test("a replay that can't be carried out is refused", async () => {
  const refused: [body: object, status: number, path: string][] = [
    [{}, 400, "/from"],
    [{ from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }, 400, "/to"],
    [{ event_ids: ["nonsense"] }, 400, "/event_ids/0"],
    [{ from: "2026-01-01T00:00:00Z", rate_per_second: 0 }, 400, "/rate_per_second"],
    [{ from: "2026-01-01T00:00:00Z", subscription_ids: [newId("sub")] }, 422, "/subscription_ids/0"],
  ];
  for (const [body, status, path] of refused) {
    const answer = await api.call(live, "POST", "/replays", body);
    assert.deepEqual([answer.status, answer.body.error.details[0].path], [status, path]);
  }
  assert.deepEqual(sent, []);
});

test("deliveries are narrowed by workflow, by type and by how their last attempt failed, and a cursor keeps all of that", async () => {
  const { live: own } = await api.customer("Narrow");
  const subscribe = async (workflow_id: string) =>
    (
      await api.call(own, "POST", "/subscriptions", {
        workflow_id,
        webhook_url: `https://example.com/narrow/${workflow_id}`,
        event_selector: "**",
      })
    ).body.subscription_id as string;
  const [first, other_] = [await subscribe("first"), await subscribe("other")];
  const make = async (type: string, subscription: string, error: string | null, status_code: number | null) => {
    const batch = batchOf(own.customer_id, [{ event_type: type }], at(60_000), { matched: { [subscription]: [0] } });
    await put(encodeBatch(batch));
    const attempts = [{ ...failure(1), error, status_code }];
    return delivery(
      batch,
      error === null ? { status: "delivered", attempts } : { status: "failed", next_attempt_at: at(-60_000), attempts },
      subscription,
    );
  };
  const slow = await make("order.paid", first, "timeout", null);
  const broken = await make("order.sent", first, "http_error", 503);
  const refused = await make("user.made", other_, "http_error", 404);
  const well = await make("user.made", other_, null, 200);
  const found = async (query: string) =>
    ((await get(`/deliveries?${query}`, own)).deliveries as { delivery_id: string }[])
      .map(({ delivery_id }) => delivery_id)
      .sort();
  assert.deepEqual(await found("workflow_id=first"), [slow, broken].sort());
  assert.deepEqual(await found("workflow_id=first&workflow_id=other"), [slow, broken, refused, well].sort());
  assert.deepEqual(await found("workflow_id=none"), []);
  assert.deepEqual(await found("event_type=order.paid"), [slow]);
  assert.deepEqual(await found("event_type=order.*"), [slow, broken].sort());
  assert.deepEqual(await found("error=http_5xx&error=timeout"), [slow, broken].sort());
  assert.deepEqual(await found("error=http_4xx&event_type=order.*"), []);
  assert.deepEqual(await found("status=failed&event_type=user.made"), [refused]);
  const page = await get("/deliveries?event_type=order.*&workflow_id=first&limit=1", own);
  const rest = await get(`/deliveries?limit=10&cursor=${page.next_cursor}`, own);
  assert.deepEqual(
    [...page.deliveries, ...rest.deliveries].map(({ delivery_id }: { delivery_id: string }) => delivery_id).sort(),
    [slow, broken].sort(),
  );
  const wrong = await api.call(own, "GET", "/deliveries?event_type=&error=nonsense");
  assert.equal(wrong.status, 400);
});

test.run();
