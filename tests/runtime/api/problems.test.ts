import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { problemId } from "../../../runtime/domain/problem.ts";
import { type Failures, type Problems, problemsIn } from "../../../runtime/store/problems.ts";
import { startApi, type TestApi } from "../../support/api.ts";

const test = suite("problems over the API");
const MINUTE = 60_000;

let api: TestApi;
let problems: Problems;
const sent: string[] = [];
test.before(async () => {
  api = await startApi({
    sqs: {
      send: async ({ input }: { input: { MessageBody: string } }) => {
        sent.push(input.MessageBody);
        return {};
      },
    } as never,
  });
  problems = problemsIn({ dynamodb: api.deps.dynamodb, name: "events" }, api.deps.now);
});
test.after(() => api.close());

let customer: { live: Identity; sandbox: Identity };
let subscription: string;
test.before.each(async () => {
  customer = await api.customer();
  const { body } = await api.call(customer.live, "POST", "/subscriptions", {
    workflow_id: "zap_1",
    webhook_url: "https://hooks.example.com/in",
    event_selector: "a",
  });
  subscription = body.subscription_id;
});

const failures = (more: Partial<Failures> = {}): Failures => ({
  tenant: customer.live.customer_id,
  subscription_id: subscription,
  error: "http_5xx",
  status_code: 503,
  attempts: 1,
  events: 1,
  first_at: api.deps.now(),
  last_at: api.deps.now(),
  sample_delivery_id: "dlv_sample",
  well: false,
  ...more,
});
const list = async (query = "", who = customer.live) => (await api.call(who, "GET", `/problems${query}`)).body.problems;
const idOf = () => problemId(subscription, { error: "http_5xx", status_code: 503 });
const act = (verb: string, id = idOf()) => api.call(customer.live, "POST", `/problems/${id}/${verb}`);
const iso = (ms: number) => new Date(ms).toISOString();

test("failures are grouped by subscription and error, with counts, times, a sample, an explanation and advice", async () => {
  const at = api.deps.now();
  await problems.failed(failures({ first_at: at - 5_000, last_at: at - 4_000, attempts: 2, events: 7 }));
  await problems.failed(failures({ first_at: at, last_at: at, events: 0, sample_delivery_id: "dlv_later" }));
  await problems.failed(failures({ error: "timeout", status_code: null, first_at: at - 9_000, last_at: at - 8_000 }));
  const [first, second, ...more] = await list();
  assert.deepEqual(more, []);
  assert.deepEqual(first, {
    problem_id: idOf(),
    subscription_id: subscription,
    workflow_id: "zap_1",
    error: "http_5xx",
    status_code: 503,
    state: "open",
    count: 3,
    events: 7,
    first_at: iso(at - 5_000),
    last_at: iso(at),
    sample_delivery_id: "dlv_later",
    explanation: "The endpoint is overloaded or under maintenance.",
    advice: "Nothing is lost meanwhile. Have it answer with `Retry-After` while it can't take events.",
  });
  assert.deepEqual([second.error, "status_code" in second, second.count], ["timeout", false, 1]);
});

test("another customer's problem is 404, and the sandbox has problems of its own", async () => {
  await problems.failed(failures());
  assert.deepEqual(await list("", customer.sandbox), []);
  const { live: stranger } = await api.customer("Other");
  const { status } = await api.call(stranger, "POST", `/problems/${idOf()}/mute`);
  assert.equal(status, 404);
});

test("a problem resolves by itself after 30 minutes of success, and opens again when it recurs", async () => {
  await problems.failed(failures());
  await problems.well(customer.live.customer_id, subscription);
  assert.equal((await list())[0].state, "open");
  api.advance(30 * MINUTE);
  assert.equal((await list())[0].state, "resolved");
  await problems.failed(failures());
  const [again] = await list();
  assert.deepEqual([again.state, again.count], ["open", 2]);
});

test("a problem acknowledged before it resolved is open when it recurs", async () => {
  await problems.failed(failures());
  await act("acknowledge");
  await problems.well(customer.live.customer_id, subscription);
  api.advance(31 * MINUTE);
  await problems.failed(failures());
  assert.equal((await list())[0].state, "open");
});

test("people acknowledge, mute and resolve, once or twice, and the audit log tells", async () => {
  await problems.failed(failures());
  for (const [verb, state] of [
    ["acknowledge", "acknowledged"],
    ["acknowledge", "acknowledged"],
    ["mute", "muted"],
    ["resolve", "resolved"],
  ] as const) {
    const { status, body } = await act(verb);
    assert.deepEqual([status, body.state], [200, state]);
  }
  const { body } = await api.call(customer.live, "GET", "/audit");
  const actions = body.audit.map(({ action }: { action: string }) => action);
  assert.deepEqual(actions.slice(0, 4), [
    "problem.resolve",
    "problem.mute",
    "problem.acknowledge",
    "problem.acknowledge",
  ]);
});

test("a problem resolved by hand opens again when it recurs, a muted one stays muted", async () => {
  await problems.failed(failures());
  await act("resolve");
  api.advance(MINUTE);
  await problems.failed(failures());
  assert.equal((await list())[0].state, "open");
  await act("mute");
  api.advance(MINUTE);
  await problems.failed(failures());
  assert.equal((await list())[0].state, "muted");
});

test("the list can be filtered by state, has pages, and refuses an unknown state", async () => {
  for (const status_code of [500, 502, 503]) await problems.failed(failures({ status_code }));
  await act("mute");
  assert.deepEqual((await list("?state=muted")).length, 1);
  assert.deepEqual((await list("?state=open&state=acknowledged")).length, 2);
  const first = await api.call(customer.live, "GET", "/problems?limit=2");
  assert.equal(first.body.problems.length, 2);
  const rest = await api.call(customer.live, "GET", `/problems?limit=2&cursor=${first.body.next_cursor}`);
  assert.deepEqual([rest.body.problems.length, rest.body.next_cursor], [1, null]);
  const refused = await api.call(customer.live, "GET", "/problems?state=closed");
  assert.equal(refused.status, 400);
});

test("retrying all of a problem is a job with counts", async () => {
  await problems.failed(failures());
  const before = sent.length;
  const { status, body } = await act("retry");
  assert.equal(status, 202);
  assert.deepEqual([body.status, body.matched, body.sent], ["pending", 0, 0]);
  assert.deepEqual(body.request.problem, { error: "http_5xx", status_code: 503 });
  assert.deepEqual(body.request.subscription_ids, [subscription]);
  assert.equal(sent.length, before + 1);
  const read = await api.call(customer.live, "GET", `/replays/${body.replay_id}`);
  assert.equal(read.status, 200);
});

test("an id whose problem never existed is 404", async () => {
  const never = problemId(subscription, { error: "dns", status_code: null });
  for (const verb of ["acknowledge", "mute", "resolve", "retry"]) assert.equal((await act(verb, never)).status, 404);
  assert.equal((await act("retry", "prb_nothing")).status, 404);
  assert.equal((await act("retry", "nothing")).status, 400);
});

test.run();
