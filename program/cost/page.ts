import type { Graph } from "../graph.ts";
import { billOf, compressionOf, numbersOf, priceDate, servicesOf, totalOf, usualLoad } from "./model.ts";

const dollars = (usd: number): string => `$${Math.round(usd).toLocaleString("en")}`;

/** What was expected when the platform was designed, by events a request. */
const expected: Readonly<Record<number, number>> = { 1: 214_000, 20: 14_000, 100: 9_300 };

/** docs/cost.md. @param prod the prod stack, @param dev the small one */
export function costPage(prod: Graph, dev: Graph): string {
  const bills = [1, 20, 100].map((eventsPerRequest) => {
    const lines = billOf(prod, { ...usualLoad, eventsPerRequest });
    return { eventsPerRequest, lines, total: totalOf(lines) };
  });
  const services = servicesOf(bills[2]!.lines).map(({ service }) => service);
  const of = (lines: (typeof bills)[number]["lines"], service: string) =>
    servicesOf(lines).find((one) => one.service === service)?.usd ?? 0;
  const packed = bills[2]!;
  const month = { ...usualLoad, retentionDays: 7 };
  const small = (eventsPerSecond: number) =>
    totalOf(billOf(dev, { ...usualLoad, eventsPerSecond, eventsPerRequest: 1, retentionDays: 7 }));
  const watching = [1, 100, 10_000].map((watched) => {
    const lines = billOf(prod, { ...usualLoad, watched });
    return { watched, usd: totalOf(lines) - totalOf(billOf(prod, usualLoad)) };
  });
  const rates = [10_000, 100_000, 1_000_000].map((eventsPerSecond) => ({
    eventsPerSecond,
    usd: totalOf(billOf(prod, { ...usualLoad, eventsPerSecond })),
  }));
  const ofAlerting = /^(alert|report|probe)[, ]|^mails of/;
  const alerting = [1, 100, 10_000].map((activeCustomers) => ({
    activeCustomers,
    usd: totalOf(billOf(prod, { ...usualLoad, activeCustomers }).filter(({ what }) => ofAlerting.test(what))),
  }));
  const events = (10_000 * 730 * 3_600) / 1e6;
  const numbers = (
    [
      [10_000, 1],
      [10_000, 20],
      [10_000, 100],
      [100, 1],
      [1, 1],
    ] as const
  ).map(([eventsPerSecond, eventsPerRequest]) => ({
    load: `${eventsPerSecond.toLocaleString("en")} a second, ${eventsPerRequest} a request`,
    ...numbersOf(billOf(prod, { ...usualLoad, eventsPerSecond, eventsPerRequest })),
  }));
  return `# Cost

<!-- Generated from program/cost by \`npm run docs\`. -->

\`npm run cost -- --events-per-second 10000 --events-per-request 100 --event-bytes 1000\` works out the monthly bill of a stack from
the resources that its program declares and list prices of ${priceDate} (\`program/cost/prices.json\`), line by line with the formula. It leaves out the free tier, commitments and discounts. More options: \`--stack\`, \`--deliveries-per-event\`, \`--webhook-ms\`, \`--retention-days\`, \`--pulled-share\`, \`--watched\`, \`--active-customers\`, \`--mails\`, \`--json\`.

## A constant 10,000 events a second of 1 KB, one delivery each, kept 90 days, a tenth of them read from the inbox and acknowledged

| a month | ${bills.map(({ eventsPerRequest }) => `${eventsPerRequest} event${eventsPerRequest === 1 ? "" : "s"} a request`).join(" | ")} |
|---|${bills.map(() => "---:|").join("")}
${services.map((service) => `| ${service} | ${bills.map(({ lines }) => dollars(of(lines, service))).join(" | ")} |`).join("\n")}
| **total** | ${bills.map(({ total }) => `**${dollars(total)}**`).join(" | ")} |
| per million events | ${bills.map(({ total }) => `$${(total / events).toFixed(2)}`).join(" | ")} |
| expected by design | ${bills.map(({ eventsPerRequest }) => dollars(expected[eventsPerRequest]!)).join(" | ")} |

Where the estimate is above the design's, storage is why: it counts 90 days in the table and point-in-time recovery of them, packed at the ratio
measured on orders with random contents (${compressionOf(100).toFixed(1)} times smaller in hundreds, ${compressionOf(1).toFixed(1)} times alone); real events vary. With 7 instead of 90 days in the table the third column is
${dollars(totalOf(billOf(prod, month)))}.

## By rate

The same at other rates, 100 events a request. [capacity.md](capacity.md) says which quotas they need.

| events a second | ${rates.map(({ eventsPerSecond }) => eventsPerSecond.toLocaleString("en")).join(" | ")} |
|---|${rates.map(() => "---:|").join("")}
| a month | ${rates.map(({ usd }) => dollars(usd)).join(" | ")} |

## What dominates, and the lever

${packed.lines
  .slice()
  .sort((a, b) => b.usd - a.usd)
  .slice(0, 5)
  .map(({ service, what, usd, formula }) => `- ${dollars(usd)} ${service}, ${what}: ${formula}`)
  .join("\n")}

In order: pack events into requests (services bill by request or by KB), keep events in the table for as long as somebody
reads them (\`PUT /retention\`; the archive keeps them for a tenth of the price), compress bodies on the way in, and leave
\`triggers:ingestConcurrency\` and \`triggers:pollers\` no larger than the p95 asks for.

## Watching live

A customer whom nobody watches costs nothing for it. \`--watched\` counts customers whom somebody watches day and night, each with one socket
that gets five messages a second:

| customers watched | ${watching.map(({ watched }) => watched.toLocaleString("en")).join(" | ")} |
|---|${watching.map(() => "---:|").join("")}
| more a month | ${watching.map(({ usd }) => dollars(usd)).join(" | ")} |

## Alerts and reports

A customer's rules cost something only in minutes in which the customer sends or receives events. With this many active customers in every minute,
and without the price of SMS, which depends on the country:

| active customers | ${alerting.map(({ activeCustomers }) => activeCustomers.toLocaleString("en")).join(" | ")} |
|---|${alerting.map(() => "---:|").join("")}
| a month | ${alerting.map(({ usd }) => dollars(usd)).join(" | ")} |

## Numbers

The numbers lie in the items of usage, so they cost what they make these larger by. Beside it is what Firehose would cost for a record of facts from each run of route and deliver,
each billed as 5 KB ([why there is none](decisions/metrics.md)):

| events | ${numbers.map(({ load }) => load).join(" | ")} |
|---|${numbers.map(() => "---:|").join("")}
| rows in the items, a month | ${numbers.map(({ rows }) => dollars(rows)).join(" | ")} |
| a stream beside them | ${numbers.map(({ stream }) => dollars(stream)).join(" | ")} |

## Small

The dev stack with one event a second, each in a request of its own, costs about ${dollars(small(1))} a month (\`npm run cost -- --stack dev --events-per-second 1
--events-per-request 1 --retention-days 7\`). Of these ${dollars(small(0.001))} are for what stands idle: the database and its proxy, the cache, interface endpoints, keys and alarms.

## What others list

| | listed | at 10,000 events a second |
|---|---|---|
| Amazon EventBridge with API destinations | $1.00 a million events (64 KB), $0.20 a million calls | ${dollars(events * 1.2)} a month, without inbox, search, replay beyond its archive |
| Hookdeck Event Gateway | from $39 a month at 5 events a second; more at about $1 an event a second, beside the price of events | from $10,000 a month for the rate alone |
| Svix | first paid plan $490 a month; volume by contract | by contract |
| Convoy Cloud | from $99 a month; volume by contract | by contract |

EventBridge from its public price page; the others as an article of 2026 quotes them (dev.to, "The $49–$490 Webhook Pricing Gap"). Prices of others move: check before you
compare.
`;
}
