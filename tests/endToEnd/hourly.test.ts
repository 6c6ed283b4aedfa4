// group: shared 1
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { suite } from "uvu";
import { ArchiveReader } from "../../local/product/demo/archive.ts";
import { timeOf } from "../../runtime/domain/ids.ts";
import { rfc3339 } from "../../runtime/domain/time.ts";
import { eventually } from "../support/eventually.ts";
import { type Customer, call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";
import { runScript } from "../support/process.ts";

const test = suite("what the platform does once an hour");
const HOUR = 3_600_000;
let platform: SharedPlatform;
let customer: Customer;
let lambda: LambdaClient;
test.before(async () => {
  platform = await sharedPlatform();
  customer = await newCustomer(platform);
  lambda = new LambdaClient(platform.aws());
});
test.after(() => lambda.destroy());

/** Has the job work on the hours of these events, as an operator would by hand. */
async function work(op: "reconcile" | "access", ids: readonly string[]): Promise<string[]> {
  const hours = [...new Set(ids.map((id) => rfc3339(Math.floor(timeOf(id.slice(4)) / HOUR) * HOUR)))];
  for (const hour of hours) {
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: "retain", Payload: Buffer.from(JSON.stringify({ op, hour })) }),
    );
    assert.equal(FunctionError, undefined, Buffer.from(Payload ?? []).toString());
  }
  return hours;
}

async function send(key: string, events: object[]): Promise<string[]> {
  const { status, json } = await call(platform.url, "POST", "/events", { key, body: events });
  assert.equal(status, 202);
  const ids = json.events.map(({ event_id }: { event_id: string }) => event_id);
  await eventually(
    async () => (await call(platform.url, "POST", "/events/lookup", { key, body: { event_ids: ids } })).json,
    ({ missing }) => missing.length === 0,
  );
  return ids;
}

/** Lines of retain's log with this message, that far written. */
function told(message: string): Record<string, unknown>[] {
  const file = join(platform.folder, "logs", "retain.log");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.includes(`"${message}"`))
    .map((line) => JSON.parse(line.slice(line.indexOf("{"))));
}

/** Compares table and archive. @returns the gaps of the customer that were told so far: environment and events missing */
async function reconcile(ids: readonly string[]): Promise<unknown[]> {
  const before = told("retain.reconciled").length;
  const hours = await work("reconcile", ids);
  await eventually(
    () => told("retain.reconciled").length,
    (lines) => lines >= before + hours.length,
  );
  return told("retain.archive_gap")
    .filter(({ customer_id }) => customer_id === customer.customer_id)
    .map(({ environment, missing }) => [environment, missing]);
}

test("events that the delivery stream lost are found by customer and hour, and put into the archive", async () => {
  const { api_key, sandbox_key } = customer;
  const { firehose, outputs, aws } = platform;
  const kept = await send(api_key, [{ n: 1 }]);
  await firehose.flush();
  const broken = firehose.breakDelivery(0);
  const lost = [...(await send(api_key, [{ n: 2 }, { n: 3 }])), ...(await send(sandbox_key, [{ n: 4 }]))];
  await eventually(
    async () => {
      await firehose.flush();
      return broken.lost();
    },
    (records) => records === 2,
  );
  broken.mend();
  const archive = new ArchiveReader(aws(), String(outputs.archiveBucket), new Date(0));
  const archived = async (ids: readonly string[]) => {
    const text = await archive.read();
    return ids.filter((id) => text.includes(id));
  };
  assert.deepEqual(await archived([...kept, ...lost]), kept);

  const gaps = [
    ["live", 2],
    ["sandbox", 1],
  ];
  assert.deepEqual(await reconcile(lost), gaps);
  assert.deepEqual(await archived([...kept, ...lost]), [...kept, ...lost]);
  // Repaired: nothing new is told.
  assert.deepEqual(await reconcile(lost), gaps);
  archive.close();
});

test("calls become access records, which audit:verify checks with the log", async () => {
  const reader = await newCustomer(platform);
  const key = reader.api_key;
  const ids = await send(key, [{ n: 1 }, { n: 2 }]);
  assert.equal((await call(platform.url, "POST", "/events", { key, body: "no JSON" })).status, 400);
  assert.equal((await call(platform.url, "GET", "/inbox", { key })).status, 200);
  // Refusals are told at once, and counted within three seconds of being routed.
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  const [hour] = await work("access", ids);
  const { status, json } = await call(platform.url, "GET", `/audit/access?hour=${hour}`, { key });
  assert.equal(status, 200);
  const calls = new Map<string, number[]>();
  for (const record of json.records) {
    assert.deepEqual(
      record.source_ips.map(({ address }: { address: string }) => address),
      ["127.0.0.1"],
    );
    for (const { call: name, outcome, requests, events } of record.calls) {
      const [r = 0, e = 0] = calls.get(`${name} ${outcome}`) ?? [];
      calls.set(`${name} ${outcome}`, [r + requests, e + events]);
    }
  }
  assert.deepEqual(calls.get("POST /events ok"), [1, 2]);
  assert.deepEqual(calls.get("POST /events invalid_json"), [1, 0]);
  assert.deepEqual(calls.get("GET /inbox ok"), [1, 2]);
  const verified = await runScript("operations/auditVerify.ts", ["--url", platform.url, "--key", key]);
  assert.match(verified.text, /^\d+ entries, [1-9]\d* access records of 1 hours, unbroken\n/);
  assert.equal(verified.code, 0);
});

test.run();
