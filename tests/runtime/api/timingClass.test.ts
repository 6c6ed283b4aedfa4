import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { KyselyPlugin } from "kysely";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import type { Api, Deps } from "../../../runtime/api/deps.ts";
import { defined, mapDefined } from "../../../runtime/domain/defined.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import { deliveryId, eventId, newId, newUlid } from "../../../runtime/domain/ids.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { batchItem, batchOf, deliveryItem, deliveryOf } from "../../support/storage.ts";

/**
 * Nobody learns from an answer's time whether another customer has an id: for it and for one that nobody has, the API asks
 * the stores the same questions, in the same order.
 */
const test = suite("ids of others");
let api: TestApi;
let app: Api;
let asked: string[] = [];
let live: Identity;
/** By kind: the other customer's id, and one that nobody has. */
let ids: Record<"event" | "subscription" | "delivery" | "key" | "replay" | "privacy", readonly [string, string]>;

test.before(async () => {
  api = await startApi({ sqs: { send: async () => ({}) } as unknown as Deps["sqs"] });
  ({ live } = await api.customer("Asking"));
  const { live: other, customer_id } = await api.customer("Other");
  const { body: subscription } = await api.call(other, "POST", "/subscriptions", {
    webhook_url: "https://example.com/o",
    event_selector: "a",
  });
  const { body: key } = await api.call(other, "POST", "/keys", {});
  const { body: replay } = await api.call(other, "POST", "/replays", {
    from: "2026-01-01T00:00:00Z",
    to: "2026-01-02T00:00:00Z",
  });
  const { body: privacy } = await api.call(other, "POST", "/privacy/exports", {
    subject: { jsonpath: "$.a", equals: "b" },
  });
  const ago = api.deps.now() - 60_000;
  const own = subscription.subscription_id;
  const batch = batchOf(customer_id, [{ n: 1 }], ago, { matched: { [own]: [0] } });
  for (const Item of [batchItem(batch), deliveryItem(deliveryOf(batch, own, { status: "dead_lettered" }))])
    await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item }));
  const unknown = newUlid(ago);
  ids = {
    event: [eventId(batch.first), eventId(unknown)],
    subscription: [own, newId("sub", ago)],
    delivery: [deliveryId(batch.first, own), deliveryId(unknown, newId("sub", ago))],
    key: [key.key_id, newId("key", ago)],
    replay: [replay.replay_id, newId("rpl", ago)],
    privacy: [privacy.request_id, newId("prv", ago)],
  };
  const { dynamodb, db } = api.deps;
  const counting: KyselyPlugin = {
    transformQuery({ node }) {
      asked.push(node.kind);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  app = buildApp({
    ...api.deps,
    db: db.withPlugin(counting),
    dynamodb: Object.assign(Object.create(dynamodb), {
      send(command: { constructor: { name: string } }) {
        asked.push(command.constructor.name);
        return dynamodb.send(command as never);
      },
    }),
  });
});
test.after(() => api.close());

async function questions(method: string, path: string, body?: unknown) {
  asked = [];
  const answer = await app.request(path, {
    method,
    headers: { "content-type": "application/json", [IDENTITY_HEADER]: encodeIdentity(live) },
    ...defined({ body: mapDefined(body, (body) => JSON.stringify(body)) }),
  });
  return { status: answer.status, asked };
}

type Kind = keyof typeof ids;
const rows: [kind: Kind, method: string, path: string, body?: (id: string) => unknown][] = [
  ["event", "GET", "/events/ID"],
  ["event", "GET", "/events/ID/journey"],
  ["event", "GET", "/events/ID/verdicts"],
  ["event", "POST", "/events/lookup", (id) => ({ event_ids: [id] })],
  ["event", "POST", "/inbox/ack", (id) => ({ event_ids: [id] })],
  ["event", "POST", "/inbox/delete", (id) => ({ event_ids: [id] })],
  ["event", "DELETE", "/inbox/ID"],
  ["subscription", "GET", "/subscriptions/ID"],
  ["subscription", "PATCH", "/subscriptions/ID", () => ({ max_batch: 5 })],
  ["subscription", "DELETE", "/subscriptions/ID"],
  ["subscription", "POST", "/subscriptions/ID/rotate-secret", () => ({ overlap_seconds: 0 })],
  ["subscription", "POST", "/subscriptions/ID/enable"],
  ["subscription", "GET", "/subscriptions/ID/backlog"],
  ["subscription", "GET", "/deliveries?subscription_id=ID"],
  ["delivery", "GET", "/deliveries/ID"],
  ["delivery", "POST", "/deliveries/ID/retry"],
  ["key", "DELETE", "/keys/ID"],
  ["key", "POST", "/keys/ID/rotate", () => ({ overlap_seconds: 0 })],
  ["replay", "GET", "/replays/ID"],
  ["replay", "POST", "/replays/ID/cancel"],
  ["privacy", "GET", "/privacy/requests/ID"],
];
for (const [kind, method, path, body] of rows) {
  test(`${method} ${path} makes the same calls for another customer's ${kind} as for one that does not exist`, async () => {
    const [theirs, nobodys] = ids[kind];
    const ask = (id: string) => questions(method, path.replace("ID", id), body?.(id));
    await ask(nobodys); // What is remembered for a few seconds is remembered for both.
    const known = await ask(theirs);
    assert.deepEqual(known, await ask(nobodys));
    assert.ok(known.asked.length > 0);
  });
}

test.run();
