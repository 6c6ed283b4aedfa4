import { firstBroken } from "./broken.ts";
import { keyedSection } from "./keyed.ts";
import { type QuotaName, type Quotas, remedies } from "./quotas.ts";
import type { Outcome } from "./simulate.ts";

/** One simulated run. */
export interface Row {
  readonly rate: number;
  readonly load: string;
  readonly account: "default" | "raised";
  readonly quotas: Quotas;
  readonly outcome: Outcome;
}

/** One run of the local platform, measured and simulated. */
export interface Comparison {
  readonly rate: number;
  readonly measured: { readonly acceptP95Ms: number; readonly endToEndP95Ms: number; readonly perSecond: number };
  readonly simulated: { readonly acceptP95Ms: number; readonly endToEndP95Ms: number; readonly perSecond: number };
}

const firstOf = ({ felt, broke }: Outcome) => firstBroken<QuotaName>(broke, (quota) => felt.get(quota)?.times ?? 0);

const peak = ({ backlog }: Outcome): number => Math.max(0, ...backlog.map(({ route, deliver }) => route + deliver));
const ms = (value: number): string =>
  value >= 10_000
    ? `${Math.round(value / 1_000).toLocaleString("en")} s`
    : `${Math.round(value).toLocaleString("en")} ms`;
const share = (part: number, whole: number): string => (part === 0 ? "0" : `${((100 * part) / whole).toFixed(1)} %`);
const drained = ({ drainSeconds }: Outcome): string =>
  drainSeconds === undefined ? "over 15 min" : `${drainSeconds} s`;

/** One run as a line on the console. */
export function line({ rate, load, account, outcome }: Row): string {
  const first = firstOf(outcome);
  return [
    `${rate.toLocaleString("en").padStart(9)} events/s ${load.padEnd(8)} ${account.padEnd(7)}`,
    `POST p95 ${ms(outcome.accept.percentile(0.95))}`,
    `end to end p95 ${ms(outcome.endToEnd.percentile(0.95))}`,
    `refused ${share(outcome.refused, outcome.requests)}`,
    `backlog ${peak(outcome).toLocaleString("en")}`,
    `drained ${drained(outcome)}`,
    first === undefined
      ? "no quota breaks"
      : `first to break: ${first.quota} at ${first.second} s (${remedies[first.quota].remedy})`,
  ].join("; ");
}

function comparison({ rate, measured, simulated }: Comparison): string {
  const row = (name: string, { perSecond, acceptP95Ms, endToEndP95Ms }: Comparison["measured"]) =>
    `| ${rate.toLocaleString("en")} | ${name} | ${Math.round(perSecond).toLocaleString("en")} | ${ms(acceptP95Ms)} | ${ms(endToEndP95Ms)} |`;
  return `${row("measured", measured)}\n${row("simulated", simulated)}`;
}

function chart({ rate, load, account, outcome }: Row): string {
  const every = Math.max(1, Math.ceil(outcome.backlog.length / 30));
  const points = outcome.backlog.filter((_, i) => i % every === 0);
  return [
    "```mermaid",
    "xychart-beta",
    `  title "${load} to ${rate.toLocaleString("en")} events/s, ${account} quotas: requests waiting"`,
    `  x-axis "seconds" [${points.map(({ second }) => second).join(", ")}]`,
    `  y-axis "requests"`,
    `  line [${points.map(({ route, deliver }) => route + deliver).join(", ")}]`,
    "```",
  ].join("\n");
}

/** docs/capacity.md. */
export function capacityPage(
  rows: readonly Row[],
  load: { eventsPerRequest: number; eventBytes: number; seconds: number },
  comparisons: readonly Comparison[],
  machine: string,
): string {
  const table = rows.map(({ rate, load: name, account, outcome }) => {
    const first = firstOf(outcome);
    return `| ${rate.toLocaleString("en")} | ${name} | ${account} | ${ms(outcome.accept.percentile(0.95))} | ${ms(outcome.endToEnd.percentile(0.95))} | ${share(outcome.refused, outcome.requests)} | ${peak(outcome).toLocaleString("en")} | ${drained(outcome)} | ${first === undefined ? "none" : `${first.quota} at ${first.second} s`} |`;
  });
  const felt = [...new Set(rows.flatMap(({ outcome }) => [...outcome.felt.keys()]))].sort();
  const raised = rows.filter(({ account, load: name }) => account === "raised" && name === "steady");
  const quotaNames = Object.keys(raised[0]?.quotas ?? {}) as QuotaName[];
  const charts = rows.filter(({ outcome, account }) => account === "default" && peak(outcome) > 100).slice(0, 6);
  return `# Capacity

What a deployment does at 10,000, 100,000 and 1,000,000 events a second, by a discrete-event simulation of the deployed
program under AWS's quotas and ramp rates. This page is written by \`npm run capacity -- --write\`; ask it about your own
load with \`npm run capacity -- --events-per-second 50000 --events-per-request 20\`.

Here: ${load.eventsPerRequest} events a request, ${load.eventBytes} bytes an event, ${load.seconds} s. *steady* is the whole
rate from the first second (a launch without warming up), *spike* a tenth of it with ten times that for 30 s, *failover*
half of it until the other region's half comes too after a minute. *default* is a new account; *raised* is the account
with the quotas of the second table.

| events/s | load | quotas | POST p95 | end to end p95 | refused | most waiting | drained after | first quota to break |
|---:|---|---|---:|---:|---:|---:|---:|---|
${table.join("\n")}

A quota breaks when it holds back more than a twentieth of the requests for three seconds on end; what it only brushes is
listed further down. An archive stream that is short delays no delivery: its events are archived when their message is tried
again, minutes later. Refused requests are answered 429 or 503, and none of them was accepted. End to end counts every accepted
request. What the prod stack costs at each of these rates is in [cost.md](cost.md#by-rate).

## What to have raised

| quota | ${raised.map(({ rate }) => rate.toLocaleString("en")).join(" | ")} | what it is |
|---|${raised.map(() => "---:").join("|")}|---|
${quotaNames.map((name) => `| ${name} | ${raised.map(({ quotas }) => quotas[name].toLocaleString("en")).join(" | ")} | ${remedies[name].source} |`).join("\n")}

## When a quota is felt

${felt.map((name) => `- **${name}**: ${remedies[name].remedy} (${remedies[name].source}).`).join("\n")}

${charts.map(chart).join("\n\n")}

${keyedSection()}
## On this machine, with a share of the quotas

\`npm start -- --quotas 0.02\` gives the stand-ins a fiftieth of an ordinary account: DynamoDB refuses by partition, index and
table, Firehose by bytes, Lambda by concurrency and ramp (what runs at the edge takes from the same pool, one environment for ten
requests a second), mappings have AWS's pollers, KMS and SQS their bounds. \`npm run load -- baseline --quotas 0.02\` sends a fiftieth
of the load to it and says which quota broke first, there and in the simulation; a test holds the two together. In batches
of a hundred it is Firehose's bytes, one event a request the concurrency.

## How far off it is

The same simulation with one more resource, the two processors of ${machine}, and with the processor time that one request took
there at the first rate of the table (\`loadtest/capacity/measured.json\`), against \`npm run load\` (the second is the end of its
ramp, which lasts three minutes). AWS's quotas play no part there, so what this checks is the model of queues, mappings and
batches. Below saturation its POST p95 is a third below what was measured and its end to end p95 a sixth above; beyond, it lets a
twentieth more in and makes them wait three to ten times as long: it refuses nothing, whereas the local platform refuses what
would wait for over a second (docs/decisions/overload.md), and k6 stops at 600 requests under way.

| events/s offered | | accepted/s | POST p95 | end to end p95 |
|---:|---|---:|---:|---:|
${comparisons.map(comparison).join("\n")}
`;
}
