/**
 * `npm run cost -- --events-per-second 10000 --events-per-request 100 --event-bytes 1000 [--stack prod]
 * [--deliveries-per-event 1] [--webhook-ms 100] [--retention-days 90] [--pulled-share 0.1]
 * [--watched 0] [--active-customers 1] [--mails 1000] [--json]`: the monthly bill, line by line.
 */

import { readArguments } from "../../local/arguments.ts";
import { graphOf, stackConfig } from "../graph.ts";
import { billOf, type Load, priceDate, servicesOf, totalOf, usualLoad } from "./model.ts";

const numbers = {
  "events-per-second": "eventsPerSecond",
  "events-per-request": "eventsPerRequest",
  "event-bytes": "eventBytes",
  "deliveries-per-event": "deliveriesPerEvent",
  "webhook-ms": "webhookMs",
  "retention-days": "retentionDays",
  "pulled-share": "pulledShare",
  watched: "watched",
  "active-customers": "activeCustomers",
  mails: "mails",
} as const satisfies Record<string, keyof Load>;

const { values } = readArguments({
  options: {
    stack: { type: "string", default: "prod" },
    json: { type: "boolean", default: false },
    ...(Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: "string" }])) as Record<
      keyof typeof numbers,
      { type: "string" }
    >),
  },
});

/** @throws Error naming what is not a positive number */
function loadOf(given: Partial<Record<keyof typeof numbers, string>>): Load {
  const load: Record<string, number> = { ...usualLoad };
  for (const [option, member] of Object.entries(numbers)) {
    const text = given[option as keyof typeof numbers];
    if (text === undefined) continue;
    const value = Number(text);
    const least = ["deliveriesPerEvent", "webhookMs", "watched", "activeCustomers", "mails"].includes(member)
      ? 0
      : Number.MIN_VALUE;
    if (!Number.isFinite(value) || value < least) throw new Error(`--${option} is "${text}", not a positive number`);
    load[member] = value;
  }
  return load as unknown as Load;
}

const dollars = (usd: number): string => `$${usd.toLocaleString("en", { maximumFractionDigits: usd < 100 ? 2 : 0 })}`;

try {
  const load = loadOf(values);
  const lines = billOf(await graphOf(values.stack, stackConfig(values.stack)), load);
  const total = totalOf(lines);
  if (values.json) {
    console.log(JSON.stringify({ stack: values.stack, prices: priceDate, load, total, lines }, null, 2));
  } else {
    const sorted = [...lines].sort((a, b) => b.usd - a.usd);
    console.log(`${values.stack}, ${JSON.stringify(load)}, list prices of ${priceDate}\n`);
    for (const { service, what, usd, formula } of sorted)
      console.log(`${dollars(usd).padStart(10)}  ${`${service}: ${what}`.padEnd(52)} ${formula}`);
    console.log(`${dollars(total).padStart(10)}  a month, of which`);
    for (const { service, usd } of servicesOf(lines).slice(0, 3))
      console.log(`${dollars(usd).padStart(10)}  ${service} (${Math.round((usd / total) * 100)} %)`);
  }
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
