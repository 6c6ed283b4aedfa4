import assert from "node:assert/strict";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import { parseKey } from "../../../runtime/domain/identity/apiKey.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { operator, startApi, type TestApi } from "../../support/api.ts";
import { memoryIdempotency } from "../../support/idempotency.ts";

/** `Idempotency-Key` on calls that create or start something. */
const test = suite("once");
let api: TestApi;
let live: Identity;
let sandbox: Identity;
const store = memoryIdempotency();
/** What happens to the store's word that a request is over. */
let settling: "kept" | "lost" = "kept";
let keys = 0;
test.before(async () => {
  api = await startApi({
    idempotency: { ...store, done: async (...args) => (settling === "kept" ? store.done(...args) : undefined) },
    sqs: { send: async () => ({}) } as unknown as SQSClient,
  });
  ({ live, sandbox } = await api.customer());
});
test.after(() => api.close());
test.before.each(() => {
  settling = "kept";
  keys += 1;
});

const post = (path: string, body: unknown, who = live, key = `key ${keys}`) =>
  api.call(who, "POST", path, body, { "idempotency-key": key });
const said = ({ status, headers, body }: Awaited<ReturnType<typeof post>>) => ({
  status,
  etag: headers.get("etag"),
  body,
});
const count = async (path: string, member: string): Promise<number> =>
  (await api.call(live, "GET", `${path}?limit=1000`)).body[member].length;

const creations: [path: string, body: unknown, who: () => Identity][] = [
  ["/subscriptions", { webhook_url: "https://hooks.example.com/once", event_selector: "a" }, () => live],
  [
    "/subscriptions/import",
    { subscriptions: [{ webhook_url: "https://hooks.example.com/i", event_selector: "a" }] },
    () => live,
  ],
  ["/keys", { name: "once" }, () => live],
  ["/replays", { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }, () => live],
  ["/dead-letters/replay", {}, () => live],
  ["/privacy/exports", { all: true }, () => live],
  ["/customers", { name: "Once" }, () => operator],
];
for (const [path, body, who] of creations) {
  test(`POST ${path} repeated with its key answers the first answer again, secrets included, and makes nothing more`, async () => {
    const first = await post(path, body, who());
    assert.ok(first.status < 300, JSON.stringify(first.body));
    assert.equal(first.headers.get("idempotency-replayed"), null);
    const again = await post(path, JSON.stringify(body, null, 2), who());
    assert.deepEqual(said(again), said(first));
    assert.equal(again.headers.get("idempotency-replayed"), "true");
    const other = await post(path, { ...(body as object), unknown: 1 }, who());
    assert.ok([400, 409].includes(other.status));
  });
}

test("one idempotency key makes one API key, whose text the store does not hold", async () => {
  const before = await count("/keys", "keys");
  const { body } = await post("/keys", { name: "mine" });
  await post("/keys", { name: "mine" });
  assert.equal(await count("/keys", "keys"), before + 1);
  const stored = [...store.entries.values()].map(({ answer }) => answer ?? "").join(" ");
  const { secret } = parseKey(body.api_key)!;
  assert.equal(stored.includes(secret), false);
  assert.equal(Buffer.from(stored, "base64").includes(secret), false);
});

test("the same key with another body, or to another route, is a conflict", async () => {
  await post("/keys", { name: "a" });
  const conflicts = [await post("/keys", { name: "b" }), await post("/replays", { from: "2026-01-01T00:00:00Z" })];
  assert.deepEqual(
    conflicts.map(({ status, body }) => [status, body.error.code]),
    [
      [409, "idempotency_conflict"],
      [409, "idempotency_conflict"],
    ],
  );
});

test("live and sandbox have separate idempotency keys", async () => {
  const first = await post("/keys", {});
  assert.notEqual((await post("/keys", {}, sandbox)).body.key_id, first.body.key_id);
});

test("a refused request leaves its key free for the right body", async () => {
  const url = { webhook_url: "https://10.0.0.1/", event_selector: "a" };
  assert.equal((await post("/subscriptions", url)).status, 422);
  assert.equal((await post("/subscriptions", { ...url, webhook_url: "https://hooks.example.com/free" })).status, 201);
});

test("a repeat while the first request is under way is answered with idempotency_in_flight", async () => {
  const answers = await Promise.all(Array.from({ length: 4 }, () => post("/keys", { name: "at once" })));
  const made = answers.filter(({ status }) => status === 201);
  const flight = answers.find(({ status }) => status === 409);
  assert.ok(new Set(made.map(({ body }) => body.key_id)).size === 1);
  if (flight !== undefined) {
    assert.equal(flight.body.error.code, "idempotency_in_flight");
    assert.equal(flight.headers.get("retry-after"), "1");
  }
});

test("where the first request was carried out and its answer was lost, a repeat does not do it again", async () => {
  const before = await count("/keys", "keys");
  settling = "lost";
  const first = await post("/keys", { name: "lost" });
  assert.equal((await post("/keys", { name: "lost" })).body.error.code, "idempotency_in_flight");
  api.advance(36_000);
  settling = "kept";
  const again = await post("/keys", { name: "lost" });
  assert.deepEqual([again.status, again.body.error.code], [409, "conflict"]);
  assert.ok(again.body.error.message.includes(first.body.key_id), again.body.error.message);
  assert.equal(await count("/keys", "keys"), before + 1);
});

test("where the first request failed without effect, a repeat does the work", async () => {
  const body = { name: "carried on" };
  const { release } = store;
  const deps = api.deps as { dynamodb: unknown };
  const { dynamodb } = deps;
  deps.dynamodb = { send: async () => Promise.reject(Object.assign(new Error("away"), { name: "TimeoutError" })) };
  assert.equal((await post("/keys", body)).status, 503);
  deps.dynamodb = dynamodb;
  assert.equal((await post("/keys", body)).status, 201);
  assert.equal(typeof release, "function");
});

test("an invalid idempotency key is refused", async () => {
  for (const key of ["", "x".repeat(256)]) {
    const { status, body } = await post("/keys", {}, live, key);
    assert.deepEqual([status, body.error.details?.[0].path], [400, "Idempotency-Key"]);
  }
});

test.run();
