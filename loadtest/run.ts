/**
 * `npm run load -- <suite> [--seconds N] [--rate X] [--quotas S] [--node] [--sample N] [--keep]`
 *
 * Runs one suite against the platform at URL (with OPERATOR_KEY or API_KEY, and RECEIVER_URL when it must reach a public
 * receiver), or, when URL is not set, against one it starts itself in a fresh state. k6 generates the load; `--node` uses
 * the generator in this folder instead. Ends with the ledger, a summary, and reports/<suite>.{json,html}. `--keep` leaves the state
 * of the platform it started, and says where.
 *
 * `--quotas 0.02` rehearses the suite in an AWS account on this machine: the platform has that share of AWS's default quotas, and
 * unless `--rate` says otherwise that share of the load comes. Then it says which quota broke first, here and in the capacity model.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../local/arguments.ts";
import { defined } from "../runtime/domain/defined.ts";
import { agreement, agreementText, differs } from "./agreement.ts";
import { archiveOf } from "./archive.ts";
import { loadOf, met, modelled, type QuotasFile, type Rehearsed, requestsOf } from "./capacity/rehearsal.ts";
import { prepareCustomers } from "./customers.ts";
import { type Generated, generate } from "./generator.ts";
import type { Histogram } from "./histogram.ts";
import { type AcceptedRun, balance, lookupWith, parseAccepted, settledBalance } from "./ledger.ts";
import { startQueueDepths } from "./queues.ts";
import { type LoadReceiver, startReceiver } from "./receiver.ts";
import {
  type Chart,
  cpuPerEvent,
  type LoadReport,
  type Percentiles,
  reportHtml,
  reportText,
  usageCharts,
} from "./report.ts";
import { startSampler } from "./sampler.ts";
import { duration, type Scenario, type ScenarioName, scenarios, shortened, warmUp } from "./scenarios.ts";
import { startTarget, type Target } from "./target.ts";

const { values, positionals } = readArguments({
  allowPositionals: true,
  options: {
    seconds: { type: "string" },
    rate: { type: "string" },
    node: { type: "boolean", default: false },
    sample: { type: "string" },
    keep: { type: "boolean", default: false },
    quotas: { type: "string" },
  },
});
const name = positionals[0] as ScenarioName | undefined;
if (name === undefined || scenarios[name] === undefined) {
  console.error(
    `usage: npm run load -- <suite> [--seconds N] [--rate X] [--node]\n${Object.values(scenarios)
      .map((s) => `  ${s.name.padEnd(18)}${s.says}`)
      .join("\n")}`,
  );
  process.exit(2);
}
const scenario: Scenario = shortened(
  scenarios[name],
  Number(values.seconds ?? Number.POSITIVE_INFINITY),
  Number(values.rate ?? values.quotas ?? 1),
);
const gopath = spawnSync("go", ["env", "GOPATH"], { encoding: "utf8" }).stdout?.trim();
const k6 = ["k6", ...(gopath ? [join(gopath, "bin", "k6")] : [])].find(
  (path) => spawnSync(path, ["version"]).status === 0,
);
if (!values.node && k6 === undefined) {
  console.error(
    "k6 is not on PATH. Get it with `go install go.k6.io/k6@v1.8.1`, or use the generator in Node: add --node.",
  );
  process.exit(2);
}

interface Offered {
  readonly runs: readonly AcceptedRun[];
  readonly accept: Percentiles;
  readonly refused: number;
  readonly failed: number;
  readonly dropped: number;
  readonly failures: readonly string[];
}

const percentilesOf = (histogram: Histogram): Percentiles => ({
  p50: histogram.percentile(0.5),
  p95: histogram.percentile(0.95),
  p99: histogram.percentile(0.99),
  max: histogram.max,
});

const offeredBy = ({ runs, latency, refused, failed, dropped, failures }: Generated): Offered => ({
  runs,
  accept: percentilesOf(latency),
  refused,
  failed,
  dropped,
  failures,
});

interface Summary {
  readonly metrics: Readonly<Record<string, { readonly [stat: string]: number }>>;
}

async function withK6(
  target: Target,
  keys: readonly string[],
  folder: string,
  onStart: (pid: number) => void,
): Promise<Offered> {
  const log = join(folder, "console.log");
  const summary = join(folder, "summary.json");
  const args = [
    "run",
    "--quiet",
    `--log-output=file=${log}`,
    "--log-format=raw",
    `--summary-export=${summary}`,
    `loadtest/suites/${name}.ts`,
  ];
  const child = spawn(k6!, args, {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      // On the processors that are measured, k6 need not be thrifty with memory.
      GOGC: "400",
      ...process.env,
      URL: target.url,
      API_KEYS: keys.join(","),
      ...defined({ SECONDS: values.seconds }),
      ...(values.rate === undefined && values.quotas === undefined ? {} : { RATE: values.rate ?? values.quotas }),
      K6_NO_USAGE_REPORT: "true",
    },
  });
  onStart(child.pid!);
  await new Promise((resolve) => child.on("close", resolve));
  const text = readFileSync(log, "utf8");
  const { metrics } = JSON.parse(readFileSync(summary, "utf8")) as Summary;
  const trend = metrics.accept_latency ?? {};
  const count = (metric: string) => metrics[metric]?.count ?? 0;
  return {
    runs: parseAccepted(text),
    accept: { p50: trend.med ?? 0, p95: trend["p(95)"] ?? 0, p99: trend["p(99)"] ?? 0, max: trend.max ?? 0 },
    refused: count("refused_requests"),
    failed: count("failed_requests"),
    dropped: count("dropped_iterations"),
    failures: text
      .split("\n")
      .filter((line) => line.startsWith("failed "))
      .slice(0, 10),
  };
}

/** Waits until nothing new has come for ten seconds, five minutes at most; answers the time of the last event. */
async function drained(receiver: LoadReceiver, expected: () => number): Promise<void> {
  let quietSince = Date.now();
  let seen = -1;
  const until = Date.now() + 300_000;
  while (Date.now() < until && receiver.received.distinct < expected() && Date.now() - quietSince < 10_000) {
    if (receiver.received.distinct !== seen) {
      seen = receiver.received.distinct;
      quietSince = Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function chartsOf(receiver: LoadReceiver): Chart[] {
  const rows = [...receiver.seconds.values()].sort((a, b) => a.second - b.second);
  const first = rows[0]?.second ?? 0;
  const line = (name: string, value: (row: (typeof rows)[number]) => number) => ({
    name,
    points: rows.map((row) => [row.second - first, value(row)] as const),
  });
  return [
    { title: "Events delivered", unit: "per second", series: [line("events", (row) => row.events)] },
    {
      title: "End-to-end latency",
      unit: "ms",
      series: [
        line("p50", (row) => row.latency.percentile(0.5)),
        line("p95", (row) => row.latency.percentile(0.95)),
        line("p99", (row) => row.latency.percentile(0.99)),
      ],
    },
  ];
}

const folder = mkdtempSync(join(tmpdir(), "triggers-load-"));
const receiver = await startReceiver();
const target = await startTarget(join(folder, "state"), values.quotas);
console.log(
  `${name}: ${scenario.says}\n  ${target.url}, ${values.node ? "Node generator" : "k6"}, ${duration(scenario)} s`,
);
const processes: Record<string, number> = {
  generator: process.pid,
  ...defined({ platform: target.pid }),
};
let startedAt = Date.now();
const progress = setInterval(() => {
  const { distinct } = receiver.received;
  process.stdout.write(
    `  ${Math.round((Date.now() - startedAt) / 1000)} s: ${distinct.toLocaleString("en")} events received, p95 ${Math.round(receiver.latency.percentile(0.95))} ms\n`,
  );
}, 10_000);

const customers = await prepareCustomers(target, scenario, process.env.RECEIVER_URL ?? receiver.url);
const keys = customers.map(({ key }) => key);
const preparedAt = new Date();
const warmup = await generate(target.url, keys, warmUp(scenario));
receiver.reset();
startedAt = Date.now();
const sampler = startSampler(processes);
const depths = await startQueueDepths(target);
const offered = values.node
  ? offeredBy(await generate(target.url, keys, scenario))
  : await withK6(target, keys, folder, (pid) => {
      processes.k6 = pid;
    });
const generatedUntil = Date.now();
const countOf = (runs: readonly AcceptedRun[]) => runs.reduce((sum, run) => sum + run.count, 0);
const runs = [...warmup.runs, ...offered.runs];
const accepted = countOf(offered.runs);
await drained(receiver, () => countOf(runs));
clearInterval(progress);
const samples = sampler.stop();
const queueCharts = depths.stop();

const lookup = lookupWith(target.url, keys);
// Beyond a million ids the store is asked about every so many batches; the receiver and the archive about all.
const sample = Number(values.sample ?? Math.ceil(Math.max(1, accepted) / 1_000_000));
const accounts = async () => ({
  runs,
  received: receiver.received,
  lookup,
  sample,
  archive: await archiveOf(target, runs),
});
const ledger = await settledBalance(accounts);
// Of a customer that was there before, the numbers tell more than this run. What is pending is all that may still change.
const isOurs = customers.every(({ customer_id }) => customer_id !== undefined);
const figures = !isOurs
  ? []
  : await agreement(target.url, keys, preparedAt, async () => ({
      requests: runs.length,
      refused: warmup.refused + offered.refused,
      ledger: await balance({ runs, received: receiver.received, lookup, sample: Number.POSITIVE_INFINITY }),
    }));
const seconds = [...receiver.seconds.keys()].sort((a, b) => a - b);
const deliveredSpan = seconds.length === 0 ? 1 : Math.max(1, seconds.at(-1)! - seconds[0]!);
const endToEnd = percentilesOf(receiver.latency);
const findings = [
  ...(ledger.balanced ? [] : [`the ledger does not balance (${ledger.examples.slice(0, 3).join(", ")})`]),
  ...(figures.some(differs) ? [`the platform's numbers do not agree: ${agreementText(figures).trim()}`] : []),
  ...(offered.accept.p95 > scenario.expect.acceptP95Ms
    ? [`POST p95 ${Math.round(offered.accept.p95)} ms exceeds ${scenario.expect.acceptP95Ms} ms`]
    : []),
  ...(endToEnd.p95 > scenario.expect.endToEndP95Ms
    ? [`end to end p95 ${Math.round(endToEnd.p95)} ms exceeds ${scenario.expect.endToEndP95Ms} ms`]
    : []),
  ...(offered.failed > 0 ? [`${offered.failed} requests failed: ${offered.failures[0] ?? ""}`] : []),
  ...(offered.dropped > 0 && !scenario.expect.refusals
    ? [`${offered.dropped} requests were dropped by the generator`]
    : []),
  ...(offered.refused > 0 && !scenario.expect.refusals ? [`${offered.refused} requests were refused`] : []),
];
const offeredSeconds = Math.min(duration(scenario), (generatedUntil - startedAt) / 1000);
const report: LoadReport = {
  suite: name,
  says: scenario.says,
  generator: values.node ? "Node generator" : "k6",
  machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${process.platform}`,
  started_at: new Date(startedAt).toISOString(),
  seconds: offeredSeconds,
  accepted_per_second: accepted / offeredSeconds,
  delivered_per_second: [...receiver.seconds.values()].reduce((sum, row) => sum + row.events, 0) / deliveredSpan,
  accept_ms: offered.accept,
  end_to_end_ms: endToEnd,
  refused: offered.refused,
  failed: offered.failed,
  dropped: offered.dropped,
  cpu_us_per_event: cpuPerEvent(samples, accepted),
  ledger,
  numbers: figures,
  verdict: ledger.balanced ? (findings.length === 0 ? "held" : "missed") : "void",
  findings,
  charts: [...chartsOf(receiver), ...queueCharts, ...usageCharts(samples)],
};
mkdirSync("reports", { recursive: true });
writeFileSync(`reports/${name}.json`, JSON.stringify(report, null, 2));
writeFileSync(`reports/${name}.html`, reportHtml(report));
console.log(`${reportText(report)}\n${agreementText(figures)}\n  reports/${name}.html`);
if (values.quotas !== undefined) {
  const says = (first: Rehearsed["here"]) => (first === undefined ? "none" : `${first.quota}, after ${first.second} s`);
  const offeredPerSecond = accepted === 0 ? 0 : requestsOf(scenario) / duration(scenario);
  const told = JSON.parse(readFileSync(join(folder, "state", "quotas.json"), "utf8")) as QuotasFile;
  const here = met(told, startedAt, offeredPerSecond);
  console.log(
    `  quota that broke first: here ${says(here)}; by the model ${says(modelled(Number(values.quotas), loadOf(scenario)))}`,
  );
}
await target.stop();
await receiver.close();
if (values.keep) console.log(`  state in ${join(folder, "state")}, keys ${keys.join(",")}`);
else rmSync(folder, { recursive: true, force: true });
process.exit(report.verdict === "held" ? 0 : 1);
