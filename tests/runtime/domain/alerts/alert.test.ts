import assert from "node:assert/strict";
import { suite } from "uvu";
import { type AlertFacts, alertLink, composeAlert, eventOf, slackOf } from "../../../../runtime/domain/alerts/alert.ts";

const test = suite("messages about an alert");

const facts: AlertFacts = {
  alert_id: "alt_01JDGXS7G0ABCDEFGHJKMNPQRT",
  rule_id: "rul_01JDGXS7G0ABCDEFGHJKMNPQRT",
  name: "Orders fail",
  kind: "error_rate",
  severity: "critical",
  change: "firing",
  environment: "live",
  value: 0.125,
  threshold: 0.05,
  unit: "share",
  for_minutes: 10,
  since: "2026-11-27T09:50:00.000Z",
  at: "2026-11-27T10:02:00.000Z",
  cause: "sub_1 failed 7 times (http_5xx, 503): the endpoint is overloaded",
  resolution: null,
};
const link = alertLink("https://api.example.com", facts);

test("every channel tells value, threshold, since when, suspected cause and link", () => {
  const { subject, text, html, short } = composeAlert(facts, link, "UTC");
  assert.equal(subject, "[critical] Orders fail: 12.5 %");
  assert.equal(link, "https://api.example.com/console/alerts?alert=alt_01JDGXS7G0ABCDEFGHJKMNPQRT");
  const slack = slackOf({ subject, text, html, short }).text;
  for (const message of [text, html, slack])
    for (const said of [
      "12.5 %",
      "above 5 % for 10 min",
      "27 Nov 2026, 09:50 UTC (12 min)",
      facts.cause!,
      link,
      "live",
    ])
      assert.ok(message.replaceAll("&gt;", ">").includes(said), `${said} in\n${message}`);
  assert.equal(short, `[critical] Orders fail: 12.5 %, since 09:50 UTC. ${link}`);
});

const clocks: [zone: string, time: string, says: string, short: string][] = [
  ["Europe/Berlin", "2026-11-27T09:50:00.000Z", "27 Nov 2026, 10:50 CET", "10:50 CET"],
  ["Europe/Berlin", "2026-06-30T22:05:00.000Z", "1 Jul 2026, 00:05 CEST", "00:05 CEST"],
  ["Asia/Kolkata", "2026-11-27T20:00:00.000Z", "28 Nov 2026, 01:30 GMT+5:30", "01:30 GMT+5:30"],
  ["UTC", "2026-11-27T00:00:59.999Z", "27 Nov 2026, 00:00 UTC", "00:00 UTC"],
];
for (const [zone, time, says, brief] of clocks)
  test(`people in ${zone} read ${time} as ${says}, a program as it is`, () => {
    const told = { ...facts, since: time, at: new Date(Date.parse(time) + 720_000).toISOString() };
    const { text, html, short } = composeAlert(told, link, zone);
    for (const message of [text, html]) assert.ok(message.includes(`${says} (12 min)`), message);
    assert.ok(short.includes(`, since ${brief}. `), short);
    assert.doesNotMatch(`${text}${html}${short}`, /\d\d:\d\d:\d\d|\d-\d\d-\d\dT/);
    assert.equal(eventOf(told).since, time);
  });

test("a recovery says how long the alert lasted and why it ended, and names no suspected cause", () => {
  const resolved = { ...facts, change: "resolved", value: 0, resolution: "recovered" } as const;
  const { subject, text, short } = composeAlert(resolved, link, "UTC");
  assert.equal(subject, "[resolved] Orders fail");
  assert.match(text, /Lasted: 12 min\nWhy it ended: it is well again/);
  assert.ok(!text.includes(facts.cause!));
  assert.equal(short, `[resolved] Orders fail. ${link}`);
  const silent = composeAlert({ ...resolved, value: null, resolution: "no_data" }, link, "UTC").text;
  assert.match(silent, /: no data\n[\s\S]*its data stopped coming/);
});

test("numbers are read with their unit", () => {
  const read = (more: Partial<AlertFacts>) => composeAlert({ ...facts, ...more }, link, "UTC").subject.split(": ")[1];
  assert.equal(read({ kind: "latency", unit: "ms", value: 6_250 }), "6.25 s");
  assert.equal(read({ kind: "latency", unit: "ms", value: 250 }), "250 ms");
  assert.equal(read({ kind: "dead_letters", unit: "count", value: 1_234 }), "1,234");
  assert.equal(read({ kind: "api_down", unit: "up", value: 1 }), "unreachable");
});

test("a name is text everywhere, and the link is never cut", () => {
  const name = `<b>&"${"x".repeat(196)}`;
  const { html, short, subject, text } = composeAlert({ ...facts, name }, link, "UTC");
  assert.ok(!html.includes("<b>") && html.includes("&lt;b&gt;"));
  assert.ok(slackOf({ html, short, subject, text }).text.startsWith("*[critical] &lt;b&gt;&amp;"));
  assert.ok(short.length <= 300 && short.endsWith(`, since 09:50 UTC. ${link}`), short);
});

test("the longest names and URLs leave a Slack message whole, and an SMS ends in no half of a character", () => {
  const long = { ...facts, name: "&".repeat(200), cause: `Workflow ${"<".repeat(256)}` };
  const instead_of = `webhook https://hooks.example.com/${"&".repeat(2_000)}`;
  const { text } = slackOf(composeAlert({ ...long, instead_of }, link, "UTC"));
  assert.ok(text.endsWith(`${link}\n`) && text.length < 40_000, text.slice(-200));
  for (const name of ["\u{1F600}".repeat(100), `x${"\u{1F600}".repeat(99)}`]) {
    const { short } = composeAlert({ ...facts, name }, `${link}${"&".repeat(60)}`, "UTC");
    assert.ok(short.length <= 300 && short.isWellFormed() && short.includes("…"), short);
  }
});

test("a message in place of another says of which", () => {
  const { text, html } = composeAlert({ ...facts, instead_of: "webhook https://hooks.example.com/a" }, link, "UTC");
  for (const message of [text, html])
    assert.ok(message.includes("You get this because webhook https://hooks.example.com/a could not be reached."));
});

test("the customer's own event names the change and holds the same facts", () => {
  assert.deepEqual(eventOf(facts), { event_type: "triggers.alert.firing", ...facts });
  assert.equal(eventOf({ ...facts, change: "resolved" }).event_type, "triggers.alert.resolved");
});

test.run();
