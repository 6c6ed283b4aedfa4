// group: own platform 1
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { suite } from "uvu";
import { type Platform, startPlatform } from "../../local/product/platform.ts";
import { eventually } from "../support/eventually.ts";
import { otlpReceiver } from "../support/otlpReceiver.ts";
import { call, newCustomer, webhooksAt } from "../support/platform.ts";

const test = suite("tracing");

const folder = mkdtempSync(join(tmpdir(), "triggers-tracing-"));
let receiver: Awaited<ReturnType<typeof otlpReceiver>>;
let platform: Platform;

test.before(async () => {
  receiver = await otlpReceiver();
  platform = await startPlatform({
    state: folder,
    port: 0,
    log: () => undefined,
    config: { "triggers:otlpEndpoint": receiver.url },
  });
  const { aws, outputs } = platform;
  const secrets = new SecretsManagerClient(aws());
  const SecretId = String(outputs.otlpHeadersSecret);
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: "x-team=hooks,x-key=a%2Cb" }));
});

test.after(async () => {
  await platform.stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends an event to a new customer's only subscription. @returns what the webhook got, and the event's id */
async function send(script: string, headers: Record<string, string>, posts: number) {
  const { api_key: key, customer_id } = await newCustomer(platform);
  const path = `/script/${script}/${customer_id}`;
  const body = { webhook_url: `${platform.sinkUrl}${path}`, event_selector: "order.created" };
  assert.equal((await call(platform.url, "POST", "/subscriptions", { key, body })).status, 201);
  const event = { event_type: "order.created" };
  const { status, json } = await call(platform.url, "POST", "/events", { key, body: event, headers });
  assert.equal(status, 202);
  const received = await eventually(
    () => webhooksAt(platform, path),
    (all) => all.length >= posts,
    20_000,
  );
  return { received, eventId: json.event_id as string };
}

const spansOf = (eventId: string, count: number) =>
  eventually(
    () => receiver.spans.filter(({ attributes }) => attributes["triggers.first_event_id"] === eventId),
    (spans) => spans.length >= count,
  );

test("an event is followed by its caller's trace through every stage, failed attempts included", async () => {
  const [trace, caller] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  const { received, eventId } = await send("fail/1", { traceparent: `00-${trace}-${caller}-01` }, 2);
  const spans = (await spansOf(eventId, 4)).sort((a, b) => a.start_ms - b.start_ms);
  const [accepted, routed, ...attempts] = spans;
  assert.ok(spans.every(({ trace_id }) => trace_id === trace));
  assert.deepEqual(
    spans.map(({ scope, name, kind, parent_id, status }) => [
      scope,
      name.replace(/ingest.*/, "…"),
      kind,
      parent_id,
      status,
    ]),
    [
      ["triggers.ingest", "POST /events", "SERVER", caller, "UNSET"],
      ["triggers.route", "process …", "CONSUMER", accepted!.span_id, "UNSET"],
      ["triggers.deliver", "POST", "CLIENT", routed!.span_id, "ERROR"],
      ["triggers.deliver", "POST", "CLIENT", routed!.span_id, "UNSET"],
    ],
  );
  assert.deepEqual(
    received.map(({ headers }) => headers.traceparent),
    attempts.map(({ span_id }) => `00-${trace}-${span_id}-01`),
  );
  assert.deepEqual(
    spans.map(({ attributes }) => attributes["http.response.status_code"]),
    [202, undefined, 500, 200],
  );
  assert.deepEqual([...new Set(spans.map(({ resource }) => resource["service.name"]))], ["triggers"]);
});

test("an event that came without a trace begins one; the receiver gets the headers of the secret", async () => {
  const { received, eventId } = await send("status/200", {}, 1);
  const spans = await spansOf(eventId, 3);
  assert.equal(new Set(spans.map(({ trace_id }) => trace_id)).size, 1);
  assert.equal(received[0]!.headers.traceparent!.slice(3, 35), spans[0]!.trace_id);
  const { "x-team": team, "x-key": key } = receiver.requests.at(-1)!.headers;
  assert.deepEqual([team, key], ["hooks", "a,b"]);
});

test("events arrive even when the receiver of spans is gone", async () => {
  await receiver.close();
  const { received } = await send("status/200", {}, 1);
  assert.equal(received.length, 1);
});

test.run();
