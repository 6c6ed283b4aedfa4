// group: shared 2
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { DISABLE_AFTER_MS } from "../../runtime/deliver/circuits.ts";
import { CEILINGS_MS } from "../../runtime/deliver/schedule.ts";
import { defined } from "../../runtime/domain/defined.ts";
import type { Tenant } from "../../runtime/domain/identity/identity.ts";
import { decodeCircuit } from "../../runtime/store/circuits/circuitItem.ts";
import { decodeDeliveryItem, encodeDeliveryItem } from "../../runtime/store/deliveries/deliveryItem.ts";
import { circuitKey, circuitPartition, deliverySortKey, partitionOf } from "../../runtime/store/keys.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
  webhooksAt,
} from "../support/platform.ts";

/** What takes days, seen through the running platform: the days are put into its table, everything else is done by itself. */
const test = suite("endpoints that fail for days");
let platform: SharedPlatform;
let customer: Customer;
let dynamodb: DynamoDBClient;
let table: string;

test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
  dynamodb = new DynamoDBClient(platform.aws());
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
  table = TableNames.find((name) => name.startsWith("events"))!;
});
test.after(() => dynamodb.destroy());

const api = (method: string, path: string, body?: unknown) =>
  call(platform.url, method, path, { key: customer.api_key, ...defined({ body }) });

/** A change counts for events accepted five seconds later. */
const inForce = () => new Promise((resolve) => setTimeout(resolve, 5_000));
const pathOf = (name: string, script = "status/200") => `/script/${script}/${customer.customer_id}-${name}`;
const urlOf = (name: string, script?: string) => `${platform.sinkUrl}${pathOf(name, script)}`;

async function subscribe(webhook_url: string, event_selector: string): Promise<{ id: string; secret: string }> {
  const { status, json, text } = await api("POST", "/subscriptions", { webhook_url, event_selector });
  assert.equal(status, 201, text);
  return { id: json.subscription_id, secret: json.signing_secret };
}

const received = (name: string, count: number) =>
  eventually(
    () => webhooksAt(platform, pathOf(name)),
    (all) => all.length >= count,
  );
const send = async (event_type: string): Promise<string> =>
  (await api("POST", "/events", { event_type })).json.event_id;
const standing = (id: string, status: string, ms?: number) =>
  eventually(
    async () => (await api("GET", `/events/${id}`)).json,
    (event) => event.status === status,
    ms,
  );

async function stored(pk: string, sk: string) {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true }),
  );
  assert.ok(Item, `${pk} ${sk} is not in the table`);
  return Item;
}

/** Gives a failed delivery a history that leaves one attempt, and has that made. */
async function lastAttempt(event: string, subscription: string): Promise<string> {
  const { deliveries } = await standing(event, "failed");
  const first = event.slice(4);
  const item = decodeDeliveryItem(
    await stored(partitionOf(customer.customer_id as Tenant, first), deliverySortKey(first, subscription)),
  );
  const attempts = CEILINGS_MS.map(() => item.attempts[0]!);
  await dynamodb.send(new PutItemCommand({ TableName: table, Item: encodeDeliveryItem({ ...item, attempts }) }));
  const { delivery_id } = deliveries[0];
  assert.equal((await api("POST", `/deliveries/${delivery_id}/retry`)).status, 202);
  await standing(event, "dead_lettered");
  return delivery_id;
}

test("once the endpoint works, a replay by id or filter delivers dead letters under its id, and no dead letter remains", async () => {
  const { id } = await subscribe(urlOf("letters", "status/500"), "letters");
  await inForce();
  const events = [await send("letters"), await send("letters")];
  const ids = [];
  for (const event of events) ids.push(await lastAttempt(event, id));
  const { dead_letters } = (await api("GET", "/dead-letters")).json;
  assert.deepEqual(dead_letters.map((each: { delivery_id: string }) => each.delivery_id).sort(), ids.sort());
  for (const { reason, attempts } of dead_letters) {
    assert.equal(reason, "attempts_exhausted");
    assert.equal(attempts.length, CEILINGS_MS.length + 1);
  }
  assert.equal((await api("PATCH", `/subscriptions/${id}`, { webhook_url: urlOf("letters") })).status, 200);
  await inForce();
  const requests = [{ delivery_ids: [ids[0]] }, { subscription_id: id }];
  for (const [at, request] of requests.entries()) {
    const { status, json } = await api("POST", "/dead-letters/replay", request);
    assert.equal(status, 202);
    const replay = await eventually(
      async () => (await api("GET", `/replays/${json.replay_id}`)).json,
      (job) => job.status === "succeeded",
    );
    assert.deepEqual([replay.matched, replay.sent], [1, 1]);
    const posts = await received("letters", at + 1);
    assert.equal(posts[at]!.headers["triggers-replay-id"], json.replay_id);
  }
  for (const event of events) await standing(event, "delivered");
  assert.deepEqual((await api("GET", "/dead-letters")).json.dead_letters, []);
  const sent = (await received("letters", 2)).map(({ body }) => JSON.parse(body)[0].event_id);
  assert.deepEqual(sent.sort(), events.sort());
});

test("after five days of failing a subscription is disabled, its owner is told by a signed event, and enabling delivers what it held", async () => {
  const owner = await subscribe(urlOf("owner"), "subscription.*");
  const { id } = await subscribe(urlOf("ill", "status/500"), "ill");
  await inForce();
  const event = await send("ill");
  const { deliveries } = await standing(event, "failed");
  const circuit = await eventually(
    () =>
      stored(circuitPartition(customer.customer_id as Tenant), circuitKey(customer.customer_id as Tenant, id).sk!.S!),
    (item) => decodeCircuit(item).failures > 0,
  );
  const failing_since = { N: String(decodeCircuit(circuit).failing_since - DISABLE_AFTER_MS) };
  await dynamodb.send(new PutItemCommand({ TableName: table, Item: { ...circuit, failing_since } }));
  assert.equal((await api("POST", `/deliveries/${deliveries[0].delivery_id}/retry`)).status, 202);

  const [{ body, headers }] = (await received("owner", 1)) as [Awaited<ReturnType<typeof received>>[number]];
  const [told] = JSON.parse(body);
  assert.equal(told.event_type, "subscription.disabled");
  assert.deepEqual([told.payload.subscription_id, told.payload.reason], [id, "endpoint_failing"]);
  // The signature by hand, as Standard Webhooks describes it: HMAC-SHA-256 over id, timestamp and body.
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const mac = createHmac("sha256", Buffer.from(owner.secret.slice("whsec_".length), "base64")).update(signed);
  assert.equal(headers["webhook-signature"], `v1,${mac.digest("base64")}`);
  const { status, json } = await api("GET", `/events/${told.event_id}`);
  assert.deepEqual([status, json.payload], [200, told.payload]);

  const subscription = (await api("GET", `/subscriptions/${id}`)).json;
  assert.deepEqual([subscription.status, subscription.disabled_reason], ["disabled", "endpoint_failing"]);
  await inForce();
  const later = await send("ill");
  await eventually(
    async () => (await api("GET", `/subscriptions/${id}/backlog`)).json.events,
    (events) => events.some(({ event_id }: { event_id: string }) => event_id === later),
  );
  assert.equal((await api("PATCH", `/subscriptions/${id}`, { webhook_url: urlOf("ill") })).status, 200);
  assert.equal((await api("POST", `/subscriptions/${id}/enable`)).status, 200);
  await standing(later, "delivered");
  // Two or three of its attempts failed before the subscription was disabled: its own schedule says when the next one is.
  const [waiting] = (await api("GET", `/events/${event}`)).json.deliveries;
  const ms = Date.parse(waiting.next_attempt_at ?? 0) - Date.now() + 15_000;
  await standing(event, "delivered", Math.max(45_000, ms));
});

test.run();
