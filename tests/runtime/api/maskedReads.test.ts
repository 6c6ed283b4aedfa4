import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { maskAnswer } from "../../../runtime/api/masks.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { eventId, ulidAt } from "../../../runtime/domain/ids.ts";
import { defaultMasking } from "../../../runtime/domain/people/masking.ts";
import { matrix, may, type Role, roles } from "../../../runtime/domain/people/roles.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { serviceLambda } from "../../support/service.ts";
import { batchItem, batchOf, deliveryItem, deliveryOf } from "../../support/storage.ts";

/** What a person may not see is not told by what a question about it answers, either. */

const test = suite("questions about what is masked");
const SECRET = "velvet-7731";
let api: TestApi;
let live: Identity;
let id: string;
let subscription: string;

const acting = (role: Role): Identity => ({
  ...live,
  key_id: "psn_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  person: { person_id: "psn_01ARZ3NDEKTSV4RRFFQ69G5FAV", name: "Ada", role, signed_in_at: 0 },
});
const customersRoles = roles.filter((role) => role !== "operator");

test.before(async () => {
  api = await startApi({ lambda: serviceLambda(() => api.database.db) });
  ({ live } = await api.customer());
  const made = await api.call(live, "POST", "/subscriptions", {
    webhook_url: "https://example.com/hook",
    event_selector: { cel: 'event["se" + "cret"] != "x" && event.lines.all(l, l.price != "x") && event.n > 5.0' },
    transform: { rename: { secret: "other" } },
  });
  subscription = made.body.subscription_id;
  await api.call(live, "PATCH", `/subscriptions/${subscription}`, { status: "disabled" });
  await api.call(live, "PUT", "/masking", { paths: ["$['secret']", "$.lines[*].price"], detect: ["card"] });
  const payload = { secret: SECRET, n: 7, lines: [{ price: "velvet-1" }], card: "4111 1111 1111 1111" };
  const batch = batchOf(live.customer_id, [payload], api.deps.now() - 1_000, {
    matched: { [subscription]: [0] },
    snapshot_version: 10,
  });
  const owed = deliveryOf(batch, subscription, { status: "dead_lettered" });
  for (const Item of [batchItem(batch), deliveryItem(owed)])
    await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item }));
  id = eventId(ulidAt(batch.first, 0));
});
test.after(() => api.close());

const found = async (role: Role, query: string) => {
  const { status, body } = await api.call(acting(role), "GET", `/inbox?${query}`);
  return status === 200 ? body.events.length : status;
};

test("a search and a filter find nothing by what their caller sees masked", async () => {
  const filter = (cel: string) => `filter=${encodeURIComponent(cel)}`;
  const questions = [
    ["q=velvet", 1],
    ["q=4111", 1],
    [filter(`event.secret == "${SECRET}"`), 1],
    [filter('event["sec" + "ret"].startsWith("vel")'), 1],
    [filter("event.lines.exists(l, l.price.startsWith('vel'))"), 1],
    [filter('event.card.startsWith("4")'), 1],
    [filter('event.card.replace(" ", "") == "4111111111111111"'), 1],
  ] as const;
  for (const [query, byKey] of questions) {
    const { body } = await api.call(live, "GET", `/inbox?${query}`);
    assert.equal(body.events.length, byKey, query);
    for (const role of customersRoles.filter((role) => may(role, "events")))
      assert.equal(await found(role, query), may(role, "payloads") ? 0 : 403, `${role}: ${query}`);
  }
  for (const query of ["q=secret", "q=1111", filter("event.n > 5.0")]) assert.equal(await found("owner", query), 1);
  assert.equal(await found("business", "event_type=x"), 0);
});

test("a rehearsal decides by what its caller may see, and a transform gives nothing another name", async () => {
  const rehearse = (identity: Identity, body: object) => api.call(identity, "POST", "/subscriptions/rehearse", body);
  const asked = {
    event_selector: { cel: "event.n > 5.0" },
    format: "payload",
    max_batch: 1,
    transform: { extract: { a: "$.secret", b: "$.lines[0].price", c: "$.n" } },
  };
  const byKey = await rehearse(live, asked);
  assert.deepEqual(JSON.parse(byKey.body.samples[0].request.body), { a: SECRET, b: "velvet-1", c: 7 });
  for (const role of customersRoles.filter((role) => may(role, "payloads"))) {
    const { body } = await rehearse(acting(role), asked);
    assert.deepEqual(JSON.parse(body.samples[0].request.body), { a: "***", b: "***", c: 7 }, role);
    for (const cel of [
      `event["se" + "cret"] == "x"`,
      "event.lines.all(l, l.price == 'x')",
      "event.secret.size() > 99",
    ]) {
      const { body } = await rehearse(acting(role), { event_selector: { cel } });
      assert.equal(body.matched, 0);
      assert.equal(JSON.stringify(body).includes("velvet"), false, cel);
    }
    const kind = await rehearse(acting(role), { event_selector: { cel: "event.card.startsWith('4111')" } });
    assert.equal(kind.body.matched, 0, role);
    const guessed = await rehearse(acting(role), { event_selector: { cel: "event.secret.startsWith('vel')" } });
    assert.equal(guessed.body.matched, 0, role);
  }
});

test("the reason of a verdict, and the post of a backlog, hold nothing that is masked", async () => {
  for (const role of customersRoles.filter((role) => may(role, "events"))) {
    const { body } = await api.call(acting(role), "GET", `/events/${id}/verdicts`);
    assert.equal(body.verdicts[0].matched, true);
    assert.equal(JSON.stringify(body).includes("velvet"), false, `${role}: ${JSON.stringify(body)}`);
    const backlog = await api.call(
      { ...acting(role), scopes: ["events:read", "subscriptions"] },
      "GET",
      `/subscriptions/${subscription}/backlog?requests=true`,
    );
    assert.equal(backlog.body.events.length, 1);
    assert.equal(JSON.stringify(backlog.body).includes("velvet"), false, role);
  }
  const { body } = await api.call(live, "GET", `/subscriptions/${subscription}/backlog?requests=true`);
  assert.equal(body.events[0].request.body.includes(`"other":"${SECRET}"`), true);
});

test("a verdict names the mask as its reason only if something in the event is masked", async () => {
  const selector = { cel: "event.plain > 5.0" };
  const made = await api.call(live, "POST", "/subscriptions", {
    webhook_url: "https://example.com/plain",
    event_selector: selector,
  });
  // As routing leaves it that had no work left for this one.
  const batch = batchOf(live.customer_id, [{ plain: 7 }], api.deps.now() - 700, { matched: {}, snapshot_version: 10 });
  await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: batchItem(batch) }));
  for (const identity of [live, acting("owner"), acting("developer")]) {
    const { body } = await api.call(identity, "GET", `/events/${eventId(ulidAt(batch.first, 0))}/verdicts`);
    const verdict = body.verdicts.find(
      ({ subscription_id }: { subscription_id: string }) => subscription_id === made.body.subscription_id,
    );
    assert.match(verdict.because, /^all selectors together took as much work/);
  }
});

test("who saw an event is told to its customer alone", async () => {
  const viewers = async (who: Identity, of = id) => {
    const { status, body } = await api.call(who, "GET", `/events/${of}/viewers`);
    return body.error?.code ?? status;
  };
  const { live: other } = await api.customer();
  const unknown = "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  assert.deepEqual(
    [await viewers(live), await viewers(other), await viewers(live, unknown)],
    [200, "not_found", "not_found"],
  );
});

test("a filter on unmasked members works for a person, with every digit", async () => {
  const batch = batchOf(
    live.customer_id,
    [{ big: JSON.rawJSON("9007199254740993"), secret: "x" }],
    api.deps.now() - 500,
  );
  await api.deps.dynamodb.send(new PutItemCommand({ TableName: "events", Item: batchItem(batch) }));
  assert.equal(await found("developer", `filter=${encodeURIComponent("event.big == 9007199254740993")}`), 1);
  assert.equal(await found("developer", `filter=${encodeURIComponent("event.big == 9007199254740992")}`), 0);
});

test("the link to an export and the webhook of an alert channel are shown only to roles that may see them", async () => {
  const body = { kind: "webhook", target: "https://example.com/hooks/secret1234" };
  const { text } = maskAnswer(JSON.stringify(body), defaultMasking, acting("executive").person!);
  assert.equal(JSON.parse(text).target, "https://example.com/…1234");
  const link = JSON.stringify({ requests: [{ kind: "export", download_url: "https://example.com/x" }] });
  for (const role of customersRoles) {
    const shown = maskAnswer(link, defaultMasking, acting(role).person!).text;
    assert.equal(shown.includes("https"), may(role, "decide_privacy"), role);
  }
});

test("a row may have a member named webhook_url, which is masked like a webhook's", async () => {
  const rows = { k: { webhook_url: "no URL", clause: 1, target: "x", kind: "webhook" } };
  await api.call(live, "PUT", "/reference-tables/odd", { rows });
  const { status, body } = await api.call(acting("business"), "GET", "/reference-tables/odd");
  assert.deepEqual(
    [status, body.rows],
    [200, { k: { webhook_url: "***", clause: 1, target: "***", kind: "webhook" } }],
  );
});

test("every role of the matrix is asked", () =>
  assert.deepEqual(customersRoles.length + 1, Object.keys(matrix).length));

test.run();
