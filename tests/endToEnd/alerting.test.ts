// group: patient 1
import assert from "node:assert/strict";
import { DynamoDBClient, ListTablesCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import PostalMime from "postal-mime";
import { Webhook as Verifier } from "standardwebhooks";
import { suite } from "uvu";
import type { OutboxMessage } from "../../local/outbox.ts";
import { defined } from "../../runtime/domain/defined.ts";
import { chromiumHere, closeBrowser, openPage, picture, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
// Before the platform boots: all of its threads go by it.
import { moveClock } from "../support/movedClock.ts";
import {
  type Customer,
  call,
  newCustomer,
  type SharedPlatform,
  sharedPlatform,
  webhooksAt,
} from "../support/platform.ts";

/** Minutes have to go by: a minute's numbers are looked at once it is over. */
const test = suite("alerts and reports on the running platform");
const MINUTES_MS = 300_000;

let platform: SharedPlatform;
/** The one whose people sign in at the console. */
let customer: Pick<Customer, "customer_id" | "api_key">;
test.before(async () => {
  platform = await sharedPlatform();
  const { customers } = (await call(platform.url, "GET", "/customers", { key: platform.operatorKey })).json;
  const { customer_id } = customers.find(({ name }: { name: string }) => name === "Demo");
  customer = { customer_id, api_key: platform.apiKey };
  // Who acknowledges an alert waits until the console is built, and for no other pages.
  await call(platform.url, "GET", "/console/");
});
test.after(closeBrowser);

const apiOf = (of: Pick<Customer, "api_key">) => (method: string, path: string, body?: unknown) =>
  call(platform.url, method, path, { key: of.api_key, ...defined({ body }) });
const api = (method: string, path: string, body?: unknown) => apiOf(customer)(method, path, body);
async function made(path: string, body: object, of = customer) {
  const { status, json, text } = await apiOf(of)("POST", path, body);
  assert.ok(status === 201 || status === 202, text);
  return json;
}

const MAIL = "ops@example.com";
const SMS = "+447700900123";
/** What left the platform for one of these, the oldest first. */
async function outbox(to: string): Promise<OutboxMessage[]> {
  const { messages } = (await (await fetch(`${platform.outboxUrl}/messages`)).json()) as { messages: OutboxMessage[] };
  return messages.filter((message) => message.to === to);
}
const sent = async (to: string, count: number) =>
  eventually(
    () => outbox(to),
    (messages) => messages.length >= count,
  );
const codeIn = ({ text }: OutboxMessage): string => /\b(\d{6})\b/.exec(text)![1]!;

/** Opens the link of the mail that asks whether somebody reads it, and confirms. */
async function confirm([asked]: readonly OutboxMessage[]): Promise<void> {
  const link = /http:\/\/\S+\/links\/\S+/.exec(asked!.text)![0];
  assert.match(await (await fetch(link)).text(), /Confirm this address/);
  assert.match(await (await fetch(link, { method: "POST" })).text(), /Confirmed/);
}

/** Channels of every kind, verified as people do it. */
async function channels() {
  const slack = `https://hooks.slack.com/services/T000/${customer.customer_id}/abcd`;
  const shown = `${platform.outboxUrl}/webhooks/${customer.customer_id}`;
  const [mail, sms, chat, webhook, listed] = await Promise.all([
    made("/alert-channels", { kind: "email", target: MAIL }),
    made("/alert-channels", { kind: "sms", target: SMS }),
    made("/alert-channels", { kind: "slack", target: slack }),
    made("/alert-channels", { kind: "webhook", target: `${platform.sinkUrl}/${customer.customer_id}-alerts` }),
    made("/alert-channels", { kind: "webhook", target: shown }),
  ]);
  for (const each of [webhook, listed]) assert.equal(each.verified, true, each.last_error);
  assert.equal((await fetch(shown, { method: "PUT", body: listed.signing_secret })).status, 204);
  await confirm(await sent(MAIL, 1));
  for (const [channel, to] of [
    [sms, SMS],
    [chat, slack],
  ] as const) {
    const code = codeIn((await sent(to, 1))[0]!);
    const { json } = await api("POST", `/alert-channels/${channel.channel_id}/verify`, { code });
    assert.equal(json.verified, true);
  }
  return {
    slack,
    webhook,
    shown,
    ids: [mail, sms, chat, webhook, listed].map(({ channel_id }) => channel_id as string),
  };
}

async function alertOf(rule: string, state: string) {
  const { alerts } = await eventually(
    async () => (await api("GET", `/alerts?rule_id=${rule}`)).json,
    // A busy platform may answer 503 for a moment.
    ({ alerts }) => alerts?.[0]?.state === state,
    MINUTES_MS,
  );
  assert.equal(alerts.length, 1);
  return alerts[0];
}
type Message = { channel_id: string | null; change: string; state: string };
const told = ({ messages }: { messages: Message[] }, change: string) =>
  messages.filter((each) => each.change === change && each.state === "sent").map(({ channel_id }) => channel_id);

/** Acknowledges an alert as somebody does whose phone has shown its mail. @param link of the mail */
async function acknowledge(link: string, alert_id: string): Promise<void> {
  if (chromiumHere() === undefined) {
    assert.equal(process.env.CI, undefined, "CI tries it in a browser: .ci/run installs one");
    assert.equal((await api("POST", `/alerts/${alert_id}/acknowledge`)).status, 200);
    return;
  }
  const phone = await openPage({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  phone.setDefaultTimeout(MINUTES_MS);
  await signInAs(phone, platform.url, "Operations", link.slice(platform.url.length));
  const alert = phone.getByRole("article", { name: "Alert Orders fail" });
  const button = alert.getByRole("button", { name: "Acknowledge" });
  await button.waitFor();
  await picture(phone, "an alert before it is acknowledged on a phone");
  await button.tap();
  await alert.getByText(/by you$/).waitFor();
  for (const channel of [MAIL, SMS]) await alert.getByText(`firing to ${channel}: sent`).waitFor();
  await picture(phone, "an alert acknowledged on a phone");
  await phone.context().close();
}

test("an alert fires, reaches every channel once, is acknowledged on a phone by its mail's link, and recovers", async () => {
  const { slack, webhook, shown, ids } = await channels();
  /** Where the customer's own subscriptions post, by the type of event that they want. */
  const own = (type: string): string => `/${customer.customer_id}-${type}`;
  for (const event_selector of ["triggers.alert.firing", "triggers.alert.resolved", "order.good"])
    await made("/subscriptions", { webhook_url: `${platform.sinkUrl}${own(event_selector)}`, event_selector });
  const failing = await made("/subscriptions", {
    ...{ workflow_id: "bad-orders", webhook_url: `${platform.sinkUrl}/script/status/500/${customer.customer_id}` },
    event_selector: "order.bad",
  });
  const { rule_id } = await made("/alert-rules", {
    ...{ name: "Orders fail", kind: "error_rate", threshold: 0.5, for_minutes: 1, severity: "critical" },
    filter: { event_type: ["order.bad", "order.good"] },
    channels: ids,
  });
  // A change counts for events accepted five seconds later.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await made("/events", { event_type: "order.bad" });

  const firing = await alertOf(rule_id, "firing");
  const { alert_id } = firing;
  await eventually(
    async () => (await api("GET", `/alerts/${alert_id}`)).json,
    (alert) => told(alert, "firing").length === ids.length + 1,
    MINUTES_MS,
  );
  const link = `${platform.url}/console/alerts?alert=${alert_id}`;
  const [, mail] = await sent(MAIL, 2);
  const eml = await PostalMime.parse(await (await fetch(`${platform.outboxUrl}/messages/${mail!.file}`)).arrayBuffer());
  assert.equal(eml.subject, "[critical] Orders fail: 100 %");
  assert.equal(eml.from?.address, "alerts@triggers.test");
  for (const part of [eml.text!, eml.html!]) {
    assert.ok(part.includes(alert_id) && part.includes("above 50 %"), part);
    assert.match(part, /Workflow bad-orders failed \d+ times? \(http_5xx, 500\)/);
    assert.ok(!part.includes(failing.subscription_id), "nobody knows a workflow by its subscription's id");
  }
  assert.ok(eml.text!.includes(link));
  const [, chat] = await sent(slack, 2);
  assert.match(chat!.text, /\[critical\] Orders fail: 100 %/);
  const [, text] = await sent(SMS, 2);
  assert.match(text!.text, /^\[critical\] Orders fail: 100 %, since \d\d:\d\d UTC\. http/);

  await acknowledge(/http:\S+\/console\/\S+/.exec(eml.text!)![0], alert_id);
  const acknowledged = (await api("GET", `/alerts/${alert_id}`)).json;
  assert.equal(acknowledged.state, "firing");
  assert.ok(acknowledged.acknowledged_at !== null);

  await api("DELETE", `/subscriptions/${failing.subscription_id}`);
  const good = setInterval(() => void made("/events", { event_type: "order.good" }).catch(() => undefined), 5_000);
  try {
    const resolved = await alertOf(rule_id, "resolved");
    assert.deepEqual([resolved.alert_id, resolved.resolution], [alert_id, "recovered"]);
    assert.equal(resolved.acknowledged_at, acknowledged.acknowledged_at);
  } finally {
    clearInterval(good);
  }
  await eventually(
    async () => (await api("GET", `/alerts/${alert_id}`)).json,
    (alert) => told(alert, "resolved").length === ids.length + 1,
    MINUTES_MS,
  );
  // Each kind of change once, everywhere.
  for (const to of [MAIL, slack, SMS]) {
    const [, ...alerts] = await outbox(to);
    assert.equal(alerts.length, 2, JSON.stringify(alerts));
    assert.match(`${alerts[1]!.subject ?? ""}${alerts[1]!.text}`, /\[resolved\] Orders fail/);
  }
  const types = (all: readonly { body: string }[]) =>
    all
      .map(({ body }) => JSON.parse(body) as { event_type?: string; alert_id?: string; event?: { event_type: string } })
      .map((body) => body.event_type ?? body.event?.event_type)
      .filter((type) => type?.startsWith("triggers.alert.") === true);
  const posts = await webhooksAt(platform, `/${customer.customer_id}-alerts`);
  assert.deepEqual(types(posts), ["triggers.alert.firing", "triggers.alert.resolved"]);
  for (const { body, headers } of posts) new Verifier(webhook.signing_secret).verify(body, headers);
  assert.deepEqual(
    (await outbox(shown)).map(({ signature }) => signature),
    ["not verified", "right", "right"],
    "the challenge came before the outbox had the secret",
  );
  for (const type of ["triggers.alert.firing", "triggers.alert.resolved"]) {
    const events = await eventually(
      async () => (await webhooksAt(platform, own(type))).filter(({ body }) => body.includes(alert_id)),
      (all) => all.length > 0,
    );
    assert.equal(events.length, 1, type);
  }
});

test("a report is made, mailed to its verified recipient with PDF and CSV, and read at its runs", async () => {
  const report = await made("/reports", { name: "Orders", template: "weekly", recipients: [MAIL] });
  const before = (await outbox(MAIL)).length;
  const run = await made(`/reports/${report.report_id}/run`, {});
  const done = await eventually(
    async () => (await api("GET", `/reports/${report.report_id}/runs`)).json.runs?.[0],
    (made) => made?.status === "succeeded" || made?.status === "failed",
    MINUTES_MS,
  );
  assert.deepEqual([done.run_id, done.status, done.sent_to, done.error], [run.run_id, "succeeded", [MAIL], null]);
  const mails = (await outbox(MAIL)).slice(before);
  assert.deepEqual(
    mails.map(({ attachments }) => attachments),
    [["Orders.pdf", "Orders.csv"]],
  );
  for (const [url, begins] of [
    [done.html_url, "<!doctype html>"],
    [done.pdf_url, "%PDF-"],
    [done.csv_url, "tile,group,start,measure,value"],
  ])
    assert.ok((await (await fetch(url)).text()).startsWith(begins), url);
  const eml = await PostalMime.parse(
    await (await fetch(`${platform.outboxUrl}/messages/${mails[0]!.file}`)).arrayBuffer(),
  );
  const header = eml.headers.find(({ key }) => key === "list-unsubscribe")!.value;
  const clicked = await fetch(header.slice(1, -1), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "List-Unsubscribe=One-Click",
  });
  assert.equal(clicked.status, 200);
  assert.deepEqual((await api("GET", `/reports/${report.report_id}`)).json.unsubscribed, [MAIL]);
});

test("each minute somebody asks by the public URL whether the API answers", async () => {
  const dynamodb = new DynamoDBClient(platform.aws());
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
  const items = await eventually(
    async () =>
      (
        await dynamodb.send(
          new QueryCommand({
            TableName: TableNames.find((name) => name.startsWith("metrics"))!,
            KeyConditionExpression: "pk = :pk",
            ExpressionAttributeValues: { ":pk": { S: "alerts#api" } },
          }),
        )
      ).Items ?? [],
    (all) => all.length > 0,
    MINUTES_MS,
  );
  dynamodb.destroy();
  assert.ok(items.some(({ down }) => down!.N === "0"));
});

const MINUTE_MS = 60_000;
/** A minute is looked at so long after it has ended: its numbers may come late. */
const LATE_MS = 11_000;

test("an API that can't be reached rings by the rule that each customer begins with, and its return is told", async () => {
  const to = "outage@example.com";
  const other = await newCustomer(platform);
  const own = apiOf(other);
  const { channel_id } = await made("/alert-channels", { kind: "email", target: to }, other);
  await confirm(await sent(to, 1));
  const { alert_rules } = (await own("GET", "/alert-rules")).json;
  const rule = alert_rules.find(({ kind }: { kind: string }) => kind === "api_down");
  const changed = await own("PATCH", `/alert-rules/${rule.rule_id}`, { channels: [channel_id] });
  assert.deepEqual(
    [changed.status, changed.json.severity, changed.json.for_minutes, changed.json.enabled],
    [200, "critical", 2, true],
  );
  const lambda = new LambdaClient(platform.aws());
  const invoke = async (FunctionName: string) => {
    const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
    assert.equal(FunctionError, undefined, Buffer.from(Payload ?? []).toString());
  };
  const health = async () => (await call(platform.url, "GET", "/health")).status;
  /** Lets minutes go by: in each somebody asks whether the API answers, and it is looked at once it is over. @returns the alert in that state */
  async function until(state: string) {
    for (let minute = 0; minute < 5; minute += 1) {
      await invoke("probe");
      moveClock(MINUTE_MS - (Date.now() % MINUTE_MS) + LATE_MS);
      await invoke("alert");
      const { alerts } = (await own("GET", `/alerts?rule_id=${rule.rule_id}`)).json;
      if (alerts[0]?.state === state) return alerts[0];
    }
    throw new Error(`five minutes later it is not ${state}`);
  }
  try {
    platform.iam.takeAway({ role: "api-role", action: "sqs:GetQueueAttributes" });
    await eventually(health, (status) => status === 503, MINUTES_MS);
    const { alert_id, value, cause } = await until("firing");
    assert.deepEqual([value, cause], [1, "The platform's own health check failed."]);
    platform.iam.takeAway(undefined);
    await eventually(health, (status) => status === 200, MINUTES_MS);
    assert.equal((await until("resolved")).alert_id, alert_id);
    const [, ...mails] = await sent(to, 3);
    assert.deepEqual(
      mails.map(({ subject }) => subject),
      ["[critical] The API can't be reached: unreachable", "[resolved] The API can't be reached"],
    );
    // The customer's own events say the same.
    for (const type of ["triggers.alert.firing", "triggers.alert.resolved"])
      await eventually(
        async () => (await own("GET", `/inbox?event_type=${type}`)).json.events,
        (events) => events.length === 1 && events[0].payload.alert_id === alert_id,
        MINUTES_MS,
      );
  } finally {
    platform.iam.takeAway(undefined);
    lambda.destroy();
  }
});

test.run();
