// group: shared 1
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { promisify } from "node:util";
import { suite } from "uvu";
import { ArchiveReader } from "../../local/product/demo/archive.ts";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform, webhooksAt } from "../support/platform.ts";

const test = suite("the first event");
let platform: SharedPlatform;
test.before(async () => {
  platform = await sharedPlatform();
});

const run = promisify(execFile);

test("an event posted by curl arrives signed at the webhook, and is in the inbox and the archive", async () => {
  const { api_key } = await newCustomer(platform);
  const path = `/first/${Date.now()}`;
  const created = await call(platform.url, "POST", "/subscriptions", {
    key: api_key,
    body: {
      workflow_id: "zap_1",
      webhook_url: platform.sinkUrl + path,
      event_selector: "$.event_type == 'order.created'",
    },
  });
  assert.equal(created.status, 201, created.text);

  // Digits beyond a double's and an escape: what was sent must come back to the letter.
  const payload = '{"event_type":"order.created","id":1234567890.12345678901234567890,"note":"caf\\u00e9 ✓"}';
  const { stdout } = await run("curl", [
    "-sS",
    "-w",
    "\n%{http_code}",
    `${platform.url}/events`,
    "-H",
    `authorization: Bearer ${api_key}`,
    "-H",
    "content-type: application/json",
    "-d",
    payload,
  ]);
  const [body = "", status] = stdout.split("\n");
  assert.equal(status, "202");
  const { event_id } = JSON.parse(body);

  const [webhook, ...more] = await eventually(
    () => webhooksAt(platform, path),
    (all) => all.length > 0,
  );
  assert.equal(more.length, 0);
  const read = await eventually(
    () => call(platform.url, "GET", "/inbox", { key: api_key }),
    ({ json }) => json.events?.[0]?.status === "delivered",
  );
  const [event] = read.json.events;
  assert.equal(event.event_id, event_id);
  const text = `{"event_id":"${event_id}","event_type":"order.created","received_at":"${event.received_at}","payload":${payload}`;
  assert.ok(read.text.includes(text), read.text);
  assert.equal(webhook?.body, `[${text}}]`);
  assert.equal(webhook?.method, "POST");
  assert.equal(webhook?.headers["content-type"], "application/json");
  assert.equal(webhook?.headers["triggers-attempt"], "1");
  assert.equal(webhook?.headers["triggers-subscription-id"], created.json.subscription_id);

  // Standard Webhooks: HMAC-SHA-256 over id, time and body, keyed by the decoded secret.
  const content = `${webhook?.headers["webhook-id"]}.${webhook?.headers["webhook-timestamp"]}.${webhook?.body}`;
  const secret = Buffer.from(created.json.signing_secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", secret).update(content).digest("base64");
  assert.equal(webhook?.headers["webhook-signature"], `v1,${signature}`);

  const archive = new ArchiveReader(platform.aws(), String(platform.outputs.archiveBucket), new Date(0));
  await eventually(
    () => archive.read(),
    (lines) => lines.includes(`"events":[${text}}]}\n`),
  );
  archive.close();
});

test.run();
