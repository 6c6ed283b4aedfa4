/**
 * `npm run demo`: an hour of an online shop's events within a minute, through the front door of the running platform, so that its numbers,
 * charts and lists have something to show: a workflow that is slow, one that fails, one that fails at first, one that is gone, events
 * that match no workflow, requests that are refused. `-- --seconds 30` takes as long as it says, and `-- --go-on` goes on for good, at the
 * pace of a shop, until Ctrl-C.
 *
 * `npm run demo -- --payloads`: real webhook payloads through the same door, and the proof that nothing was changed or lost.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../arguments.ts";
import { administratorOf, type GatewayFile, type LocalFile } from "../platform/state.ts";
import { ArchiveReader } from "./demo/archive.ts";
import { ApiClient } from "./demo/client.ts";
import { type DemoRow, runDemo } from "./demo/flow.ts";
import { runShop, type ShopOptions, shopNumbers } from "./demo/shopRun.ts";

const { values } = readArguments({
  options: {
    payloads: { type: "boolean", default: false },
    seconds: { type: "string", default: "60" },
    "go-on": { type: "boolean", default: false },
  },
});
const state = process.env.TRIGGERS_STATE ?? ".triggers";
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds must be a number above 0, not "${values.seconds}"`);

function read<T>(name: string): T {
  try {
    return JSON.parse(readFileSync(join(state, name), "utf8")) as T;
  } catch {
    return fail(`There is no running platform in ${state}: start one with "npm start" in another terminal.`);
  }
}

const local = read<LocalFile>("local.json");
const api = new ApiClient(local.url, local.api_key);
const started = performance.now();
const took = (): string => `${((performance.now() - started) / 1_000).toFixed(1)} s`;

/** Visits that make about as many events as such a shop has in an hour. */
const VISITS = 400;
const HOUR_SECONDS = 3_600;

async function shop(): Promise<void> {
  const from = new Date();
  const options: ShopOptions = { api, sinkUrl: local.sink_url, seconds, visits: VISITS, seed: from.getTime(), say };
  const summary = await runShop(options);
  say(`${summary.accepted} events accepted and ${summary.refused} requests refused, in ${took()}`);
  for (const line of await shopNumbers(api, from, summary)) say(`  ${line}`);
  say(`See them at ${local.console_url}`);
  for (let seed = 1; values["go-on"]; seed += 1) await runShop({ ...options, seconds: HOUR_SECONDS, seed });
}

async function payloads(): Promise<void> {
  const gateway = read<GatewayFile>("gateway.json");
  const archive = new ArchiveReader(administratorOf(gateway), String(gateway.outputs.archiveBucket), new Date());
  const rows: DemoRow[] = await runDemo({
    api,
    sinkUrl: local.sink_url,
    archive,
    run: Date.now().toString(36),
    patienceMs: 60_000,
  });
  archive.close();
  const width = Math.max(...rows.map(({ what }) => what.length));
  for (const { what, expected, found } of rows)
    say(`${found === expected ? "ok  " : "FAIL"} ${what.padEnd(width)} ${String(found).padStart(5)} of ${expected}`);
  const good = rows.every(({ expected, found }) => found === expected);
  say(`${good ? "All as sent" : "Not all as sent"}, in ${took()}.`);
  process.exitCode = good ? 0 : 1;
}

await (values.payloads ? payloads() : shop()).catch((cause: Error) => {
  const refused = (cause.cause as { code?: string } | undefined)?.code === "ECONNREFUSED";
  fail(refused ? `The platform at ${local.url} does not answer: start it with "npm start".` : String(cause.stack));
});
