// group: own platform 1
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { suite } from "uvu";
import type { LocalFile } from "../../local/platform/state.ts";
import { type Platform, startPlatform } from "../../local/product/platform.ts";
import { encodeIngest } from "../../runtime/domain/codec/index.ts";
import { pack } from "../../runtime/domain/codec/pack.ts";
import { defined } from "../../runtime/domain/defined.ts";
import { keyHashOf } from "../../runtime/domain/idempotency.ts";
import { eventId, newUlid, ulidAt } from "../../runtime/domain/ids.ts";
import { eventually } from "../support/eventually.ts";
import { call } from "../support/platform.ts";
import { startProcess } from "../support/process.ts";
import { tracesIn } from "../support/traces.ts";

const test = suite("an erasure leaves no byte");
const ADA = "ada.lovelace@example.com";
const BOB = "bob.babbage@example.com";
/** As it stands in files: also the way a sender may have escaped it. */
const WANTED = [ADA, ADA.replace("@", "\\u0040")];
/** By which the entry of a keyed request is known, in Redis and beside its events. */
const KEY = "ada";
const ENTRY = [keyHashOf(KEY)];
const subject = { jsonpath: "$.user.email", equals: ADA };

let folder: string;
let receiver: Server;
/** What it answers, and what it was sent. */
let status = 500;
const received: string[] = [];
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "triggers-erasure-"));
  // An endpoint that fails and says what it was sent: an excerpt of that is kept with the attempt.
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      received.push(body.toString("utf8"));
      response.writeHead(status).end(body.subarray(0, 500));
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});
test.after(() => {
  receiver.closeAllConnections();
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

const api = (local: Pick<LocalFile, "url" | "api_key">, method: string, path: string, body?: unknown, headers = {}) =>
  call(local.url, method, path, { key: local.api_key, headers, ...defined({ body }) });

/** Everything in which an event's bytes come to lie: table, payload object, archive, queue, delivery, export, replay. */
async function live(local: LocalFile): Promise<void> {
  const webhook_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  assert.equal((await api(local, "POST", "/subscriptions", { webhook_url, event_selector: "person" })).status, 201);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const person = (email: string, more: object = {}) => ({ event_type: "person", user: { email }, ...more });
  const keyed = { "idempotency-key": KEY };
  const one = await api(local, "POST", "/events", [person(ADA), person(BOB)], keyed);
  // Not to be compressed: beyond what an item or a message carries.
  const noise = () => randomBytes(170_000).toString("hex");
  const large = await api(local, "POST", "/events", [person(ADA, { a: noise() }), person(BOB, { b: noise() })]);
  const escaped = await api(
    local,
    "POST",
    "/events",
    JSON.stringify(person(ADA), undefined, 2).replace("@", "\\u0040"),
  );
  assert.deepEqual([one.status, large.status, escaped.status], [202, 202, 202]);
  const ids = [...one.json.events, ...large.json.events, escaped.json].map(({ event_id }) => event_id as string);
  await eventually(
    async () => (await api(local, "POST", "/events/lookup", { event_ids: ids })).json.events,
    (events) => events.length === ids.length && events.every(({ status }: { status: string }) => status === "failed"),
    30_000,
  );
  const { json } = await api(local, "POST", "/privacy/exports", { subject });
  await done(local, json.request_id);
}

const done = (local: Pick<LocalFile, "url" | "api_key">, id: string) =>
  eventually(
    async () => (await api(local, "GET", `/privacy/requests/${id}`)).json,
    ({ status }) => ["succeeded", "failed", "cancelled"].includes(status),
    // Some passes, with a quarter of a minute between them.
    150_000,
  );

/** A request that was accepted at this time and waited on a queue, a dead-letter queue or in another region until now. */
async function arriveLate({ aws, outputs }: Platform, tenant: string, at: number): Promise<string> {
  const sqs = new SQSClient(aws());
  const events = [ADA, BOB].map((email) => Buffer.from(JSON.stringify({ event_type: "person", user: { email } })));
  const first = newUlid(at, 2);
  const message = {
    tenant,
    first,
    count: 2,
    types: ["person", "person"],
    key_id: "key_1",
    body: { inline: pack(events) },
  };
  const QueueUrl = outputs.ingestQueueUrl as string;
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: encodeIngest(message), MessageGroupId: tenant }));
  sqs.destroy();
  return eventId(ulidAt(first, 1));
}

test("an erasure that is killed halfway still ends, and no file of the state holds the person", async () => {
  const started = startProcess({ state: folder });
  const killed = await started.ready;
  await live(killed);
  const stores = new Set(tracesIn(folder, WANTED).map((name) => name.split("/")[0]));
  // The search is worth something only where it finds what is there.
  assert.deepEqual([...stores].sort(), ["dynamodb", "firehose", "s3", "sqs"]);
  assert.deepEqual([...new Set(tracesIn(folder, ENTRY).map((name) => name.split("/")[0]))].sort(), [
    "dynamodb",
    "redis",
    "sqs",
  ]);
  const asked = await api(killed, "POST", "/privacy/erasures", { subject });
  assert.equal(asked.status, 202);
  const request = asked.json.request_id;
  await eventually(
    async () => (await api(killed, "GET", `/privacy/requests/${request}`)).json,
    ({ progress }) => progress.archived_events > 0,
    60_000,
  );
  process.kill(killed.pid, "SIGKILL");
  assert.equal(await started.ended, "SIGKILL");
  const platform = await startPlatform({ state: folder, port: 0, log: () => undefined });
  try {
    const local = { url: platform.url, api_key: platform.apiKey };
    const { certificate, ...ended } = await done(local, request);
    assert.equal(ended.status, "succeeded");
    assert.equal(certificate.found_by_last_pass, 0);
    // Deliveries of hers that waited to be tried again are over, and those that come only now are none.
    const { deliveries } = (await api(local, "GET", "/deliveries?status=cancelled")).json;
    assert.equal(deliveries.length, 1);
    received.length = 0;
    status = 200;
    const late = await arriveLate(platform, certificate.customer_id, Date.parse(certificate.requested_at) - 60_000);
    await eventually(
      async () => received.some((body) => body.includes(late)),
      (arrived) => arrived,
      60_000,
    );
    assert.deepEqual(
      received.filter((body) => body.includes(ADA)),
      [],
    );
    await platform.scrub();
    assert.deepEqual(tracesIn(folder, [...WANTED, ...ENTRY]), []);
    assert.notDeepEqual(tracesIn(folder, [BOB]), []);
    const { json } = await api(local, "GET", "/inbox");
    assert.deepEqual(
      json.events.map(({ payload }: { payload: { user: { email: string } } }) => payload.user.email),
      [BOB, BOB, BOB],
    );
  } finally {
    await platform.stop();
  }
});

test.run();
