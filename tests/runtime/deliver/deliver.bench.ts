/**
 * CPU an event in route and in deliver, as deployed: the real bundles, SDK calls and posts included, against stubs in another
 * process. Prints microseconds of this process's CPU (user and system) for each event, and posts a second.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { bundle } from "../../../components/blocks/bundle.ts";
import type { DeliverEnvironment } from "../../../runtime/deliver/environment.ts";
import { encodeDelivery, encodeIngest } from "../../../runtime/domain/codec/index.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import type { RouteEnvironment } from "../../../runtime/route/environment.ts";

const tenant = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
const subscription_id = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";
const selector = process.env.SELECTOR ?? "order.created";
const stubs = spawn(process.execPath, [new URL("./stubs.ts", import.meta.url).pathname, selector], {
  stdio: ["ignore", "pipe", "inherit"],
});
// Also where the bench fails: a child that lives on would hold the pipe that `--compare` reads to its end.
process.on("exit", () => stubs.kill());
const [line] = await once(stubs.stdout!, "data");
const endpoint = `http://127.0.0.1:${String(line).trim()}`;
const queue = (name: string) => `${endpoint}/123456789012/${name}`;
/** Typed by the stages' own lists: a variable that is added there and missing here fails the type check. */
const variables: RouteEnvironment & DeliverEnvironment = {
  EVENTS_TABLE: "events",
  EVENT_SHARDS: "[]",
  METRICS_TABLE: "metrics",
  ARCHIVE_STREAM: "archive",
  PAYLOAD_BUCKET: "payloads",
  SUBSCRIPTIONS_FUNCTION: "subscriptions",
  PUBLISH_FUNCTION: "publish",
  DELIVERY_QUEUE_URL: queue("delivery"),
  DELIVERY_DEAD_URL: queue("delivery-dead"),
  RETRY_QUEUE_URL: queue("retry"),
  RETRY_DEAD_URL: queue("retry-dead"),
  INGEST_QUEUE_URL: queue("ingest"),
  INGEST_DEAD_URL: queue("ingest-dead"),
  NOTICE_QUEUE_URL: queue("notice"),
  NOTICE_DEAD_URL: queue("notice-dead"),
  ALLOW_LOOPBACK_WEBHOOKS: "true",
  OWN_HOSTS: "",
  HOST_LIMIT: "1000000",
  OTLP_ENDPOINT: "",
  OTLP_HEADERS_SECRET: "",
  TRACE_SAMPLE_RATIO: "0",
};
Object.assign(process.env, variables, {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "x",
  AWS_SECRET_ACCESS_KEY: "y",
});

/** An order of about 1 KB, no two alike. */
const order = (n: number) => ({
  event_type: "order.created",
  id: `ord_${n.toString(36)}${(n * 7919).toString(36)}`,
  customer: { email: `c${n}@example.com`, name: `Customer ${n}`, locale: "en-GB" },
  lines: Array.from({ length: 6 }, (_, i) => ({
    sku: `SKU-${(n * 31 + i) % 977}`,
    qty: (n + i) % 7,
    price: ((n * 13 + i) % 9973) / 100,
  })),
  shipping: {
    method: "express",
    address: { line1: `${n} High Street`, city: "Leeds", postcode: "LS1 4AP", country: "GB" },
  },
  note: `Left with the neighbour, reference ${(n * 104_729).toString(16)} ${(n * 15_485_863).toString(16)} ${"lorem ipsum dolor sit amet ".repeat(8)}`,
});

type Handler = (event: unknown, context: unknown) => Promise<{ batchItemFailures: unknown[] }>;
const load = async (entry: string): Promise<Handler> => (await import(bundle(entry).code)).handler;
const write = process.stdout.write.bind(process.stdout);
const quiet = () => {
  process.stdout.write = (() => true) as never;
};
const loud = () => {
  process.stdout.write = write;
};

async function measure(
  name: string,
  handler: Handler,
  messages: number,
  perMessage: number,
  body: (n: number) => string,
) {
  const invocation = (n: number) => ({
    Records: Array.from({ length: messages }, (_, m) => ({
      messageId: `m${m}`,
      body: body(n * messages + m),
      eventSourceARN: "arn:aws:sqs:us-east-1:123456789012:delivery",
      attributes: { ApproximateReceiveCount: "1" },
    })),
  });
  const run = async (prepared: unknown[]) => {
    for (const event of prepared) {
      const { batchItemFailures } = await handler(event, { getRemainingTimeInMillis: () => 30_000 });
      if (batchItemFailures.length > 0) throw new Error(`${name} failed: the run is void`);
    }
  };
  const rounds = Math.max(20, Math.ceil(20_000 / (messages * perMessage)));
  const prepare = (from: number) => Array.from({ length: rounds }, (_, n) => invocation(from + n));
  quiet();
  await run(prepare(0));
  const prepared = prepare(rounds);
  const [cpu, clock] = [process.cpuUsage(), performance.now()];
  await run(prepared);
  const used = process.cpuUsage(cpu);
  const seconds = (performance.now() - clock) / 1_000;
  loud();
  const events = rounds * messages * perMessage;
  const each = (used.user + used.system) / events;
  write(
    `${name.padEnd(44)} ${each.toFixed(1).padStart(8)} µs CPU/event ${Math.round(events / seconds)
      .toString()
      .padStart(8)} events/s\n`,
  );
  return each;
}

const handlers = { route: await load("runtime/route/handler.ts"), deliver: await load("runtime/deliver/handler.ts") };
for (const [messages, perMessage] of [
  [10, 100],
  [1, 100],
  [10, 1],
  [1, 1],
] as const) {
  const events = Array.from({ length: 40 }, (_, b) =>
    Array.from({ length: perMessage }, (_, n) => Buffer.from(JSON.stringify(order(b * 1_000 + n)))),
  );
  const packs = events.map((batch) => pack(batch));
  const types = new Array<string>(perMessage).fill("order.created");
  const common = (n: number) => ({
    tenant,
    first: newUlid(Date.now(), perMessage),
    count: perMessage,
    types,
    body: { inline: packs[n % 40]! },
  });
  const indexes = [...types.keys()];
  const shape = `${messages} messages x ${perMessage} events of ${Math.round(events[0]!.reduce((sum, e) => sum + e.length, 0) / perMessage)} B`;
  const route = await measure(`route   ${shape}`, handlers.route, messages, perMessage, (n) =>
    encodeIngest({ ...common(n), key_id: "key_1" }),
  );
  const deliver = await measure(`deliver ${shape}`, handlers.deliver, messages, perMessage, (n) =>
    encodeDelivery({ ...common(n), subscription_id, indexes, attempts: 0 }),
  );
  write(`${"both".padEnd(44)} ${(route + deliver).toFixed(1).padStart(8)} µs CPU/event\n`);
}
process.exit(0);
