/**
 * What a stack costs a month, line by line: what it declares, times what a load makes of it, times a dated price table.
 * Pure; every line carries the formula that it was worked out by.
 */

import { at } from "../../policies/rule.ts";
import type { Declared, Graph } from "../graph.ts";
import prices from "./prices.json" with { type: "json" };

export interface Load {
  readonly eventsPerSecond: number;
  readonly eventsPerRequest: number;
  readonly eventBytes: number;
  /** Matching subscriptions an event. */
  readonly deliveriesPerEvent: number;
  /** Milliseconds that an endpoint takes to answer. */
  readonly webhookMs: number;
  /** Days that events stay in the table. */
  readonly retentionDays: number;
  /** Customers whom somebody watches live, in the mean over the month. */
  readonly watched: number;
  /** Customers that do something in a mean minute: their alert rules are looked at. */
  readonly activeCustomers: number;
  /** Mails of alerts and reports in a month. */
  readonly mails: number;
  /** Share of requests whose events are read from the inbox, and acknowledged, by batch. */
  readonly pulledShare: number;
}

export const usualLoad: Load = {
  eventsPerSecond: 10_000,
  eventsPerRequest: 100,
  eventBytes: 1_000,
  deliveriesPerEvent: 1,
  webhookMs: 100,
  retentionDays: 90,
  watched: 0,
  activeCustomers: 1,
  mails: 1_000,
  pulledShare: 0.1,
};

export interface Line {
  readonly service: string;
  readonly what: string;
  readonly usd: number;
  readonly formula: string;
}

type Price = keyof typeof prices.tiers;

const HOURS = 730;
const SECONDS = HOURS * 3_600;
const GB = 1_000_000_000;

/** Price of so many units, each tier at its own rate. */
export function priceOf(price: Price, units: number): number {
  let [usd, from] = [0, 0];
  for (const [end, rate] of prices.tiers[price] as [number | null, number][]) {
    const here = Math.max(0, Math.min(units, end ?? Number.POSITIVE_INFINITY) - from);
    usd += here * rate;
    from = end ?? from;
  }
  return usd;
}

/**
 * How much smaller packed events are: measured with runtime/domain/codec/pack.ts on orders of 750 bytes with random names, ids
 * and amounts (2.07 for one, 4.65 for 20, 5.04 for 100), between those by the logarithm of their number.
 */
export function compressionOf(eventsPerRequest: number): number {
  const measured = [
    [1, 2.07],
    [20, 4.65],
    [100, 5.04],
  ] as const;
  const after = measured.findIndex(([events]) => events >= eventsPerRequest);
  if (after === 0) return measured[0][1];
  if (after === -1) return measured[2][1];
  const [[e0, r0], [e1, r1]] = [measured[after - 1]!, measured[after]!];
  return r0 + ((r1 - r0) * Math.log(eventsPerRequest / e0)) / Math.log(e1 / e0);
}

/** Milliseconds of a run beside waiting: measured per request and per event on the local platform's workers. */
const runMs = {
  edge: 5,
  ingest: (events: number) => 12 + 0.02 * events,
  route: (events: number) => 25 + 0.02 * events,
  deliver: (events: number) => 20 + 0.01 * events,
};

/**
 * Messages that an invocation gets: ten where they come so fast that ten always wait, two at a hundred a second, since without
 * a batching window a poller hands over what it finds.
 */
const messagesPerRun = (messagesPerSecond: number): number => Math.min(10, Math.max(1, messagesPerSecond / 50));
/** An environment that is always busy writes its counts so often a second: runtime/aws/collect.ts. */
const COUNTS_PER_SECOND = 1;
/** Units of an item of counts: some types, subscriptions and latencies. */
const COUNT_UNITS = 2;
/** Units that rows of metrics add to it: 80 rows are 1.2 KB, 900 are 3.7 KB (docs/decisions/metrics.md). */
const ROW_UNITS = 2;
/** Seconds in which an hour of a customer is taken into the cube: the bench `counters/metrics` folds a day in less. */
const FOLD_SECONDS = 1;
/** What somebody who watches a busy customer gets in a second: figures once, and some of what happens; 50 at most. */
const MESSAGES_SHOWN = 5;
/** Rounds of sending in a second of a watched customer: one of route's, one of deliver's. */
const SENDINGS = 2;
/** Figures are sent by one environment for each group of customers, for as long as something happens: runtime/sockets/connections.ts. */
const FIGURE_GROUPS = 64;
/** Milliseconds of a round. */
const SENDING_MS = 60;
/** Reads and writes of the table of sockets, in units, that a round of sending takes. */
const SENDING_UNITS = 4;
/** A call of SQS carries so many messages, and is billed as a request for each 64 KB that it carries. Source: "Amazon SQS pricing". */
const MESSAGES_PER_CALL = 10;
const SQS_CHUNK = 65_536;
/** Milliseconds of looking at a minute's rules, of one customer more (bench `alerts`), of a minute without a report, and of a probe. */
const MINUTE_RUN_MS = { alert: 300, customer: 1, report: 100, probe: 300 } as const;
/** Read units of looking at a minute beside customers: marks of the last minutes, how far it has come, what the probe found. */
const MARK_UNITS = 10;
/** A poller hands over so many invocations a second. Source: Lambda guide, "Provisioned mode" of SQS event sources. */
const RUNS_PER_POLLER = 10;

const counted = (n: number): string =>
  n >= 1e6
    ? `${(n / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} M`
    : n.toLocaleString("en", { maximumFractionDigits: 1 });

/** Firehose bills each record as a multiple of 5 KB. Source: "Amazon Data Firehose pricing". */
const RECORD_BYTES = 5 * 1_024;

/** What the numbers add to the items of usage, and what a stream would cost that had a record of facts from each invocation. @param lines of a bill */
export function numbersOf(lines: readonly Line[]): { readonly rows: number; readonly stream: number } {
  const usd = (wanted: RegExp) => totalOf(lines.filter(({ service, what }) => wanted.test(`${service}: ${what}`)));
  const runs = usd(/^Lambda: (route|deliver), requests$/) / priceOf("lambda_request", 1);
  return {
    rows: usd(/^DynamoDB: metrics, in the same items$/),
    stream: priceOf("firehose_gb", (runs * RECORD_BYTES) / GB),
  };
}

/** What a table's units and bytes are billed as, by its class. */
const tablePrices = {
  standard: { write: "dynamodb_write_unit", read: "dynamodb_read_unit", stored: "dynamodb_gb_month" },
  infrequent: { write: "dynamodb_ia_write_unit", read: "dynamodb_ia_read_unit", stored: "dynamodb_ia_gb_month" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Price>>>>;

/** The bill of a stack under a load. */
export function billOf(graph: Graph, load: Load): readonly Line[] {
  const of = (type: string): readonly Declared[] => graph.resources.filter((one) => one.type === type);
  const memoryGb = (name: string): number =>
    Number(of("aws:lambda/function:Function").find((one) => one.name === name)?.inputs.memorySize ?? 0) / 1_024;
  const lines: Line[] = [];
  const line = (service: string, what: string, price: Price, units: number, formula: string) => {
    const usd = priceOf(price, units);
    if (units > 0) lines.push({ service, what, usd, formula: `${formula} = ${counted(units)}` });
  };
  const perHour = (service: string, what: string, kind: string, count: number) => {
    const rate = (prices.hourly as Record<string, number>)[kind];
    if (rate === undefined) throw new Error(`${kind}: not in program/cost/prices.json`);
    lines.push({ service, what, usd: rate * HOURS * count, formula: `${count} x ${kind} x ${HOURS} h x $${rate}` });
  };

  const { eventsPerSecond, eventsPerRequest, eventBytes, deliveriesPerEvent, webhookMs, retentionDays } = load;
  const events = eventsPerSecond * SECONDS;
  const requests = events / eventsPerRequest;
  const bodyGb = (events * eventBytes) / GB;
  const packed = (eventsPerRequest * eventBytes) / compressionOf(eventsPerRequest) + 300;
  const message = packed * (4 / 3) + 500;
  const batches = requests * deliveriesPerEvent;

  line("CloudFront", "requests", "cloudfront_https_request", requests, "events / events a request");
  line("CloudFront", "function that guards identity headers", "cloudfront_function", requests, "requests");
  const acls = of("aws:wafv2/webAcl:WebAcl");
  if (acls.length > 0) {
    const rules = acls.reduce((sum, { inputs }) => sum + (inputs.rules as unknown[]).length, 0);
    line("WAF", "web ACLs", "waf_acl_month", acls.length, "web ACLs");
    line("WAF", "rules", "waf_rule_month", rules, "rules");
    line("WAF", "requests looked at", "waf_request", requests, "requests");
  }
  line("CloudFront", "asking which region takes events in", "cloudfront_kvs_read", requests, "requests");
  line("CloudFront", "bodies to the region", "cloudfront_to_origin_gb", bodyGb, "events x bytes, GB");
  line(
    "CloudFront",
    "answers",
    "cloudfront_out_gb",
    (events * 60 + requests * 400) / GB,
    "events x 60 B + requests x 400 B, GB",
  );
  line("Lambda@Edge", "requests", "edge_request", requests, "requests");
  line(
    "Lambda@Edge",
    "run time",
    "edge_gb_second",
    (requests * runMs.edge * memoryGb("authenticate")) / 1_000,
    `requests x ${runMs.edge} ms x memory, GB s`,
  );
  const run = (name: string, runs: number, ms: number) => {
    line("Lambda", `${name}, requests`, "lambda_request", runs, "runs");
    line(
      "Lambda",
      `${name}, run time`,
      "lambda_arm_gb_second",
      (runs * ms * memoryGb(name)) / 1_000,
      `runs x ${ms.toFixed(0)} ms x ${memoryGb(name)} GB, GB s`,
    );
  };
  /** Runs of a function that works a queue off, each of so many messages and milliseconds. */
  const runsOf = (messages: number, msOf: (events: number) => number) => {
    const each = messagesPerRun(messages / SECONDS);
    return { each, runs: messages / each, ms: msOf(eventsPerRequest * each) };
  };
  const route = runsOf(requests, runMs.route);
  const deliver = runsOf(batches, (of) => runMs.deliver(of) + webhookMs);
  run("ingest", requests, runMs.ingest(eventsPerRequest));
  run("route", route.runs, route.ms);
  run("deliver", deliver.runs, deliver.ms);
  for (const warm of of("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")) {
    const name = warm.name.replace(/-warm$/, "");
    const count = Number(warm.inputs.provisionedConcurrentExecutions);
    line(
      "Lambda",
      `${name}, kept warm`,
      "lambda_arm_warm_gb_second",
      count * memoryGb(name) * SECONDS,
      `${count} x ${memoryGb(name)} GB x ${SECONDS} s, GB s`,
    );
  }
  const pollers = of("aws:lambda/eventSourceMapping:EventSourceMapping").reduce((sum, { name, inputs }) => {
    const least = at(inputs, "provisionedPollerConfig.minimumPollers");
    if (least === undefined) return sum;
    const { runs } = name.startsWith("route-ingest") ? route : deliver;
    return sum + Math.max(Number(least), Math.ceil(runs / SECONDS / RUNS_PER_POLLER));
  }, 0);
  line(
    "Lambda",
    "pollers",
    "poller_hour",
    pollers * HOURS,
    `${pollers} pollers (the least, or one for ${RUNS_PER_POLLER} runs a second) x ${HOURS} h`,
  );

  /** What sending or receiving one message is billed as, in calls of so many messages. */
  const chunksOf = (together: number) => Math.ceil((together * message) / SQS_CHUNK) / together;
  /** @param sent messages in a call that sends @param received by a run that works them off, which deletes them together */
  const queueCalls = (messages: number, sent: number, received: number) =>
    messages * (chunksOf(sent) + chunksOf(received) + 1 / received);
  const billed = (sent: number, received: number) =>
    `chunks of 64 KB: ${chunksOf(sent).toFixed(1)} sent (${sent.toFixed(0)} a call) + ${chunksOf(received).toFixed(1)} received + ${(1 / received).toFixed(1)} deletes`;
  line(
    "SQS",
    "accepted requests",
    "sqs_request",
    queueCalls(requests, 1, route.each),
    `requests x ${billed(1, route.each)}`,
  );
  const together = Math.min(MESSAGES_PER_CALL, Math.max(1, route.each * deliveriesPerEvent));
  line(
    "SQS",
    "deliveries",
    "sqs_request",
    queueCalls(batches, together, deliver.each),
    `deliveries x ${billed(together, deliver.each)}`,
  );

  const classOfEvents = of("aws:dynamodb/table:Table").find(({ name }) => name === "events-table")?.inputs.tableClass;
  const eventsTable = tablePrices[classOfEvents === "STANDARD_INFREQUENT_ACCESS" ? "infrequent" : "standard"];
  const batchUnits = Math.ceil((packed + 200) / 1_024);
  line("DynamoDB", "batches", eventsTable.write, requests * batchUnits, `requests x ${batchUnits} unit(s) of 1 KB`);
  line("DynamoDB", "delivery states", eventsTable.write, batches, "deliveries x 1 unit");
  const keptGb = ((requests * (packed + 300) + batches * 400) / GB) * (retentionDays / (HOURS / 24));
  line(
    "DynamoDB",
    `storage over ${retentionDays} days`,
    eventsTable.stored,
    keptGb,
    "bytes a month x retention / month, GB",
  );
  line("DynamoDB", "point-in-time recovery", "dynamodb_recovery_gb_month", keptGb, "the same GB");

  const record = Math.ceil((message + 200) / 5_120) * 5_120;
  const firehoseGb = (requests * record) / GB;
  line("Firehose", "records", "firehose_gb", firehoseGb, `requests x ${record / 1_024} KB (rounded up by 5), GB`);
  line("Firehose", "partitioning by customer", "firehose_partitioned_gb", firehoseGb, "the same GB");
  line("S3", "archive, first year's average", "s3_gb_month", ((requests * packed) / GB) * 6, "bytes a month x 6, GB");
  line(
    "Data transfer",
    "webhooks to the internet",
    "internet_out_gb",
    bodyGb * deliveriesPerEvent,
    "events x bytes x deliveries, GB",
  );
  const invocations = requests + route.runs + deliver.runs;
  const countsOf = ({ runs, ms }: typeof route) => {
    const perSecond = runs / SECONDS;
    const environments = Math.max(1, (perSecond * ms) / 1_000);
    return Math.min(perSecond, environments * COUNTS_PER_SECOND) * SECONDS;
  };
  line(
    "DynamoDB",
    "usage counts",
    "dynamodb_write_unit",
    (countsOf(route) + countsOf(deliver)) * COUNT_UNITS,
    `busy environments of route and deliver x ${COUNTS_PER_SECOND} a second x ${COUNT_UNITS} units`,
  );
  line(
    "DynamoDB",
    "metrics, in the same items",
    "dynamodb_write_unit",
    (countsOf(route) + countsOf(deliver)) * ROW_UNITS,
    `the same puts x ${ROW_UNITS} units of rows`,
  );
  if (of("aws:athena/workgroup:Workgroup").length > 0) {
    line("S3", "the cube, puts", "s3_put", HOURS, "one busy customer x hours");
    line(
      "Lambda",
      "cube, memory",
      "lambda_arm_gb_second",
      HOURS * FOLD_SECONDS * memoryGb("cube"),
      "hours x seconds x GB",
    );
  }
  if (load.watched > 0) {
    const seconds = load.watched * SECONDS;
    line(
      "API Gateway",
      "messages to those who watch",
      "websocket_message",
      seconds * MESSAGES_SHOWN,
      `${counted(load.watched)} watched customers x ${MESSAGES_SHOWN} messages a second`,
    );
    line(
      "API Gateway",
      "connections",
      "websocket_minute",
      seconds / 60,
      "watched customers x minutes, one socket each",
    );
    line("Lambda", "publish, requests", "lambda_request", seconds * SENDINGS, `watched seconds x ${SENDINGS}`);
    line(
      "Lambda",
      "publish, run time",
      "lambda_arm_gb_second",
      (Math.min(load.watched, FIGURE_GROUPS) * SECONDS + (seconds * SENDINGS * SENDING_MS) / 1_000) *
        memoryGb("publish"),
      `(groups of figures, ${FIGURE_GROUPS} at most, x seconds + watched seconds x ${SENDINGS} x ${SENDING_MS} ms) x memory, GB s`,
    );
    line(
      "DynamoDB",
      "sockets, reads and writes",
      "dynamodb_write_unit",
      seconds * SENDINGS * SENDING_UNITS,
      `watched seconds x ${SENDINGS} x ${SENDING_UNITS} units`,
    );
  }
  if (memoryGb("alert") > 0) {
    const minutes = SECONDS / 60;
    const { alert, customer, report, probe } = MINUTE_RUN_MS;
    run("alert", minutes, alert + load.activeCustomers * customer);
    run("report", minutes, report);
    run("probe", minutes, probe);
    line(
      "DynamoDB",
      "alert rules, reads",
      "dynamodb_read_unit",
      minutes * (MARK_UNITS + load.activeCustomers),
      `minutes x (${MARK_UNITS} units + one for each of ${counted(load.activeCustomers)} active customers)`,
    );
    line("SES", "mails of alerts and reports", "ses_mail", load.mails, "mails");
  }
  const pulled = requests * load.pulledShare;
  const readUnits = Math.ceil((packed + 200) / 4_096) / 2;
  line(
    "DynamoDB",
    "inbox reads",
    eventsTable.read,
    pulled * (2 * readUnits + 1),
    `pulled requests x ${readUnits} unit(s) of 4 KB, for the page and again to acknowledge, and half a unit for the mark each time`,
  );
  line("DynamoDB", "acknowledgements", eventsTable.write, pulled, "pulled requests x 1 unit: a mark beside the batch");
  line(
    "CloudWatch",
    "log lines",
    "logs_gb",
    (batches * 350 + route.runs * 250) / GB,
    "deliveries x 350 B + runs of route x 250 B, GB",
  );
  line("X-Ray", "traces", "xray_trace", invocations * 0.05, "runs x 5 % sampled");

  const interfaces = of("aws:ec2/vpcEndpoint:VpcEndpoint").filter(
    ({ inputs }) => inputs.vpcEndpointType === "Interface",
  );
  const zones = interfaces.reduce((sum, { inputs }) => sum + (inputs.subnetIds as unknown[]).length, 0);
  line(
    "VPC",
    "interface endpoints",
    "endpoint_hour",
    zones * HOURS,
    `${interfaces.length} endpoints in ${zones} zones together x ${HOURS} h`,
  );
  line("VPC", "bytes through endpoints", "endpoint_gb", (requests * message) / GB, "requests x message, GB");
  for (const { inputs } of of("aws:rds/instance:Instance")) {
    const standby = inputs.multiAz === true ? 2 : 1;
    const kind = String(inputs.instanceClass);
    perHour("RDS", "PostgreSQL", kind, standby);
    line(
      "RDS",
      "storage",
      "rds_gb_month",
      Number(inputs.allocatedStorage) * standby,
      `${Number(inputs.allocatedStorage)} GB x ${standby}`,
    );
    const vcpus = (prices.vcpus as Record<string, number>)[kind] ?? 2;
    line("RDS", "proxy", "proxy_vcpu_hour", vcpus * standby * HOURS, `${vcpus} vCPU x ${standby} x ${HOURS} h`);
  }
  for (const { inputs } of of("aws:elasticache/replicationGroup:ReplicationGroup"))
    perHour("ElastiCache", "Valkey", String(inputs.nodeType), Number(inputs.numCacheClusters));
  line(
    "KMS",
    "keys",
    "kms_key_month",
    of("aws:kms/key:Key").length + of("aws:kms/replicaKey:ReplicaKey").length,
    "keys and replicas",
  );
  line("Secrets Manager", "secrets", "secret_month", of("aws:secretsmanager/secret:Secret").length, "secrets");
  const alarmed = of("aws:cloudwatch/metricAlarm:MetricAlarm").reduce(
    (sum, { inputs }) =>
      sum + (inputs.metricQueries as { metric?: unknown }[]).filter(({ metric }) => metric !== undefined).length,
    0,
  );
  line("CloudWatch", "alarms", "alarm_metric_month", alarmed, "metrics alarmed on");
  line("CloudWatch", "dashboards", "dashboard_month", of("aws:cloudwatch/dashboard:Dashboard").length, "dashboards");
  return lines;
}

export const totalOf = (lines: readonly Line[]): number => lines.reduce((sum, { usd }) => sum + usd, 0);

/** Sums by service, dearest first. */
export function servicesOf(lines: readonly Line[]): readonly { readonly service: string; readonly usd: number }[] {
  return [...Map.groupBy(lines, ({ service }) => service)]
    .map(([service, those]) => ({ service, usd: totalOf(those) }))
    .sort((a, b) => b.usd - a.usd);
}

export const priceDate = `${prices.as_of}, ${prices.region}`;
