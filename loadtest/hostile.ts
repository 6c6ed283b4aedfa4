/**
 * `npm run hostile [-- --seconds 30] [--seed 1] [--only transform]`: what a quiet customer notices of a hostile one.
 *
 * The quiet customer sends an event every 200 ms to an endpoint that answers at once. Beside it a hostile one does its worst, each
 * way by itself and then several at random, at rates that its limits allow. Prints for each how long the quiet one's requests and
 * deliveries took, how much memory the platform has, and what the hostile one was answered. A run in which an event of the quiet customer is missing is void.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { readArguments } from "../local/arguments.ts";
import { defined, mapDefined } from "../runtime/domain/defined.ts";
import { Histogram } from "./histogram.ts";
import { startReceiver } from "./receiver.ts";
import { startTarget } from "./target.ts";

const { values } = readArguments({
  options: {
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now()) },
    /** Words: only attacks whose description has one of them are tried, and no three customers at random. */
    only: { type: "string", multiple: true, default: [] },
  },
});
const seconds = Number(values.seconds);
if (!(seconds >= 5 && seconds <= 600)) {
  console.error("--seconds takes a number from 5 to 600");
  process.exit(2);
}
const dice = xoroshiro128plus(Number(values.seed));

const EVERY_MS = 200;
/** A change of subscriptions, schemas or tables counts for what begins five seconds later. */
const IN_FORCE_MS = 6_000;
const CALM_MS = 60_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const folder = mkdtempSync(join(tmpdir(), "triggers-hostile-"));
const receiver = await startReceiver();
const target = await startTarget(join(folder, "state"));

interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a few members of an unknown answer are read
  readonly json: any;
}

/** Statuses that the hostile customer was answered, since they were last printed. */
const answers = new Map<number, number>();

async function call(key: string, method: string, path: string, body?: unknown): Promise<Answered> {
  const response = await fetch(target.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...defined({ body: mapDefined(body, (body) => (typeof body === "string" ? body : JSON.stringify(body))) }),
  });
  const text = await response.text();
  try {
    return { status: response.status, json: JSON.parse(text) };
  } catch {
    return { status: response.status, json: text };
  }
}

async function customer(name: string): Promise<string> {
  const made = await call(target.operatorKey!, "POST", "/customers", { name });
  if (made.status !== 201) throw new Error(`POST /customers: ${made.status} ${JSON.stringify(made.json)}`);
  return made.json.api_key as string;
}

const quiet = await customer("quiet");
await call(quiet, "POST", "/subscriptions", {
  workflow_id: "quiet",
  webhook_url: `${receiver.url}/ok/quiet`,
  event_selector: "order.*",
});

/** One way to be a burden: what is prepared once, and one act, repeated as fast as it is answered. */
interface Attack {
  readonly says: string;
  prepare(key: string): Promise<void>;
  act(key: string): Promise<Answered>;
}

const ones = (count: number): string => `[${"1,".repeat(count)}1]`;
const heavy = `{"event_type":"heavy","a":${ones(4_000)}}`;
const import_ = (key: string, count: number, selector: (at: number) => object | string, more: object = {}) =>
  call(key, "POST", "/subscriptions/import", {
    subscriptions: Array.from({ length: count }, (_, at) => ({
      workflow_id: `h${at}`,
      webhook_url: `${receiver.url}/ok/hostile/${at}`,
      event_selector: selector(at),
      ...more,
    })),
  });

const attacks: readonly Attack[] = [
  {
    says: "2,000 selectors of nested loops, batches of large arrays",
    prepare: async (key) =>
      void (await import_(key, 2_000, (at) => ({ cel: `event.a.exists(x, event.a.exists(y, x == y + ${at}.5))` }))),
    act: (key) => call(key, "POST", "/events", `[${Array(100).fill(heavy).join(",")}]`),
  },
  {
    says: "2,000 selectors of one loop, batches of large arrays",
    prepare: async (key) => void (await import_(key, 2_000, (at) => ({ cel: `event.a.exists(x, x == ${at}.5)` }))),
    act: (key) => call(key, "POST", "/events", `[${Array(100).fill(heavy).join(",")}]`),
  },
  {
    says: "a schema of 20,000 values, an array of 480,000",
    prepare: async (key) =>
      void (await call(key, "PUT", "/event-types/big", {
        properties: { a: { items: { enum: [...Array(20_000).fill(0), 1] } } },
      })),
    act: (key) => call(key, "POST", "/events", `{"event_type":"big","a":${ones(480_000)}}`),
  },
  {
    says: "dry-runs against 2,000 selectors",
    prepare: async (key) => void (await import_(key, 2_000, (at) => ({ cel: `event.a.exists(x, x == ${at}.5)` }))),
    act: (key) => call(key, "POST", "/events/dry-run", `[${Array(50).fill(heavy).join(",")}]`),
  },
  {
    says: "tests of an endpoint that never answers",
    prepare: async (key) => {
      const made = await call(key, "POST", "/subscriptions", {
        workflow_id: "hang",
        webhook_url: `${receiver.url}/hanging/test`,
        event_selector: "never",
      });
      hanging.set(key, made.json.subscription_id as string);
    },
    act: (key) => call(key, "POST", `/subscriptions/${hanging.get(key)}/test`, {}),
  },
  {
    says: "an endpoint that never answers, batches",
    prepare: async (key) =>
      void (await call(key, "POST", "/subscriptions", {
        workflow_id: "hang",
        webhook_url: `${receiver.url}/hanging/all`,
        event_selector: "order.*",
      })),
    act: (key) => call(key, "POST", "/events", Array(20).fill({ event_type: "order.created", n: 1 })),
  },
  {
    says: "a transform that makes a hundred copies of 900 KB",
    prepare: async (key) =>
      void (await call(key, "POST", "/subscriptions", {
        workflow_id: "copies",
        webhook_url: `${receiver.url}/ok/copies`,
        event_selector: "copy",
        transform: { extract: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`m${at}`, "$.p"])) },
      })),
    act: (key) => call(key, "POST", "/events", { event_type: "copy", p: "x".repeat(900_000) }),
  },
  {
    says: "refused requests, as many as come through",
    prepare: async () => {},
    act: (key) => call(key, "DELETE", "/keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
  },
];
const hanging = new Map<string, string>();

/** One hostile customer's requests, four at a time, with a breath after each, until told to stop. */
function beginAttack(key: string, chosen: readonly Attack[]): () => Promise<void> {
  let going = true;
  const worker = async () => {
    while (going) {
      const attack = chosen[uniformInt(dice, 0, chosen.length - 1)]!;
      const { status } = await attack.act(key).catch(() => ({ status: 0 }));
      answers.set(status, (answers.get(status) ?? 0) + 1);
      await pause(status === 429 || status === 0 ? 250 : 20);
    }
  };
  const workers = Promise.all(Array.from({ length: 4 }, worker));
  return async () => {
    going = false;
    await workers;
  };
}

const ms = (value: number): string => (value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`);

/** Resident memory of the platform. */
const memoryMb = (pid: number): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024);

/** The quiet customer's run. */
async function measure(says: string): Promise<boolean> {
  receiver.reset();
  answers.clear();
  const accept = new Histogram();
  const ids: string[] = [];
  const began = Date.now();
  const sending: Promise<void>[] = [];
  for (let due = began; due < began + seconds * 1_000; due += EVERY_MS) {
    await pause(Math.max(0, due - Date.now()));
    sending.push(
      call(quiet, "POST", "/events", { event_type: "order.created", n: ids.length })
        .then(({ status, json }) => {
          accept.add(Date.now() - due);
          if (status === 202) ids.push(json.event_id as string);
        })
        .catch(() => accept.add(Date.now() - due)),
    );
  }
  await Promise.all(sending);
  for (let waited = 0; waited < 60_000 && missing(ids) > 0; waited += 200) await pause(200);
  const memory = target.pid === undefined ? "" : `   ${memoryMb(target.pid)} MB`;
  const told = [...answers].map(([status, times]) => `${times} x ${status === 0 ? "cut off" : status}`).join(", ");
  console.log(
    `${says.padEnd(58)} POST p95 ${ms(accept.percentile(0.95)).padStart(7)}   end to end p50 ${ms(receiver.latency.percentile(0.5)).padStart(7)}  p95 ${ms(receiver.latency.percentile(0.95)).padStart(7)}   ${ids.length} sent, ${missing(ids)} missing${memory}   ${told}`,
  );
  return missing(ids) === 0;
}

const missing = (ids: readonly string[]): number =>
  ids.filter((id) => !receiver.received.has(id.slice("evt_".length))).length;

const chosen =
  values.only.length === 0 ? attacks : attacks.filter(({ says }) => values.only.some((word) => says.includes(word)));
if (chosen.length === 0) {
  console.error(`--only takes words of these: ${attacks.map(({ says }) => says).join("; ")}`);
  await target.stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(2);
}
console.log(`seed ${values.seed}, ${seconds} s each`);
let whole = true;
await pause(IN_FORCE_MS);
whole = (await measure("nobody else")) && whole;
for (const attack of chosen) {
  const key = await customer(attack.says);
  await attack.prepare(key);
  await pause(IN_FORCE_MS);
  const stop = beginAttack(key, [attack]);
  whole = (await measure(attack.says)) && whole;
  await stop();
}
if (values.only.length === 0) {
  const several = await Promise.all([customer("one"), customer("two"), customer("three")]);
  for (const key of several) for (const attack of attacks.slice(0, 6)) await attack.prepare(key);
  await pause(IN_FORCE_MS);
  const stops = several.map((key) => beginAttack(key, attacks));
  whole = (await measure("three customers, all of it at random")) && whole;
  await Promise.all(stops.map((stop) => stop()));
}
await pause(CALM_MS);
whole = (await measure("nobody else, a minute later")) && whole;
await target.stop();
await receiver.close();
rmSync(folder, { recursive: true, force: true });
if (!whole) console.log("void: events of the quiet customer are missing");
process.exit(whole ? 0 : 1);
