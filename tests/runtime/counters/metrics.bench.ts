/**
 * Queries of the metrics over 18 million events of 30 days: 720 hours of 250 requests of 100 events, 20 event types, 10 subscriptions
 * that want a part each, 3 keys, and their deliveries. Hours are in the local platform's DynamoDB, the cube in files; the last two hours are
 * not added up yet, each written by four environments.
 */
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { createDynamodb } from "../../../local/dynamodb.ts";
import { minutesOf } from "../../../runtime/counters/hours.ts";
import { type MetricsReader, queryMetrics } from "../../../runtime/counters/metrics.ts";
import { cubeFilesIn } from "../../../runtime/cube/files.ts";
import { foldHour } from "../../../runtime/cube/fold.ts";
import { cubeReaderOf } from "../../../runtime/cube/read.ts";
import { type HourRows, hourItems, hourOf } from "../../../runtime/domain/metrics/hours.ts";
import { MetricsQuery, type MetricsQueryInput } from "../../../runtime/domain/metrics/query.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { usageWriter } from "../../../runtime/domain/usage/usage.ts";
import { clientOf, serve } from "../../local/serve.ts";
import { median } from "../../support/median.ts";
import { metricsTable } from "../../support/metricsTable.ts";
import { memoryS3 } from "../../support/storage.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** `HOURS=48` is a short try. */
const HOURS = Number(process.env.HOURS ?? 720);
const REQUESTS = 250;
const EVENTS = 100;
const WRITERS = 4;
const tenant = "cus_bench";
const served = await serve(async (context) => {
  const dynamo = await createDynamodb(context);
  const attributes = ["pk", "sk"].map((name) => ({ name, type: "S" }));
  await dynamo.resources["aws:dynamodb/table:Table"]!({
    ...{ type: "aws:dynamodb/table:Table", name: "metrics" },
    inputs: { name: "metrics", hashKey: "pk", rangeKey: "sk", billingMode: "PAY_PER_REQUEST", attributes },
  });
  return [dynamo];
});
const dynamodb = new DynamoDBClient(clientOf(served.endpoint));
const put = (input: ConstructorParameters<typeof PutItemCommand>[0]) => dynamodb.send(new PutItemCommand(input));
const files = cubeFilesIn(memoryS3(new Map()), "cube");

const ids = Array.from({ length: 10 }, (_, i) => `sub_01ARZ3NDEKTSV4RRFFQ69G5FA${i}`);
const types = Array.from({ length: 20 }, (_, i) => `shop.order.type${i}`);
/** What happens to one request, number `n` of its hour. */
function factsOf(at: number, n: number): UsageFact[] {
  const key_id = `key_01ARZ3NDEKTSV4RRFFQ69G5FA${n % 3}`;
  const [a, b] = [types[n % 20]!, types[(n * 7) % 20]!];
  const events = Array.from({ length: EVENTS }, (_, i) => ({ type: i % 4 === 0 ? b : a, bytes: 900 }));
  const wanted = [ids[n % 10]!, ids[(n * 3) % 10]!];
  const offsets = events.map((_, i) => i).filter((i) => i % 2 === 0);
  const matched = Object.fromEntries(wanted.map((id) => [id, offsets]));
  const own = offsets.map((i) => events[i]!.type);
  return [
    { kind: "accepted", tenant, at, routed_at: at, key_id, events, matched, accept_ms: 5 + ((n * 13) % 90) },
    ...Object.keys(matched).map((subscription_id, i): UsageFact => {
      const failed = (n + i) % 25 === 0;
      return {
        ...{ kind: "attempted", tenant, at: at + 500, subscription_id, latency_ms: 20 + ((n * 37) % 400) },
        ...(failed ? { outcome: "failed", error: "http_5xx" } : { outcome: "delivered", error: null }),
        parts: [{ types: own, key_id, ...(failed ? {} : { first_success_ms: 60 + ((n * 41) % 900) }) }],
      };
    }),
  ];
}

const end = Math.floor(Date.now() / HOUR) * HOUR + HOUR;
const now = end - 10 * MINUTE;
const began = performance.now();
/** Counts an hour as so many environments would. */
async function countHour(hour: number, writers: number, send: typeof put): Promise<void> {
  for (let w = 0; w < writers; w += 1) {
    const writer = usageWriter("metrics", send, `w${w}`, () => hour + HOUR);
    for (let n = w; n < REQUESTS; n += writers) writer.add(factsOf(hour + Math.floor((n * HOUR) / REQUESTS), n));
    await writer.flush();
  }
}
for (const hour of [end - 2 * HOUR, end - HOUR]) await countHour(hour, WRITERS, put);
// Every hour that is over is the same one: only its time differs.
const memory = metricsTable();
await countHour(0, 1, (input) => memory.counters.dynamodb.send(new PutItemCommand(input)) as ReturnType<typeof put>);
const { quarters: once } = hourOf(await minutesOf(memory.counters, tenant, 0));
const at = (hour: number): HourRows => ({ quarters: new Map([...once].map(([start, rows]) => [hour + start, rows])) });
const days = new Map<number, HourRows["quarters"]>();
for (let hour = end - HOURS * HOUR; hour < end - 2 * HOUR; hour += HOUR) {
  for (const item of hourItems(tenant, hour, at(hour))) await put({ TableName: "metrics", Item: item });
  const day = Math.floor(hour / (24 * HOUR)) * 24 * HOUR;
  days.set(day, new Map([...(days.get(day) ?? []), ...at(hour).quarters]));
}
for (const [day, quarters] of days) await foldHour(files, tenant, day, { quarters });
console.log(
  `made ${((HOURS * REQUESTS * EVENTS) / 1e6).toFixed(0)} million events' numbers in ${((performance.now() - began) / 1_000).toFixed(0)} s`,
);

const reader: MetricsReader = {
  counters: { dynamodb, name: "metrics" },
  now: () => now,
  workflows: async () => new Map(ids.map((id, i) => [id, `zap_${i % 3}`])),
  cube: { read: cubeReaderOf(files) },
};
const all: MetricsQueryInput["measures"] = [
  "events",
  "delivered",
  "failed",
  "delivery_success_rate",
  "delivery_latency_ms",
];
const month: MetricsQueryInput = { last: "30d", interval: "hour", measures: all };
const hour: MetricsQueryInput = { last: "1h", measures: all };
/** Most that a query over the last hour, or over 30 days, may take, in ms. */
const LIMIT = { hour: 300, month: 2_000 } as const;
const queries: [says: string, query: MetricsQueryInput][] = [
  ["30 days by hour", month],
  ["30 days by hour, by type", { ...month, group_by: ["event_type"] }],
  ["30 days by hour, by workflow", { ...month, group_by: ["workflow_id"] }],
  ["30 days by hour, by error", { ...month, group_by: ["error"] }],
  ["30 days by hour, by type and subscription", { ...month, group_by: ["event_type", "subscription_id"] }],
  [
    "30 days by day in Kolkata, by type",
    { ...month, interval: "day", time_zone: "Asia/Kolkata", group_by: ["event_type"] },
  ],
  ["last hour", hour],
  ["last hour, by type", { ...hour, group_by: ["event_type"] }],
  ["last hour, by type and subscription", { ...hour, group_by: ["event_type", "subscription_id"] }],
];
const cpu = () => process.cpuUsage().user + process.cpuUsage().system;
for (const [says, asked] of queries) {
  const query = MetricsQuery.parse(asked);
  const limit = says.startsWith("last hour") ? LIMIT.hour : LIMIT.month;
  const wall: number[] = [];
  const busy: number[] = [];
  let points = 0;
  for (let i = 0; i < 5; i += 1) {
    const [at, spent] = [performance.now(), cpu()];
    const answer = await queryMetrics(reader, { tenant, limit_per_second: 1_000 }, query);
    wall.push(performance.now() - at);
    busy.push((cpu() - spent) / 1_000);
    points = answer.series.reduce((sum, series) => sum + series.points.length, 0);
  }
  console.log(
    `${says.padEnd(46)} ${String(points).padStart(6)} points  median ${median(wall).toFixed(0)} ms, least ${Math.min(...wall).toFixed(0)} ms, CPU ${median(busy).toFixed(0)} ms; may take ${limit} ms: ${median(wall) < limit ? "held" : "missed"}`,
  );
}
dynamodb.destroy();
await served.close();
