// group: own platform 2
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { suite } from "uvu";
import { administratorOf, type GatewayFile } from "../../local/platform/state.ts";
import { type Platform, startPlatform } from "../../local/product/platform.ts";
import { type ReceiverServer, startReceiverServer } from "../../local/product/receiver/server.ts";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer } from "../support/platform.ts";
import { runScript } from "../support/process.ts";

/**
 * The rehearsal of docs/restore.md: database, tables and secrets are lost and come back from copies that are older than
 * the last events; queues and buckets are still there. What AWS restores into new stores is here a folder that is put in place.
 */
const test = suite("restore");
/** What is lost, by its place in the state. */
const STORES = ["postgres", "dynamodb", "secretsmanager.json"];

let folder: string;
let copies: string;
let receiver: ReceiverServer;
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "triggers-restore-"));
  copies = mkdtempSync(join(tmpdir(), "triggers-copies-"));
  receiver = await startReceiverServer(0);
});
test.after(async () => {
  await receiver?.close();
  for (const each of [folder, copies]) rmSync(each, { recursive: true, force: true });
});

const start = (): Promise<Platform> => startPlatform({ state: folder, port: 0, log: () => {} });
const copy = (from: string, to: string): void => {
  for (const store of STORES) {
    assert.ok(existsSync(join(from, store)), `${store} is where the copies are made from`);
    cpSync(join(from, store), join(to, store), { recursive: true });
  }
};

const received = async (): Promise<{ event_id: string; payload: unknown }[]> => {
  const { requests } = (await (await fetch(`http://127.0.0.1:${receiver.port}/requests`)).json()) as {
    requests: { body: string }[];
  };
  return requests.flatMap(({ body }) => JSON.parse(body) as { event_id: string; payload: unknown }[]);
};

/** Sends these events in one request. @returns their ids */
async function send({ url }: Platform, key: string, payloads: readonly object[]): Promise<string[]> {
  const body = payloads.map((payload) => ({ event_type: "order.created", ...payload }));
  const { status, json, text } = await call(url, "POST", "/events", { key, body });
  assert.equal(status, 202, text);
  return (json.events as { event_id: string }[]).map(({ event_id }) => event_id);
}
const arrived = (ids: readonly string[]) =>
  eventually(
    async () => (await received()).filter(({ event_id }) => ids.includes(event_id)).length,
    (found) => found >= ids.length,
    30_000,
  );
/** The inbox's events, oldest first, as ids and payloads. */
async function inbox({ url }: Platform, key: string): Promise<[string, unknown][]> {
  const { json } = await call(url, "GET", "/inbox?limit=100", { key });
  return (json.events as { event_id: string; payload: unknown }[])
    .map(({ event_id, payload }): [string, unknown] => [event_id, payload])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
const audit = (platform: Platform, key: string, ...more: string[]) =>
  runScript("operations/auditVerify.ts", ["--url", platform.url, "--key", key, ...more]);

test("a lost database, tables and secrets come back from copies, later events come back from the archive, and deliveries go on", async () => {
  const first = await start();
  const customer = await newCustomer(first, { name: "Restored" });
  const key = customer.api_key;
  const webhook_url = `http://127.0.0.1:${receiver.port}/restore`;
  const made = await call(first.url, "POST", "/subscriptions", {
    key,
    body: { workflow_id: "restore", webhook_url, event_selector: "order.created" },
  });
  assert.equal(made.status, 201, made.text);
  const before = await send(first, key, [{ n: 1 }, { n: 2, amount: "1.10" }]);
  await arrived(before);
  const log = await audit(first, key);
  assert.equal(log.code, 0, log.text);
  const head = log.text.trim().split("\n").at(-1)!;
  await first.stop();
  copy(folder, copies);
  const copied = new Date();

  // Life goes on after the copies were made; this is what a restore has to find elsewhere.
  const second = await start();
  const since = await send(second, key, [{ n: 3, exact: 12345678901234567890n.toString() }]);
  await arrived(since);
  await second.stop();

  for (const store of STORES) rmSync(join(folder, store), { recursive: true });
  copy(copies, folder);

  const restored = await start();
  try {
    // Keys, subscriptions, the audit log and the events of the copies are there.
    const { json } = await call(restored.url, "GET", "/subscriptions", { key });
    assert.deepEqual(
      (json.subscriptions as { subscription_id: string; webhook_url: string }[]).map((one) => [
        one.subscription_id,
        one.webhook_url,
      ]),
      [[made.json.subscription_id, webhook_url]],
    );
    const checked = await audit(restored, key, "--seen", head);
    assert.deepEqual([checked.code, checked.text.includes("unbroken")], [0, true], checked.text);
    const payload = (n: number, more = {}) => ({ event_type: "order.created", n, ...more });
    const old = [
      [before[0], payload(1)],
      [before[1], payload(2, { amount: "1.10" })],
    ];
    assert.deepEqual(await inbox(restored, key), old);

    // What was accepted since is put back from the archive, and delivers nothing by itself.
    const deliveries = (await received()).length;
    const gateway = JSON.parse(readFileSync(join(folder, "gateway.json"), "utf8")) as GatewayFile;
    const lambda = new LambdaClient(administratorOf(gateway));
    const request = { op: "put_back", from: copied.toISOString(), to: new Date().toISOString() };
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: "retain", Payload: JSON.stringify(request) }),
    );
    lambda.destroy();
    assert.equal(FunctionError, undefined, Buffer.from(Payload!).toString());
    const whole = await eventually(
      () => inbox(restored, key),
      (all) => all.length === 3,
      30_000,
    );
    assert.deepEqual(whole, [...old, [since[0], payload(3, { exact: "12345678901234567890" })]]);
    assert.equal((await received()).length, deliveries);

    // And it goes on.
    const later = await send(restored, key, [{ n: 4 }]);
    await arrived(later);
    assert.equal((await inbox(restored, key)).length, 4);
  } finally {
    await restored.stop();
  }
});

test.run();
