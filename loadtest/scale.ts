/**
 * `npm run scale -- [--sizes 0,100000,1000000,10000000] [--seconds 20]`: the same questions to platforms that hold more and
 * more events: how soon it starts, how it takes 5,000 events/s, how an inbox is read. Prints a table and each figure against
 * that of the empty store.
 *
 * `npm run scale -- --sizes 0 --state <folder> --keys <keys>` also asks the state that `npm run load -- soak --keep` left.
 *
 * The events are put into the table as route stores them, through the gateway: a tenth of them belongs to the
 * customer that is asked, the rest to nine others.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { readArguments } from "../local/arguments.ts";
import { tenantOf } from "../runtime/domain/identity/identity.ts";
import { newUlid } from "../runtime/domain/ids.ts";
import { prepareCustomers } from "./customers.ts";
import { generate } from "./generator.ts";
import { type LoadReceiver, startReceiver } from "./receiver.ts";
import { scenarios, shortened, warmUp } from "./scenarios.ts";
import { fillerOf, itemsOf } from "./stored.ts";
import { startTarget, type Target } from "./target.ts";

const { values } = readArguments({
  options: {
    sizes: { type: "string", default: "0,100000,1000000,10000000" },
    seconds: { type: "string", default: "20" },
    state: { type: "string" },
    keys: { type: "string" },
  },
});
const sizes = values.sizes.split(",").map(Number);
const seconds = Number(values.seconds);
if (sizes.some((size) => !Number.isInteger(size) || size < 0) || !(seconds > 0)) {
  console.error("--sizes takes whole numbers separated by commas, --seconds a number above 0");
  process.exit(2);
}

const BATCH = 100;
const CUSTOMERS = 10;
const PAGES = 12;

interface Figures {
  /** What the table says is stored. */
  readonly stored: string;
  readonly startMs: number;
  readonly acceptP95Ms: number;
  readonly endToEndP95Ms: number;
  readonly inboxMs: number;
  readonly filteredMs: number;
}

const order = (n: number) => ({
  event_type: ["order.created", "order.paid", "order.shipped", "invoice.sent"][n % 4]!,
  id: n,
  amount: n % 1_000,
  customer: { email: `someone${n % 5_000}@example.com`, name: "A. Customer", city: "Zürich" },
  lines: Array.from({ length: 4 }, (_, i) => ({ sku: `SKU-${(n + i) % 997}`, qty: i + 1, price: 19.9 })),
  note: Math.sin(n).toString(36).repeat(20),
});

/** Fills the table with `size` events, delivered at the first try, over the last ten days. */
async function fill(target: Target, table: string, customers: readonly string[], size: number): Promise<void> {
  const dynamodb = new DynamoDBClient(target.aws!);
  const filler = fillerOf({ dynamodb, name: table });
  const now = Date.now();
  const indexes = Array.from({ length: BATCH }, (_, i) => i);
  for (let n = 0; n < size; n += BATCH) {
    const events = indexes.map((i) => order(n + i));
    const at = now - 864_000_000 + Math.floor((864_000_000 * n) / size);
    const attempts = [{ at, status: 200, latency_ms: 12, error: null }];
    await filler.put(
      itemsOf({
        tenant: tenantOf({ customer_id: customers[(n / BATCH) % CUSTOMERS]!, environment: "live" }),
        first: newUlid(at, BATCH),
        key_id: "key_scale",
        types: events.map(({ event_type }) => event_type),
        payloads: events.map((event) => Buffer.from(JSON.stringify(event))),
        accept_ms: 10,
        deliveries: [{ subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", indexes, attempts }],
      }),
    );
  }
  await filler.end();
  dynamodb.destroy();
}

async function measure(size: number): Promise<Figures> {
  const state = join(mkdtempSync(join(tmpdir(), "triggers-scale-")), "state");
  const receiver = await startReceiver();
  const target = await startTarget(state);
  const customers = await prepareCustomers(target, { ...scenarios.baseline, customers: CUSTOMERS }, receiver.url);
  const { outputs } = JSON.parse(readFileSync(join(state, "gateway.json"), "utf8")) as {
    outputs: { eventsTable: string };
  };
  await fill(
    target,
    outputs.eventsTable,
    customers.map(({ customer_id }) => customer_id!),
    size,
  );
  await target.stop();
  const keys = customers.map(({ key }) => key);
  const figures = await ask(state, size.toLocaleString("en"), keys, receiver);
  rmSync(join(state, ".."), { recursive: true, force: true });
  return figures;
}

/** Asks a state that another run has filled: its endpoint is on a port of its own, where a receiver is started again. */
async function measureKept(state: string, keys: readonly string[]): Promise<Figures> {
  const target = await startTarget(state);
  const { subscriptions } = await get<{ subscriptions: { webhook_url: string }[] }>(target, keys[0]!, "/subscriptions");
  await target.stop();
  return ask(state, "as kept", keys, await startReceiver(Number(new URL(subscriptions[0]!.webhook_url).port)));
}

async function get<T>(target: Target, key: string, path: string): Promise<T> {
  const response = await fetch(`${target.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${path} answered ${response.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as T;
}

async function ask(state: string, stored: string, keys: readonly string[], receiver: LoadReceiver): Promise<Figures> {
  const scenario = shortened({ ...scenarios.baseline, customers: keys.length }, seconds, 0.5);
  const began = performance.now();
  const target = await startTarget(state);
  const first = await fetch(`${target.url}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys[0]!}`, "content-type": "application/json" },
    body: '{"event_type":"order.created"}',
  });
  if (first.status !== 202) throw new Error(`the first event was answered ${first.status}`);
  const startMs = performance.now() - began;

  await generate(target.url, keys, warmUp(scenario));
  receiver.reset();
  const { latency } = await generate(target.url, keys, scenario);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const median = async (path: string): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < PAGES; i += 1) {
      const asked = performance.now();
      await get(target, keys[0]!, path);
      times.push(performance.now() - asked);
    }
    return times.sort((a, b) => a - b)[PAGES >> 1]!;
  };
  const inboxMs = await median("/inbox?limit=1000");
  const filteredMs = await median("/inbox?limit=1000&event_type=order.created&status=delivered");
  await target.stop();
  await receiver.close();
  return {
    stored,
    startMs,
    acceptP95Ms: latency.percentile(0.95),
    endToEndP95Ms: receiver.latency.percentile(0.95),
    inboxMs,
    filteredMs,
  };
}

const shown = (ms: number) => ms.toLocaleString("en", { maximumFractionDigits: ms < 100 ? 1 : 0 });
console.log(
  "| events stored | start to first 202 | POST p95 at 5,000/s | end to end p95 | inbox, newest 1,000 | 1,000 by type and status |",
);
console.log("|---:|---:|---:|---:|---:|---:|");
let base: Figures | undefined;
const runs = sizes.map((size) => () => measure(size));
const { state: kept } = values;
if (kept !== undefined) {
  const keys = values.keys?.split(",");
  if (keys === undefined) throw new Error("--state needs --keys: those of the run that filled it");
  runs.push(() => measureKept(kept, keys));
}
for (const run of runs) {
  const figures = await run();
  const empty = base ?? figures;
  base = empty;
  const cell = (name: Exclude<keyof Figures, "stored">) =>
    `${shown(figures[name])} ms${figures === empty ? "" : ` (${(figures[name] / empty[name]).toFixed(2)}x)`}`;
  console.log(
    `| ${figures.stored} | ${cell("startMs")} | ${cell("acceptP95Ms")} | ${cell("endToEndP95Ms")} | ${cell("inboxMs")} | ${cell("filteredMs")} |`,
  );
}
process.exit(0);
