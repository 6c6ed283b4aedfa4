import { join } from "node:path";
import type { LocalFile } from "../../local/platform/state.ts";
import { dice } from "../fuzz/random.ts";
import { call } from "../support/platform.ts";
import type { Started } from "../support/process.ts";
import { type Account, inboxOf, lostOf, settledAccount } from "./account.ts";
import { smallDisk } from "./disks.ts";
import { disturb } from "./disturbing.ts";
import { faults } from "./faults.ts";
import { begin, type Drill, localOf } from "./lives.ts";
import { EVENT_TYPE, newLedger, repeatUnanswered } from "./load.ts";
import { COMPARED_AFTER_MS, miscounted } from "./numbers.ts";
import { startSink } from "./sink.ts";

export interface DrillOptions {
  /** Empty folder, for the state alone. */
  readonly folder: string;
  readonly kills: number;
  readonly seconds: number;
  readonly seed: number;
  /** Names of the faults to draw from. */
  readonly only: readonly string[];
  /** Ends the drill after the fault in hand, with its account. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

export interface DrillReport {
  readonly kills: number;
  readonly lost: number;
  readonly rounds: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** What must not have been, such as starts that failed, with what was said. */
  readonly refusals: readonly string[];
  /** How many calls and connections met each fault of a store. */
  readonly met: Readonly<Record<string, number>>;
  readonly start_ms: { readonly p50: number; readonly most: number };
  readonly answers: Readonly<Record<string, number>>;
  readonly skipped: readonly string[];
  readonly account: Account;
}

/** Each wants every event. */
const ENDPOINTS = ["/clean", "/mixed"];
/** Deliveries to the endpoint that fails now and then may wait for their third attempt; the archive's buffer takes a minute. */
const PATIENCE_MS = 300_000;

export async function drill(options: DrillOptions): Promise<DrillReport> {
  const { folder, say, seed } = options;
  const chance = dice(seed);
  // The order of faults depends on the seed alone; what callers and endpoints draw, on how fast they are, too.
  const order = dice(seed + 2);
  const began = Date.now();
  const sink = await startSink(dice(seed + 1));
  const skipped: string[] = [];
  const onDisk = options.only.filter((name) => faults[name]!.disk);
  const disk = onDisk.length > 0 ? smallDisk(folder) : undefined;
  if (typeof disk === "string") skipped.push(`${onDisk.join(", ")}: ${disk}`);
  const state = join(folder, "state");
  let prepared = false;
  const running: Drill = {
    state,
    ledger: newLedger(),
    dice: chance,
    say,
    disk: typeof disk === "string" ? undefined : disk,
    key: undefined,
    arrived: () => sink.taken("/clean").size,
    uncounted: sink.uncounted,
    kills: 0,
    clockMs: 0,
    furthestMs: 0,
    refusals: [],
    met: new Map(),
    startedIn: [],
    async prepare(local) {
      if (prepared) return;
      prepared = true;
      running.key = await ownCustomer(local);
      for (const endpoint of ENDPOINTS) await subscribe({ ...local, api_key: running.key }, `${sink.url}${endpoint}`);
    },
  };
  const drawn = Object.entries(faults).filter(
    ([name, { disk }]) => options.only.includes(name) && (disk !== true || running.disk !== undefined),
  );
  const urn = drawn.flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));
  const rounds: Record<string, number> = {};
  let last: Started | undefined;
  try {
    // The first one lives long enough for the subscriptions to take effect.
    const first = begin(running);
    await running.prepare(await first.ready);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    process.kill(first.child.pid!, "SIGKILL");
    await first.ended;
    running.kills += 1;
    const over = () =>
      running.kills >= options.kills ||
      Date.now() - began >= options.seconds * 1_000 ||
      options.signal?.aborted === true;
    while (!over()) {
      const name = order.pick(urn);
      await faults[name]!.run(running);
      rounds[name] = (rounds[name] ?? 0) + 1;
      say(`${name}: ${running.kills} kills, ${running.ledger.accepted.size} events accepted`);
    }
    // What was accepted while the clock was ahead shows when that time has come.
    last = begin({ ...running, clockMs: running.furthestMs });
    const local = await localOf(running, last);
    await repeatUnanswered(local, running.ledger);
    const events = await settledAccount(state, local, running.ledger, sink, PATIENCE_MS);
    await disturb(last.child, { clockMs: running.furthestMs + COMPARED_AFTER_MS });
    const { headers } = await call(local.url, "GET", "/openapi.json");
    if (Date.parse(headers.get("date")!) < Date.now() + COMPARED_AFTER_MS / 2)
      running.refusals.push("the platform does not hear what the drill says: nothing has disturbed it");
    const numbers = await miscounted(state, local, await inboxOf(local), ENDPOINTS.length);
    const account = { ...events, miscounted: numbers.off, examples: [...events.examples, ...numbers.wrong] };
    last.child.kill("SIGTERM");
    await last.ended;
    const starts = running.startedIn.sort((a, b) => a - b);
    return {
      kills: running.kills,
      lost: lostOf(account),
      rounds,
      seconds: Math.round((Date.now() - began) / 1_000),
      refusals: running.refusals,
      met: Object.fromEntries([...running.met].sort()),
      start_ms: { p50: Math.round(starts[starts.length >> 1] ?? 0), most: Math.round(starts.at(-1) ?? 0) },
      answers: Object.fromEntries(running.ledger.answers),
      skipped,
      account,
    };
  } finally {
    last?.child.kill("SIGKILL");
    sink.close();
    running.disk?.unmount();
  }
}

/** A customer that may send as fast as the platform takes. @returns its key */
async function ownCustomer({ url, operator_key: key }: LocalFile): Promise<string> {
  const body = { name: "Drill", limit_per_second: 100_000 };
  const { status, text, json } = await call(url, "POST", "/customers", { key, body });
  if (status !== 201) throw new Error(`POST /customers: ${status} ${text}`);
  return json.api_key;
}

async function subscribe(local: LocalFile, webhook_url: string): Promise<void> {
  const body = { workflow_id: webhook_url, webhook_url, event_selector: EVENT_TYPE };
  const { status, text } = await call(local.url, "POST", "/subscriptions", { key: local.api_key, body });
  if (status !== 201) throw new Error(`POST /subscriptions: ${status} ${text}`);
}
