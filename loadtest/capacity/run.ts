/**
 * `npm run capacity -- --events-per-second 100000 [--events-per-request 100] [--event-bytes 1000] [--load steady|spike|failover]
 *    [--seconds 300] [--region us-east-1] [--quota name=value …] [--write]`
 *
 * Simulates the deployment under its quotas and says what p95, backlog and refusals to expect, which quota is felt first
 * and which setting moves it. Without --events-per-second it answers the three loads at 10,000, 100,000 and 1,000,000
 * events a second, with an ordinary account's quotas and with those raised as docs/capacity.md proposes; `--write` renews
 * that page.
 */
import { writeFileSync } from "node:fs";
import { readArguments } from "../../local/arguments.ts";
import { compareWithMeasured } from "./local.ts";
import measured from "./measured.json" with { type: "json" };
import { capacityPage, line, type Row } from "./page.ts";
import { defaultQuotas, defaultQuotasIn, type QuotaName, type Quotas, raised } from "./quotas.ts";
import { type Load, simulate } from "./simulate.ts";

const { values } = readArguments({
  options: {
    "events-per-second": { type: "string" },
    "events-per-request": { type: "string", default: "100" },
    "event-bytes": { type: "string", default: "1000" },
    load: { type: "string" },
    seconds: { type: "string", default: "300" },
    quota: { type: "string", multiple: true, default: [] },
    region: { type: "string", default: "us-east-1" },
    write: { type: "boolean", default: false },
  },
});

const number = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) {
    console.error(`--${name} must be a number above 0, not "${text}"`);
    process.exit(2);
  }
  return value;
};

const seconds = number("seconds", values.seconds);
const eventsPerRequest = number("events-per-request", values["events-per-request"]);
const eventBytes = number("event-bytes", values["event-bytes"]);

const loads = {
  /** The rate, at once and throughout: a launch. */
  steady: (rate: number) => () => rate,
  /** A tenth of it, and ten times that for 30 seconds after one minute. */
  spike: (rate: number) => (second: number) => (second >= 60 && second < 90 ? rate : rate / 10),
  /** Half of it, until the other region fails after one minute and its half comes too. */
  failover: (rate: number) => (second: number) => (second >= 60 ? rate : rate / 2),
} as const;
type LoadName = keyof typeof loads;

const loadOf = (name: LoadName, eventsPerSecond: number): Load => ({
  eventsPerRequest,
  eventBytes,
  compression: 0.3,
  fanOut: 1,
  busiest: 0.1,
  requestsPerSecond: loads[name](eventsPerSecond / eventsPerRequest),
  seconds,
  concurrentPosts: 25,
});

function overridden(quotas: Quotas): Quotas {
  const changed = { ...quotas };
  for (const setting of values.quota) {
    const [name, value] = setting.split("=");
    if (name === undefined || !(name in defaultQuotas)) {
      console.error(`--quota takes ${Object.keys(defaultQuotas).join(", ")}; not "${name}"`);
      process.exit(2);
    }
    changed[name as QuotaName] = number(`quota ${name}`, value ?? "");
  }
  return changed;
}

const names = values.load === undefined ? (Object.keys(loads) as LoadName[]) : [values.load as LoadName];
if (names.some((name) => loads[name] === undefined)) {
  console.error(`--load takes ${Object.keys(loads).join(", ")}`);
  process.exit(2);
}
const rates =
  values["events-per-second"] === undefined
    ? [10_000, 100_000, 1_000_000]
    : [number("events-per-second", values["events-per-second"])];

const rows: Row[] = [];
for (const rate of rates) {
  for (const name of names) {
    for (const account of ["default", "raised"] as const) {
      const quotas = overridden(
        account === "default" ? defaultQuotasIn(values.region) : raised(rate, eventsPerRequest, eventBytes),
      );
      const row: Row = { rate, load: name, account, quotas, outcome: simulate(quotas, loadOf(name, rate)) };
      rows.push(row);
      console.log(line(row));
    }
  }
}
if (values.write)
  writeFileSync(
    "docs/capacity.md",
    capacityPage(rows, { eventsPerRequest, eventBytes, seconds }, compareWithMeasured(), measured.machine),
  );
process.exit(0);
