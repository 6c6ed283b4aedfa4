import assert from "node:assert/strict";
import { suite } from "uvu";
import { putProbe } from "../../../runtime/counters/alerts.ts";
import { ALERTS_KEPT_DAYS, saveAlerts } from "../../../runtime/database/alerts.ts";
import { asService } from "../../../runtime/database/roles.ts";
import type { Severity } from "../../../runtime/domain/alerts/kinds.ts";
import type { AlertRule } from "../../../runtime/domain/alerts/rule.ts";
import type { SendAnswer, SendRequest } from "../../../runtime/domain/alerts/work.ts";
import { HOST_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { serve } from "../../support/service.ts";
import { addHourUp, countUsage } from "../../support/usage.ts";
import { attempt } from "../alert/world.ts";

const test = suite("alert rules, channels and alerts over the API");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let api: TestApi;
/** What the alert function was asked to send, and what it answers. */
const asked: SendRequest[] = [];
let answer: (request: SendRequest) => SendAnswer = () => ({ sent: true, error: null });
let live: Identity;
let sandbox: Identity;
test.before(async () => {
  api = await startApi({
    lambda: {
      send: async ({ input }: { input: { Payload: Uint8Array } }) => {
        const request = JSON.parse(Buffer.from(input.Payload).toString()) as SendRequest;
        asked.push(request);
        return { Payload: Buffer.from(JSON.stringify(answer(request))) };
      },
    } as never,
  });
});
test.after(() => api.close());
test.before.each(async () => {
  asked.length = 0;
  answer = () => ({ sent: true, error: null });
  ({ live, sandbox } = await api.customer());
});

const call = (method: string, path: string, body?: unknown, who = live) =>
  api.call(who, method, path, body, { [HOST_HEADER]: "api.example.com" });
const rules = async (who = live) => (await call("GET", "/alert-rules", undefined, who)).body.alert_rules as AlertRule[];
const created = async (path: string, body: object) => {
  const { status, body: made } = await call("POST", path, body);
  assert.equal(status, 201, JSON.stringify(made));
  return made;
};
const codeIn = (request: SendRequest): string => /\b(\d{6})\b/.exec(request.message.text)![1]!;

test("every customer begins with six rules, in each environment its own", async () => {
  const first = await rules();
  assert.deepEqual(
    first.map(({ kind }) => kind),
    ["error_rate", "latency", "quota", "metric", "dead_letters", "api_down"],
  );
  const others = await rules(sandbox);
  assert.equal(others.length, 6);
  assert.ok(others.every(({ rule_id }) => !first.some((each) => each.rule_id === rule_id)));
  assert.deepEqual(await rules(), first);
});

test("a rule is created, read, changed and deleted; deleting it again is harmless", async () => {
  const made = await created("/alert-rules", {
    name: "Slow orders",
    kind: "latency",
    filter: { event_type: ["order"] },
  });
  const { rule_id, created_at, updated_at, ...rule } = made;
  assert.match(rule_id, /^rul_/);
  assert.deepEqual(rule, {
    name: "Slow orders",
    kind: "latency",
    query: null,
    threshold: 5_000,
    for_minutes: 5,
    severity: "warning",
    channels: [],
    filter: { event_type: ["order"] },
    enabled: true,
  });
  const changed = await call("PATCH", `/alert-rules/${rule_id}`, { threshold: 2_000, enabled: false });
  assert.deepEqual([changed.body.threshold, changed.body.enabled, changed.body.name], [2_000, false, "Slow orders"]);
  assert.deepEqual((await call("GET", `/alert-rules/${rule_id}`)).body, changed.body);
  assert.equal((await call("DELETE", `/alert-rules/${rule_id}`)).status, 204);
  assert.equal((await call("DELETE", `/alert-rules/${rule_id}`)).status, 204);
  await onlyOwn("/alert-rules", rule_id);
  assert.equal((await call("GET", `/alert-rules/${rule_id}`)).status, 404);
  assert.ok(created_at <= updated_at);
});

/** What the customer removed stays removed for it alone; what it never had is no object of its. */
async function onlyOwn(path: string, removed: string): Promise<void> {
  const { live: other } = await api.customer();
  const { body } = await call("DELETE", `${path}/${removed}`, undefined, other);
  assert.equal(body.error?.code, "not_found");
  // The refusal is in the log of the other customer now, and is no removal.
  assert.equal((await call("DELETE", `${path}/${removed}`, undefined, other)).status, 404);
  const never = removed.replace(/_.*/, "_01ARZ3NDEKTSV4RRFFQ69G5FAV");
  assert.equal((await call("DELETE", `${path}/${never}`)).status, 404);
}

const refused: [says: string, body: object, path: string][] = [
  ["an unknown kind", { name: "x", kind: "weather" }, "/kind"],
  ["a metric without a query", { name: "x", kind: "metric" }, "/query"],
  ["a query beside another kind", { name: "x", kind: "latency", query: { measures: ["events"] } }, "/query"],
  [
    "more than one measure",
    { name: "x", kind: "metric", query: { measures: ["events", "failed"] } },
    "/query/measures",
  ],
  [
    "a grouped query",
    { name: "x", kind: "metric", query: { measures: ["events"], group_by: ["error"] } },
    "/query/group_by",
  ],
  [
    "a query of a fixed time",
    { name: "x", kind: "metric", query: { measures: ["events"], from: "2026-11-25T00:00:00Z" } },
    "/query/from",
  ],
  ["a share above 1", { name: "x", kind: "error_rate", threshold: 5 }, "/threshold"],
  ["a member that is not known", { name: "x", kind: "latency", colour: "red" }, "/colour"],
  ["a time below none", { name: "x", kind: "latency", for_minutes: -1 }, "/for_minutes"],
];
for (const [says, body, path] of refused)
  test(`a rule is refused for ${says}`, async () => {
    const { status, body: told } = await call("POST", "/alert-rules", body);
    assert.equal(status, 400);
    assert.deepEqual(
      told.error.details.map((each: { path: string }) => each.path),
      [path],
    );
  });

test("a rule names channels that are there, and another customer's rule is 404", async () => {
  const { status, body } = await call("POST", "/alert-rules", { name: "x", kind: "latency", channels: ["chn_no"] });
  assert.deepEqual([status, body.error.details[0].path], [422, "/channels/0"]);
  const [rule] = await rules();
  const { live: stranger } = await api.customer("Other");
  for (const method of ["GET", "PATCH"])
    assert.equal(
      (await call(method, `/alert-rules/${rule!.rule_id}`, method === "GET" ? undefined : {}, stranger)).status,
      404,
    );
});

const attempts = (at: number, outcome: "delivered" | "failed") => attempt(live.customer_id, at, outcome);

test("a preview says when a rule would have rung", async () => {
  const start = Math.floor(api.deps.now() / MINUTE) * MINUTE - 3 * HOUR;
  const facts = [
    ...[0, 1, 2, 3].map((minute) => attempts(start + minute * MINUTE, "failed")),
    ...[4, 5, 6, 7].map((minute) => attempts(start + minute * MINUTE, "delivered")),
  ];
  await countUsage(api.deps.dynamodb, facts);
  const iso = (ms: number) => new Date(ms).toISOString();
  const { status, body } = await call("POST", "/alert-rules/preview", { kind: "error_rate", for_minutes: 2 });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body.alerts, [
    {
      since: iso(start),
      fired_at: iso(start + 2 * MINUTE),
      resolved_at: iso(start + 6 * MINUTE),
      severity: "critical",
      value: 1,
    },
  ]);
  assert.deepEqual([body.count, body.firing_minutes], [1, 4]);
  const days = (Date.parse(body.to) - Date.parse(body.from)) / (24 * HOUR);
  assert.ok(days >= 30 && days < 30.1);
  const metric = { kind: "metric", query: { measures: ["failed"], last: "5m" }, threshold: 2, for_minutes: 0 };
  const counted = await call("POST", "/alert-rules/preview", metric);
  assert.deepEqual(counted.body.alerts[0].since, iso(start + 2 * MINUTE));
});

test("a preview looks back 30 days, also at hours that are kept as sums, and at when the API was away", async () => {
  const hour = Math.floor(api.deps.now() / HOUR) * HOUR;
  const [inside, outside] = [29 * 24, 32 * 24].map((hours) => hour - hours * HOUR) as [number, number];
  for (const at of [inside, outside]) {
    await countUsage(api.deps.dynamodb, [attempts(at + MINUTE, "failed")]);
    await addHourUp(api.deps.dynamodb, live.customer_id, at);
  }
  const iso = (ms: number) => new Date(ms).toISOString();
  const rung = async (body: object) =>
    (await call("POST", "/alert-rules/preview", body)).body.alerts.map(({ since }: { since: string }) => since);
  assert.deepEqual(await rung({ kind: "error_rate", for_minutes: 10 }), [iso(inside)]);
  assert.deepEqual(await rung({ kind: "error_rate", for_minutes: 10, filter: { error: ["timeout"] } }), []);
  const counters = { dynamodb: api.deps.dynamodb, name: "metrics" };
  for (const at of [inside, outside]) for (let n = 0; n < 4; n += 1) await putProbe(counters, at + n * MINUTE, n < 2);
  assert.deepEqual(await rung({ kind: "api_down" }), [iso(inside)]);
});

test("a preview of a report shows the mail's page and text with today's numbers, and stores nothing", async () => {
  const yesterday = Math.floor(api.deps.now() / (24 * HOUR)) * 24 * HOUR - 12 * HOUR;
  await countUsage(api.deps.dynamodb, [attempts(yesterday, "delivered")]);
  const template = [{ title: "Deliveries", query: { measures: ["delivered"], interval: "none", last: "2d" } }];
  const { status, body } = await call("POST", "/reports/preview", { name: "<b>Orders</b>", template });
  assert.equal(status, 200, JSON.stringify(body));
  assert.match(body.subject, /^<b>Orders<\/b>: \d+/);
  assert.match(body.text, /Deliveries\n {2}Delivered: 1\n/);
  assert.match(body.html, /&lt;b&gt;Orders&lt;\/b&gt;/);
  const page = await api.call(
    live,
    "POST",
    "/reports/preview",
    { template },
    { accept: "text/html", [HOST_HEADER]: "h" },
  );
  assert.match(String(page.headers.get("content-type")), /^text\/html/);
  assert.match(String(page.headers.get("content-security-policy")), /default-src 'none'/);
  assert.deepEqual((await call("GET", "/reports")).body.reports, []);
  const refused = await call("POST", "/reports/preview", {
    template: [{ title: "x", query: { measures: ["nothing"] } }],
  });
  assert.deepEqual([refused.status, refused.body.error.code], [400, "invalid_request"]);
});

test("a mail address is verified by the code or the link of a mail, and not before", async () => {
  const channel = await created("/alert-channels", { kind: "email", target: "Ada@Example.com" });
  assert.deepEqual([channel.kind, channel.target, channel.verified], ["email", "Ada@example.com", false]);
  const [request] = asked;
  assert.deepEqual([request!.op, request!.channel.kind, request!.channel.target], ["send", "email", "Ada@example.com"]);
  const id = channel.channel_id;
  assert.equal((await call("POST", `/alert-channels/${id}/test`)).status, 422);
  const wrong = codeIn(request!) === "000000" ? "000001" : "000000";
  assert.equal((await call("POST", `/alert-channels/${id}/verify`, { code: wrong })).status, 422);
  const link = /https:\/\/api\.example\.com(\/links\/\S+)/.exec(request!.message.text)![1]!;
  const verified = async () => (await call("GET", `/alert-channels/${id}`)).body.verified;
  // Programs that scan mails open every link, some of them often.
  for (let time = 0; time < 12; time += 1) {
    const opened = await api.app.request(link);
    assert.equal(opened.status, 200);
    assert.match(await opened.text(), /<form method="post"><button[^>]*>Confirm</);
  }
  assert.equal(await verified(), false);
  for (let time = 0; time < 2; time += 1) {
    const confirmed = await api.app.request(link, { method: "POST" });
    assert.match(await confirmed.text(), /Confirmed/);
    assert.equal(await verified(), true);
  }
  assert.match(await (await api.app.request(link)).text(), /Confirmed/);
  for (const method of ["GET", "POST"])
    assert.equal((await api.app.request(`${link.slice(0, -3)}abc`, { method })).status, 404);
});

test("a channel says times by the clocks of its zone, UTC unless it names another, and the zone can be changed", async () => {
  const plain = await created("/alert-channels", { kind: "sms", target: "+447700900126" });
  assert.equal(plain.time_zone, "UTC");
  const { channel_id, ...channel } = await created("/alert-channels", {
    ...{ kind: "email", target: "ada@example.com", time_zone: "Europe/Berlin" },
  });
  assert.equal(channel.time_zone, "Europe/Berlin");
  assert.equal(asked.at(-1)!.channel.time_zone, "Europe/Berlin", "who sends is told");
  const changed = await call("PATCH", `/alert-channels/${channel_id}`, { time_zone: "Asia/Kolkata" });
  assert.deepEqual([changed.status, changed.body.time_zone], [200, "Asia/Kolkata"]);
  assert.deepEqual((await call("GET", `/alert-channels/${channel_id}`)).body, changed.body);
  const { body: log } = await call("GET", "/audit");
  assert.deepEqual(
    [log.audit[0].action, log.audit[0].object, log.audit[0].details.time_zone],
    ["alert_channel.update", channel_id, "Asia/Kolkata"],
  );
  for (const body of [
    { time_zone: "Mars/Olympus" },
    { time_zone: "+01:00" },
    { time_zone: 1 },
    { target: "b@example.com" },
  ]) {
    const refused = await call("PATCH", `/alert-channels/${channel_id}`, body);
    assert.deepEqual([refused.status, refused.body.error.details[0].path], [400, `/${Object.keys(body)[0]}`]);
  }
  const { live: stranger } = await api.customer("Other");
  const elsewhere = await call("PATCH", `/alert-channels/${channel_id}`, { time_zone: "UTC" }, stranger);
  assert.equal(elsewhere.status, 404);
});

test("a number is verified by the code that was sent", async () => {
  const channel = await created("/alert-channels", { kind: "sms", target: "+44 7700 900123" });
  assert.equal(channel.target, "+447700900123");
  const code = codeIn(asked[0]!);
  const verified = await call("POST", `/alert-channels/${channel.channel_id}/verify`, { code });
  assert.equal(verified.body.verified, true);
});

test("a code holds for a day and ten tries", async () => {
  const { channel_id } = await created("/alert-channels", { kind: "sms", target: "+447700900124" });
  const code = codeIn(asked[0]!);
  const wrong = code === "000000" ? "000001" : "000000";
  for (let tried = 0; tried < 10; tried += 1)
    assert.equal((await call("POST", `/alert-channels/${channel_id}/verify`, { code: wrong })).status, 422);
  assert.equal((await call("POST", `/alert-channels/${channel_id}/verify`, { code })).status, 422);
  await call("POST", `/alert-channels/${channel_id}/verify`);
  const fresh = codeIn(asked.at(-1)!);
  assert.equal((await call("POST", `/alert-channels/${channel_id}/verify`, { code: fresh })).body.verified, true);
});

test("a webhook is verified by answering a signed challenge with it", async () => {
  answer = ({ payload }) => ({
    sent: true,
    error: null,
    status_code: 200,
    response_excerpt: `{"challenge":"${payload.challenge}"}`,
  });
  const channel = await created("/alert-channels", { kind: "webhook", target: "https://hooks.example.com/alerts" });
  assert.match(channel.signing_secret, /^whsec_/);
  assert.equal(channel.verified, true);
  assert.equal(asked[0]!.channel.signing_secret, channel.signing_secret);
  assert.equal(asked[0]!.payload.type, "triggers.channel.challenge");
  answer = () => ({ sent: true, error: null, status_code: 200, response_excerpt: "ok" });
  const other = await created("/alert-channels", { kind: "webhook", target: "https://hooks.example.com/else" });
  assert.deepEqual([other.verified, other.last_error], [false, "The endpoint did not answer with the challenge."]);
  const read = (await call("GET", `/alert-channels/${channel.channel_id}`)).body;
  assert.equal("signing_secret" in read, false);
});

const wrongTargets: [kind: string, target: string, status: number, says: string][] = [
  ["email", "a@b", 400, "must be an e-mail address"],
  ["email", "a@example.com\r\nBcc: b@example.com", 400, "must be an e-mail address"],
  ["sms", "0151 234567", 400, "must be a number with its country code: +4915112345678"],
  [
    "slack",
    "https://slack.example/services/T/B/x",
    400,
    "must be the URL of a Slack incoming webhook: https://hooks.slack.com/services/…",
  ],
  ["webhook", "http://hooks.example.com/", 422, "The webhook URL must begin with https://."],
];
for (const [kind, target, status, says] of wrongTargets)
  test(`the target ${JSON.stringify(target)} is no ${kind}, and the answer says what is one`, async () => {
    const refused = await call("POST", "/alert-channels", { kind, target });
    assert.deepEqual([refused.status, refused.body.error.details], [status, [{ path: "/target", message: says }]]);
    if (status === 422) assert.equal(refused.body.error.message, `The target can't be used: ${says}`);
    assert.deepEqual(asked, []);
  });

test("a Slack webhook's URL is a secret, and its code comes by Slack", async () => {
  const target = "https://hooks.slack.com/services/T000/B000/abcdefgh";
  const channel = await created("/alert-channels", { kind: "slack", target });
  assert.equal(channel.target, "https://hooks.slack.com/…efgh");
  assert.equal(asked[0]!.channel.target, target);
  const code = codeIn(asked[0]!);
  assert.equal((await call("POST", `/alert-channels/${channel.channel_id}/verify`, { code })).body.verified, true);
  const before = asked.length;
  for (let i = 0; i < 2; i += 1) {
    const headers = { "idempotency-key": "one test" };
    const tested = await api.call(live, "POST", `/alert-channels/${channel.channel_id}/test`, undefined, headers);
    assert.deepEqual(tested.body, { sent: true, error: null });
  }
  assert.equal(asked.length, before + 1, "a repeat under its key sends nothing again");
});

const targets: [kind: string, target: string, status: number][] = [
  ["email", "no address", 400],
  ["sms", "12345", 400],
  ["slack", "https://example.com/services/x", 400],
  ["webhook", "http://hooks.example.com/x", 422],
  ["webhook", "https://127.0.0.1/x", 422],
];
for (const [kind, target, status] of targets)
  test(`a channel is refused for ${kind} ${target}`, async () => {
    assert.equal((await call("POST", "/alert-channels", { kind, target })).status, status);
    assert.deepEqual(asked, []);
  });

test("a target is a channel once, and a message that fails is reported", async () => {
  answer = () => ({ sent: false, error: "MessageRejected: Email address is not verified." });
  const body = { kind: "email", target: "ada@example.com" };
  const channel = await created("/alert-channels", body);
  assert.equal(channel.last_error, "MessageRejected: Email address is not verified.");
  assert.equal((await call("POST", "/alert-channels", body)).status, 409);
  for (let i = 0; i < 2; i += 1)
    assert.equal((await call("DELETE", `/alert-channels/${channel.channel_id}`)).status, 204);
  await onlyOwn("/alert-channels", channel.channel_id);
  assert.deepEqual((await call("GET", "/alert-channels")).body, { alert_channels: [], next_cursor: null });
});

/** An alert of a rule that fires now. @returns the id of the newest that fires */
async function ring(rule: AlertRule, severity: Severity = "warning"): Promise<string> {
  const now = api.deps.now();
  const watch = { state: "firing", since: now, seen_at: now, value: 0.5, calm_since: null, severity } as const;
  await asService(api.deps.db, (tx) =>
    saveAlerts(
      tx,
      live.customer_id,
      [{ rule, watch, changes: ["pending", "firing"], at: now, value: 0.5, cause: "an endpoint" }],
      now,
    ),
  );
  return (await call("GET", "/alerts?state=firing")).body.alerts[0].alert_id;
}

test("alerts are listed by state, acknowledged and snoozed, and the audit log tells", async () => {
  const [rule] = await rules();
  const id = await ring(rule!);
  const { body } = await call("GET", "/alerts");
  const [alert] = body.alerts;
  assert.deepEqual(
    [alert.state, alert.kind, alert.value, alert.threshold, alert.cause, alert.acknowledged_at],
    ["firing", "error_rate", 0.5, 0.05, "an endpoint", null],
  );
  assert.deepEqual((await call("GET", "/alerts?state=resolved")).body.alerts, []);
  const acknowledged = await call("POST", `/alerts/${id}/acknowledge`);
  assert.equal(acknowledged.body.acknowledged_by, live.key_id);
  const snoozed = await call("POST", `/alerts/${id}/snooze`, { minutes: 30 });
  assert.ok(Date.parse(snoozed.body.snoozed_until) > api.deps.now());
  assert.equal((await call("POST", `/alerts/${id}/snooze`, { minutes: -1 })).status, 400);
  const { body: log } = await call("GET", "/audit");
  assert.deepEqual(
    log.audit.slice(0, 2).map(({ action }: { action: string }) => action),
    ["alert.snooze", "alert.acknowledge"],
  );
  const { live: stranger } = await api.customer("Other");
  assert.equal((await call("POST", `/alerts/${id}/acknowledge`, undefined, stranger)).status, 404);
});

test("an alert is snoozed for an hour unless it says, for a week at most, and 0 ends it", async () => {
  const [rule] = await rules();
  const id = await ring(rule!);
  const snooze = async (body?: object) => (await call("POST", `/alerts/${id}/snooze`, body)).body;
  for (const [body, minutes] of [
    [undefined, 60],
    [{}, 60],
    [{ minutes: 10_080 }, 10_080],
  ] as const) {
    const before = api.deps.now();
    const until = Date.parse((await snooze(body)).snoozed_until) - minutes * MINUTE;
    assert.ok(until >= before && until <= api.deps.now(), JSON.stringify(body));
  }
  const refused = await snooze({ minutes: 10_081 });
  assert.deepEqual(refused.error.details, [{ path: "/minutes", message: "must be at most 10,080" }]);
  assert.equal((await snooze({ minutes: 0 })).snoozed_until, null);
});

test("the history of alerts can be narrowed by state, severity, rule and beginning, and has pages", async () => {
  const [first, second, third] = (await rules()) as [AlertRule, AlertRule, AlertRule];
  const began = [api.deps.now()];
  const ids = [await ring(first, "critical")];
  for (const [rule, severity] of [
    [second, "warning"],
    [third, "info"],
  ] as const) {
    api.advance(MINUTE);
    began.push(api.deps.now());
    ids.push(await ring(rule, severity));
  }
  await call("PATCH", `/alert-rules/${third.rule_id}`, { enabled: false });
  const list = async (query: string, who = live) => (await call("GET", `/alerts?${query}`, undefined, who)).body;
  const found = async (query: string) =>
    (await list(query)).alerts.map(({ alert_id }: { alert_id: string }) => ids.indexOf(alert_id));
  const iso = (at: number) => new Date(at).toISOString();
  const narrowed: [query: string, found: number[]][] = [
    ["", [2, 1, 0]],
    ["state=firing", [1, 0]],
    ["state=resolved", [2]],
    ["state=resolved&state=firing", [2, 1, 0]],
    ["state=pending", []],
    ["severity=critical", [0]],
    ["severity=critical&severity=info", [2, 0]],
    [`rule_id=${second.rule_id}`, [1]],
    ["rule_id=rul_of_nobody", []],
    [`from=${iso(began[1]!)}`, [2, 1]],
    [`to=${iso(began[1]!)}`, [0]],
    [`from=${iso(began[1]!)}&to=${iso(began[2]!)}&severity=warning`, [1]],
    ["limit=2", [2, 1]],
  ];
  for (const [query, expected] of narrowed) assert.deepEqual(await found(query), expected, query);
  const { next_cursor } = await list("limit=2");
  assert.deepEqual(await found(`limit=2&cursor=${next_cursor}`), [0]);
  assert.equal((await call("GET", `/alerts?limit=2&state=firing&cursor=${next_cursor}`)).status, 400);
  const { live: stranger } = await api.customer("Other");
  for (const other of [stranger, sandbox]) {
    assert.deepEqual((await list("", other)).alerts, []);
    assert.equal((await call("GET", `/alerts/${ids[0]}`, undefined, other)).status, 404);
    assert.equal((await call("POST", `/alerts/${ids[0]}/acknowledge`, undefined, other)).status, 404);
  }
  for (const query of ["state=closed", "severity=worst", "from=soon"])
    assert.equal((await call("GET", `/alerts?${query}`)).status, 400, query);
});

test("a rule that is switched off or deleted ends its firing alerts, and a message says so", async () => {
  const [first, second] = await rules();
  await ring(first!);
  await call("PATCH", `/alert-rules/${first!.rule_id}`, { enabled: false });
  await ring(second!);
  await call("DELETE", `/alert-rules/${second!.rule_id}`);
  const { alerts } = (await call("GET", "/alerts")).body;
  assert.deepEqual(
    alerts.map(({ state, resolution }: { state: string; resolution: string }) => [state, resolution]),
    [
      ["resolved", "rule_deleted"],
      ["resolved", "rule_disabled"],
    ],
  );
  assert.deepEqual(
    alerts[0].messages.map(({ change, channel_id }: { change: string; channel_id: null }) => [change, channel_id]),
    [
      ["firing", null],
      ["resolved", null],
    ],
  );
});

test("alerts that ended long ago are deleted with their messages; open alerts stay, however old", async () => {
  const [first, second] = await rules();
  const old = await ring(first!);
  await call("PATCH", `/alert-rules/${first!.rule_id}`, { enabled: false });
  const standing = await ring(second!);
  const forget = () => serve(api.database.db, { op: "alert_forget" }, api.deps.now());
  api.advance((ALERTS_KEPT_DAYS - 1) * 24 * HOUR);
  await forget();
  const ids = async () =>
    (await call("GET", "/alerts")).body.alerts.map(({ alert_id }: { alert_id: string }) => alert_id);
  assert.deepEqual(await ids(), [standing, old]);
  api.advance(2 * 24 * HOUR);
  assert.ok((await forget()).alerts >= 1);
  assert.deepEqual(await ids(), [standing]);
  const { count } = await api.database.db
    .selectFrom("alert_messages")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("alert_id", "=", old)
    .executeTakeFirstOrThrow();
  assert.equal(Number(count), 0);
  api.advance(-(ALERTS_KEPT_DAYS + 1) * 24 * HOUR);
});

test("scopes: reading needs events:read, changing subscriptions", async () => {
  const reader = { ...live, scopes: ["events:read" as const] };
  assert.equal((await call("GET", "/alert-rules", undefined, reader)).status, 200);
  assert.equal((await call("POST", "/alert-rules", { name: "x", kind: "latency" }, reader)).status, 403);
  assert.equal((await call("POST", "/alert-channels", { kind: "sms", target: "+447700900125" }, reader)).status, 403);
  const writer = { ...live, scopes: ["events:write" as const] };
  for (const path of ["/alert-rules", "/alert-channels", "/alerts", "/problems", "/reports"])
    assert.equal((await call("GET", path, undefined, writer)).status, 403);
});

test("a customer has two channels tested at a time, and a hundred tests a day", async () => {
  const { channel_id } = await created("/alert-channels", { kind: "sms", target: "+4915112345678" });
  await call("POST", `/alert-channels/${channel_id}/verify`, { code: codeIn(asked.at(-1)!) });
  const tested = async () => {
    const { status, body } = await call("POST", `/alert-channels/${channel_id}/test`);
    return status === 200 ? "sent" : (body.error.code as string);
  };
  const together = await Promise.all(Array.from({ length: 6 }, tested));
  const first = together.filter((each) => each === "sent").length;
  assert.ok(first >= 1 && first < 6 && together.every((each) => each === "sent" || each === "rate_limited"));
  for (let sent = first; sent < 100; sent += 1) assert.equal(await tested(), "sent");
  assert.equal(await tested(), "limit_reached");
});

test("a customer can run a hundred reports a day, and runs of deleted reports count", async () => {
  const make = () => created("/reports", { name: "Now", template: "weekly" });
  let report = await make();
  const run = () => call("POST", `/reports/${report.report_id}/run`);
  for (let made = 0; made < 100; made += 1) {
    const { status, body } = await run();
    if (status !== 202) {
      assert.deepEqual([made % 3, body.error.code], [0, "limit_reached"]);
      await call("DELETE", `/reports/${report.report_id}`);
      report = await make();
      made -= 1;
    }
  }
  for (let i = 0; i < 2; i += 1) assert.equal((await call("DELETE", `/reports/${report.report_id}`)).status, 204);
  await onlyOwn("/reports", report.report_id);
  report = await make();
  const refused = await run();
  assert.equal(refused.body.error.code, "limit_reached");
  assert.match(refused.body.error.message, /24 hours/);
});

test.run();
