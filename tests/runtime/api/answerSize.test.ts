import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import { openList, same } from "../../../runtime/api/cursor.ts";
import type { Deps } from "../../../runtime/api/deps.ts";
import { answerOf } from "../../../runtime/api/functionUrl.ts";
import { asService } from "../../../runtime/database/roles.ts";
import type { Definition } from "../../../runtime/database/schema.ts";
import { insertSubscriptions } from "../../../runtime/database/subscriptions.ts";
import { nextVersion } from "../../../runtime/database/versions.ts";
import { carried, jsonSize, MOST_ANSWER_BYTES, PAGE_BYTES } from "../../../runtime/domain/answer.ts";
import type { Item } from "../../../runtime/domain/codec/fields.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import { eventId, newId } from "../../../runtime/domain/ids.ts";
import { encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { writeEvent } from "../../../runtime/store/inbox/view.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { serve } from "../../support/service.ts";
import { batchOf, deliveryOf } from "../../support/storage.ts";

const test = suite("what an answer can hold");
/** Bytes of JSON that Lambda takes as an answer. */
const LAMBDA_BYTES = 6_291_556;
const HEADERS = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-header-${n}`, "x".repeat(1_000)]));

let api: TestApi;
let live: Identity;
test.before(async () => {
  const lambda = {
    send: async ({ input }: { input: { Payload: Uint8Array } }) => {
      const request = JSON.parse(Buffer.from(input.Payload).toString());
      return { Payload: Buffer.from(JSON.stringify(await serve(api.deps.db, request, api.deps.now()))) };
    },
  };
  api = await startApi({ lambda: lambda as never });
  ({ live } = await api.customer());
});
test.after(() => api.close());

/** Reads a list to its end, each page as its function answers it. */
async function readAll(path: string, member: string): Promise<{ items: Record<string, unknown>[]; pages: number }> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = "", pages = 0; ; ) {
    const query = new URLSearchParams({ limit: "1000", ...(cursor === "" ? {} : { cursor: cursor! }) });
    const response = await api.app.request(`${path}${path.includes("?") ? "&" : "?"}${query}`, {
      headers: { [IDENTITY_HEADER]: encodeIdentity(live) },
    });
    assert.equal(response.status, 200, path);
    const answer = (await answerOf(response)) as { body: string; isBase64Encoded: boolean };
    assert.ok(Buffer.byteLength(JSON.stringify(answer)) <= LAMBDA_BYTES, path);
    const body = JSON.parse(Buffer.from(answer.body, answer.isBase64Encoded ? "base64" : "utf8").toString());
    pages += 1;
    assert.ok(body[member].length > 0 || body.next_cursor === null);
    items.push(...body[member]);
    cursor = body.next_cursor;
    if (cursor === null) return { items, pages };
  }
}

const awkward = fc.constantFrom('"', "\\", "\n", "a", "é", "語", "😀", "\u2028", "\u007f");

test("a body of the largest size fits, with any characters", () => {
  fc.assert(
    fc.property(awkward, fc.integer({ min: 0, max: 3 }), fc.boolean(), (character, before, inJson) => {
      const text = "a".repeat(before) + character.repeat(Math.ceil(MOST_ANSWER_BYTES / Buffer.byteLength(character)));
      const body = Buffer.from(inJson ? JSON.stringify(text) : text).subarray(0, MOST_ANSWER_BYTES);
      const answer = { statusCode: 200, headers: HEADERS, ...carried(body, true) };
      assert.ok(Buffer.byteLength(JSON.stringify(answer)) <= LAMBDA_BYTES);
      assert.deepEqual(Buffer.from(answer.body, answer.isBase64Encoded ? "base64" : "utf8"), body);
    }),
    { numRuns: 10 },
  );
});

test("reading a list to its end gives each row once, in order, in pages that fit", async () => {
  const deps = { secret: async () => "secret", env: { CURSOR_SECRET: "cursor" } } as unknown as Deps;
  const sizes = fc.array(fc.tuple(fc.constantFrom(1, 1_000, 400_000, 1_500_000), awkward), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 5 }), async (rows, limit) => {
      const all = rows.map(([size, character], id) => ({ id, text: character.repeat(size / 4) }));
      const read: number[] = [];
      for (let cursor: string | undefined; ; ) {
        const list = await openList<number>(deps, "list", { cursor, limit });
        const found = all.filter(({ id }) => id > (list.after ?? -1)).slice(0, list.toRead);
        const page = await list.page(found, same, ({ id }) => id);
        assert.ok(page.items.length <= limit && (page.items.length > 0 || found.length === 0));
        assert.ok(JSON.stringify(page.items).length <= PAGE_BYTES || page.items.length === 1);
        read.push(...page.items.map(({ id }) => id));
        if (page.next_cursor === null) break;
        cursor = page.next_cursor;
      }
      assert.deepEqual(
        read,
        all.map(({ id }) => id),
      );
    }),
    { numRuns: 12 },
  );
});

test("an answer too large for a function is an error that says so", async () => {
  const much = new Response("x".repeat(MOST_ANSWER_BYTES + 1));
  await assert.rejects(answerOf(much), { code: "unprocessable", message: /has more than 4,700,000 bytes/ });
});

/** Types whose names take four bytes a character: the largest selector that is accepted. */
const types = Array.from({ length: 1_000 }, (_, n) => `${"😀".repeat(120)}${n}`);

const subscriptionsOf = (length: number, event_selector: Definition["event_selector"]) =>
  Array.from({ length }, (_, n) => {
    const definition: Definition = {
      ...{ workflow_id: null, transform: null, enrich: null, format: "event", max_batch: 100, headers: {} },
      webhook_url: `https://example.com/large/${n}`,
      event_selector,
    };
    return { subscription_id: newId("sub", api.deps.now()), definition };
  });

/** @returns the version of the customer's subscriptions that has them */
async function insert(of: Identity, added: ReturnType<typeof subscriptionsOf>): Promise<number> {
  const vault = await api.deps.vault();
  const sealed = added.map((each) => ({
    ...each,
    secret: vault.seal("whsec_x", { customer_id: of.customer_id, subscription_id: each.subscription_id } as never),
  }));
  return asService(api.deps.db, async (tx) => {
    const version = await nextVersion(tx, of.customer_id, of.customer_id, "subscriptions");
    await insertSubscriptions(tx, of, sealed, version, api.deps.now());
    return version;
  });
}

const put = (item: Item) => api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: item }));

test("lists of the largest subscriptions fit, for callers and for the stages", async () => {
  const added = subscriptionsOf(14, { event_type: types });
  await insert(live, added);
  const { items, pages } = await readAll("/subscriptions", "subscriptions");
  assert.equal(items.length, added.length);
  assert.ok(pages > 1);

  const tenant = live.customer_id;
  const now = api.deps.now();
  for (let cursor: string | undefined, count = 0; ; ) {
    const page = await serve(api.deps.db, { op: "changes", tenant, since: 0, ...(cursor && { cursor }) }, now);
    assert.ok(Buffer.byteLength(JSON.stringify(page)) <= LAMBDA_BYTES);
    count += page.changed.length;
    cursor = page.next_cursor ?? undefined;
    if (cursor !== undefined) continue;
    assert.equal(count, added.length);
    break;
  }
});

test("a list of the largest schemas fits", async () => {
  const schema = { type: "object", description: '"'.repeat(30_000) };
  for (let n = 0; n < 20; n += 1) {
    const { status, body } = await api.call(live, "PUT", `/event-types/large.${n}`, schema);
    assert.equal(status, 200, JSON.stringify(body));
  }
  assert.equal((await readAll("/event-types", "event_types")).items.length, 20);
  // All of them together are what ingest asks for.
  for (let n = 20; n < 40; n += 1) await api.call(live, "PUT", `/event-types/large.${n}`, schema);
  const known = [{ tenant: live.customer_id, version: -1 }];
  const answer = await serve(api.deps.db, { op: "schemas", known }, api.deps.now());
  assert.ok(Buffer.byteLength(JSON.stringify(answer)) <= LAMBDA_BYTES);
});

test("an event with very many deliveries shows the first ones and the number of the others", () => {
  const batch = batchOf("cus_1", [{ text: '"'.repeat(480_000) }], Date.now());
  const deliveries = Array.from({ length: 12_000 }, (_, n) => {
    const id = `sub_${String(n).padStart(26, "0")}`;
    return { item: deliveryOf(batch, id, { status: "failed", attempts: [] }), status: "failed" as const };
  });
  const raw = Buffer.from(JSON.stringify({ text: '"'.repeat(480_000) }));
  const text = writeEvent({ ulid: batch.first, batch, offset: 0, raw, status: "failed", deliveries });
  assert.ok(text.length <= PAGE_BYTES);
  const shown = JSON.parse(text.toString());
  assert.ok(shown.deliveries.length > 1_000);
  assert.equal(shown.deliveries.length + shown.more_deliveries, deliveries.length);
});

test("the verdicts on an event, and its stages, are as many as fit, those that matched first", async () => {
  const { live: own } = await api.customer("Large");
  const added = subscriptionsOf(1_500, { cel: `event.a == "${"é".repeat(1_900)}"` });
  const version = await insert(own, added);
  const last = added.at(-1)!.subscription_id;
  const batch = batchOf(own.customer_id, [{ event_type: "a" }], api.deps.now(), {
    matched: { [last]: [0] },
    snapshot_version: version,
  });
  await put(encodeBatch(batch));
  const attempts = Array.from({ length: 400 }, () => ({
    ...{ at: new Date(api.deps.now()).toISOString(), status_code: 500, latency_ms: 1, error: "http_5xx" },
  }));
  for (let n = 0; n < 50; n += 1)
    await put(encodeDeliveryItem(deliveryOf(batch, newId("sub"), { status: "dead_lettered", attempts } as never)));
  const path = `/events/${eventId(batch.first)}`;
  const { status, body } = await api.call(own, "GET", `${path}/verdicts`);
  assert.equal(status, 200, JSON.stringify(body).slice(0, 300));
  assert.ok(jsonSize(body) <= MOST_ANSWER_BYTES && body.verdicts.length > 1);
  assert.deepEqual([body.verdicts[0].subscription_id, body.verdicts[0].matched], [last, true]);
  assert.equal(body.verdicts.length + body.more_verdicts, added.length);
  const journey = await api.call(own, "GET", `${path}/journey`);
  assert.equal(journey.status, 200, JSON.stringify(journey.body).slice(0, 300));
  assert.ok(jsonSize(journey.body) <= MOST_ANSWER_BYTES);
  assert.equal(journey.body.stages.length + journey.body.more_stages, 3 + 50 * attempts.length);
});

test("lists of the largest events fit, with answers of endpoints that are all control characters", async () => {
  const subscription = (
    await api.call(live, "POST", "/subscriptions", { webhook_url: "https://example.com/w", event_selector: "large" })
  ).body.subscription_id;
  const at = api.deps.now() - 60_000;
  const attempts = Array.from({ length: 30 }, () => ({
    ...{ at: new Date(at).toISOString(), status_code: 500, latency_ms: 1, error: "http_5xx" },
    response_excerpt: "\u0001".repeat(1_024),
  }));
  for (let n = 0; n < 8; n += 1) {
    const payloads = [{ event_type: "large", text: '"'.repeat(480_000) }];
    const batch = batchOf(live.customer_id, payloads, at + n, { matched: { [subscription]: [0] } });
    await put(encodeBatch(batch));
    await put(encodeDeliveryItem(deliveryOf(batch, subscription, { status: "dead_lettered", attempts } as never)));
  }
  for (const [path, member] of [
    ["/inbox", "events"],
    ["/deliveries", "deliveries"],
    ["/dead-letters", "dead_letters"],
    [`/subscriptions/${subscription}/backlog`, "events"],
    [`/subscriptions/${subscription}/backlog?requests=true`, "events"],
  ] as const) {
    assert.equal((await readAll(path, member)).items.length, 8, path);
  }
});

test.run();
