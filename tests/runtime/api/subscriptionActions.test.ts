import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { decodeJobsMessage } from "../../../runtime/domain/job.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { serve, subscriptionCalls } from "../../support/service.ts";

const test = suite("subscription actions");
let api: TestApi;
let owner: { live: Identity; sandbox: Identity; customer_id: string };
const sent: { QueueUrl: string; MessageBody: string; MessageGroupId: string }[] = [];
const invoked: unknown[] = [];
/** What endpoints answer next, where it is something else than usual. */
const answers: object[] = [];
/** What the endpoints of tests wait for. */
let held: Promise<void> | undefined;
const webhookAnswer = {
  request: { headers: {}, body: "[]" },
  delivered: true,
  status_code: 200,
  latency_ms: 3,
  error: null,
};
test.before(async () => {
  api = await startApi({
    sqs: { send: async ({ input }: { input: (typeof sent)[0] }) => sent.push(input) } as never,
    lambda: {
      send: async ({ input }: { input: { FunctionName: string; Payload: Buffer } }) => {
        invoked.push([input.FunctionName, JSON.parse(input.Payload.toString())]);
        await held;
        return { Payload: Buffer.from(JSON.stringify(answers.shift() ?? webhookAnswer)) };
      },
    } as never,
  });
  owner = await api.customer();
});
test.after(() => api.close());

const { freshUrl, create, versionOf, targetOf } = subscriptionCalls(() => ({ api, owner }));

test("after rotate-secret both secrets sign until the overlap ends", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}/rotate-secret`;
  const first = await api.call(owner.live, "POST", path, { overlap_seconds: 60 });
  assert.equal(first.status, 200);
  const secrets = async () => (await targetOf(body.subscription_id)).secrets.map(({ secret }) => secret);
  assert.deepEqual(await secrets(), [first.body.signing_secret, body.signing_secret]);
  api.advance(61_000);
  assert.deepEqual(await secrets(), [first.body.signing_secret]);
  const second = await api.call(owner.live, "POST", path, { overlap_seconds: 0 });
  assert.deepEqual(await secrets(), [second.body.signing_secret]);
  assert.equal((await api.call(owner.live, "POST", path, { overlap_seconds: -1 })).status, 400);
});

test("a rotation that would leave too many secrets signing is refused, one that ends them is not", async () => {
  const { body } = await create();
  const rotate = (overlap_seconds: number) =>
    api.call(owner.live, "POST", `/subscriptions/${body.subscription_id}/rotate-secret`, { overlap_seconds });
  for (let i = 0; i < 20; i += 1) assert.equal((await rotate(60)).status, 200);
  const signing = async () => (await targetOf(body.subscription_id)).secrets.length;
  const beyond = await rotate(60);
  assert.deepEqual([beyond.status, beyond.body.error.code, await signing()], [422, "limit_reached", 21]);
  assert.deepEqual([(await rotate(0)).status, await signing()], [200, 1]);
});

test("a test asks deliver to send a sample, and answers with the endpoint's answer", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}/test`;
  const answer = await api.call(owner.live, "POST", path, { event_type: "order.created", payload: { id: 1 } });
  assert.deepEqual([answer.status, answer.body], [200, webhookAnswer]);
  assert.deepEqual(invoked.at(-1), [
    "DELIVER_FUNCTION",
    {
      op: "test",
      tenant: owner.customer_id,
      subscription_id: body.subscription_id,
      event: { event_type: "order.created", payload: { id: 1 } },
    },
  ]);
});

test("an endpoint is known to check signatures once it took a sample and refused one with a wrong signature, until its URL changes", async () => {
  const { body } = await create();
  const path = `/subscriptions/${body.subscription_id}`;
  const check = async (right: object, wrong: object) => {
    answers.push({ ...webhookAnswer, ...right }, { ...webhookAnswer, delivered: false, error: "http_error", ...wrong });
    const before = invoked.length;
    const answer = await api.call(owner.live, "POST", `${path}/test`, { check_signature: true });
    assert.equal(answer.status, 200);
    answers.length = 0;
    const { signature_verified_at } = (await api.call(owner.live, "GET", path)).body;
    return [answer.body.signature?.verified, signature_verified_at !== undefined, invoked.length - before];
  };
  const took = { delivered: true, status_code: 200, error: null };
  assert.deepEqual(await check({ delivered: false, status_code: 401 }, { status_code: 401 }), [undefined, false, 1]);
  assert.deepEqual(await check(took, { ...took }), [false, false, 2]);
  for (const status_code of [null, 429, 500]) assert.deepEqual(await check(took, { status_code }), [false, false, 2]);
  assert.deepEqual(await check(took, { status_code: 401 }), [true, true, 2]);
  const [, request] = invoked.at(-1) as [string, { wrongly_signed?: boolean }];
  assert.equal(request.wrongly_signed, true);
  const same = await api.call(owner.live, "PATCH", path, { workflow_id: "w" });
  assert.notEqual(same.body.signature_verified_at, undefined);
  const moved = await api.call(owner.live, "PATCH", path, { webhook_url: freshUrl() });
  assert.equal(moved.body.signature_verified_at, undefined);
});

test("a customer can run two tests at once; each is audited, and one that never finishes ends by itself", async () => {
  const other = await api.customer("Other");
  const { body } = await create({}, other.live);
  const { body: sandboxed } = await create({}, other.sandbox);
  const path = `/subscriptions/${body.subscription_id}/test`;
  const { promise, resolve } = Promise.withResolvers<void>();
  held = promise;
  const before = invoked.length;
  const first = api.call(other.live, "POST", path);
  const second = api.call(other.sandbox, "POST", `/subscriptions/${sandboxed.subscription_id}/test`);
  await eventually(
    () => invoked.length,
    (count) => count === before + 2,
  );
  const third = await api.call(other.live, "POST", path);
  assert.deepEqual(
    [third.status, third.body.error.code, third.body.error.message, third.headers.get("retry-after")],
    [429, "rate_limited", "2 tests at a time; repeat when one of them is over.", "1"],
  );
  const { body: mine } = await create();
  const neighbour = api.call(owner.live, "POST", `/subscriptions/${mine.subscription_id}/test`);
  api.advance(10_000);
  const fourth = api.call(other.live, "POST", path);
  await eventually(
    () => invoked.length,
    (count) => count === before + 4,
  );
  held = undefined;
  resolve();
  assert.deepEqual(
    (await Promise.all([first, second, neighbour, fourth])).map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal((await api.call(other.live, "POST", path)).status, 200);
  const { body: audit } = await api.call({ ...other.live, scopes: ["admin"] }, "GET", "/audit");
  const tests = audit.audit.filter((entry: { action: string }) => entry.action === "subscription.test");
  assert.equal(tests.length, 4);
});

test("backfill_from begins a replay for this subscription alone", async () => {
  const from = new Date(api.deps.now() - 3_600_000).toISOString();
  const { status, body } = await create({ backfill_from: from });
  assert.equal(status, 201);
  const message = sent.at(-1)!;
  assert.deepEqual(
    [message.QueueUrl, message.MessageGroupId, decodeJobsMessage(message.MessageBody)],
    ["JOB_QUEUE_URL", owner.customer_id, { kind: "job", job_id: body.backfill_replay_id }],
  );
  const { job } = await serve(api.deps.db, { op: "job", job_id: body.backfill_replay_id }, 0);
  assert.deepEqual(
    [job?.kind, job?.status, job?.request.from, job?.request.subscription_ids],
    ["replay", "pending", from, [body.subscription_id]],
  );
});

test("10,000 subscriptions are imported in one call, as one version", async () => {
  const other = await api.customer("Other");
  const subscriptions = Array.from({ length: 10_000 }, (_, i) => ({
    webhook_url: `https://example.com/import/${i}`,
    event_selector: `order.t${i}`,
  }));
  const body = gzipSync(JSON.stringify({ subscriptions }));
  const answer = await api.call(other.live, "POST", "/subscriptions/import", body, { "content-encoding": "gzip" });
  assert.equal(answer.status, 201);
  assert.equal(
    new Set(answer.body.subscriptions.map((each: { subscription_id: string }) => each.subscription_id)).size,
    10_000,
  );
  assert.equal(await versionOf(other.customer_id), 1);
});

test("an import with a fault imports nothing and names each by its index", async () => {
  const other = await api.customer("Other");
  const subscriptions = [
    { webhook_url: "https://example.com/a", event_selector: "a" },
    { webhook_url: "http://example.com/b", event_selector: "a" },
    { webhook_url: "https://example.com/c", event_selector: "$.a ==" },
  ];
  const answer = await api.call(other.live, "POST", "/subscriptions/import", { subscriptions });
  assert.equal(answer.status, 422);
  assert.deepEqual(
    answer.body.error.details.map(({ index, path, code }: Record<string, unknown>) => [index, path, code]),
    [
      [1, "/subscriptions/1/webhook_url", "webhook_url_forbidden"],
      [2, "/subscriptions/2/event_selector", "invalid_selector"],
    ],
  );
  const twice = [subscriptions[0], { ...subscriptions[0], event_selector: "b" }];
  const clash = await api.call(other.live, "POST", "/subscriptions/import", { subscriptions: twice });
  assert.deepEqual(
    [clash.status, clash.body.error.code, clash.body.error.details[0].index],
    [409, "webhook_url_taken", 1],
  );
  assert.deepEqual((await api.call(other.live, "GET", "/subscriptions")).body.subscriptions, []);
});

test.run();
