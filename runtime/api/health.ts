import { GetMetricDataCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { sql } from "kysely";
import { queueName } from "../aws/queues.ts";
import { FreshCache } from "../domain/freshCache.ts";
import type { ServiceRequest } from "../domain/service.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import { redisOf } from "../redis/connect.ts";
import { askEvents } from "../store/table.ts";
import { type Deps, eventsOf } from "./deps.ts";

/**
 * How the platform's parts are. Invariant: however many callers ask, an environment looks at its parts once in five seconds, and at
 * CloudWatch once a minute; one question of each kind is under way at a time.
 */
const KEPT_MS = 5_000;
const METRICS_KEPT_MS = 60_000;
/** Minutes of CloudWatch that figures are about. */
const METRIC_MINUTES = 5;

export interface Answering {
  readonly status: "ok" | "unavailable";
  readonly latency_ms: Millis;
}

export interface Health {
  readonly status: "ok" | "unavailable";
  readonly checked_at: string;
  readonly dependencies: Readonly<Record<string, Answering>>;
  /** By queue. */
  readonly queues: Readonly<Record<string, QueueFigures>>;
}

export interface QueueFigures {
  /** Name of its dead-letter queue. */
  readonly dead_queue: string;
  /** Messages that wait. */
  readonly depth: number;
  /** Messages that were given up, and wait to be put back. */
  readonly dead_letters: number;
}

export interface PlatformMetrics {
  /** Seconds that the oldest message of each queue has waited, by queue. */
  readonly oldest_seconds: Readonly<Record<string, number>>;
  /** When the minute began in which that was measured, by queue; only where there is a value. */
  readonly measured_at: Readonly<Record<string, Millis>>;
  /** Requests to the events table that were throttled in the last minutes. */
  readonly throttles: number;
}

const WAIT_MS = 5_000;

/** Over a connection of its own, which tells that one can be made now. */
async function pingRedis({ env, secret }: Deps): Promise<void> {
  const redis = redisOf(env, secret, {});
  try {
    await redis.command("PING", [], WAIT_MS);
  } finally {
    await redis.close();
  }
}

/** S3 works when it answers. 404 and 403 are answers, too. */
async function askS3({ s3, env }: Deps): Promise<void> {
  try {
    await s3.send(new GetObjectCommand({ Bucket: env.PAYLOAD_BUCKET, Key: "health" }));
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status !== 403 && status !== 404) throw error;
  }
}

async function askSubscriptions({ lambda, env }: Deps): Promise<void> {
  const request: ServiceRequest = { op: "versions", tenants: [] };
  const { FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: env.SUBSCRIPTIONS_FUNCTION, Payload: Buffer.from(JSON.stringify(request)) }),
  );
  if (FunctionError !== undefined) throw new Error(FunctionError);
}

async function countIn({ sqs }: Deps, url: string): Promise<number> {
  const asked = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["ApproximateNumberOfMessages"] });
  const { Attributes } = await sqs.send(asked);
  return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
}

/** The queues, each with its dead-letter queue: `QUEUE_URLS` and `DEAD_LETTER_QUEUE_URLS` are in the same order. */
const queuesOf = ({ env }: Deps): readonly (readonly [queue: string, dead: string])[] => {
  const dead = env.DEAD_LETTER_QUEUE_URLS.split(" ");
  return env.QUEUE_URLS.split(" ").map((url, at) => [url, dead[at]!]);
};

const askQueues = async (deps: Deps): Promise<Health["queues"]> =>
  Object.fromEntries(
    await Promise.all(
      queuesOf(deps).map(async ([queue, dead]) => {
        const [depth, dead_letters] = await Promise.all([countIn(deps, queue), countIn(deps, dead)]);
        return [queueName(queue), { dead_queue: queueName(dead), depth, dead_letters }] as const;
      }),
    ),
  );

/** One value over the last minutes. */
const metric = (
  id: string,
  namespace: string,
  name: string,
  dimension: [string, string],
  stat: string,
): MetricDataQuery => ({
  Id: id,
  MetricStat: {
    Metric: { Namespace: namespace, MetricName: name, Dimensions: [{ Name: dimension[0], Value: dimension[1] }] },
    Period: 60,
    Stat: stat,
  },
});

async function askMetrics(deps: Deps): Promise<PlatformMetrics> {
  const names = queuesOf(deps).map(([queue]) => queueName(queue));
  const { EVENTS_TABLE } = deps.env;
  const now = deps.now();
  const { MetricDataResults = [] } = await deps.cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(now - METRIC_MINUTES * 60_000),
      EndTime: new Date(now),
      MetricDataQueries: [
        ...names.map((name, at) =>
          metric(`q${at}`, "AWS/SQS", "ApproximateAgeOfOldestMessage", ["QueueName", name], "Maximum"),
        ),
        metric("reads", "AWS/DynamoDB", "ReadThrottleEvents", ["TableName", EVENTS_TABLE], "Sum"),
        metric("writes", "AWS/DynamoDB", "WriteThrottleEvents", ["TableName", EVENTS_TABLE], "Sum"),
      ],
    }),
    { abortSignal: AbortSignal.timeout(WAIT_MS) },
  );
  const result = (id: string) => MetricDataResults.find(({ Id }) => Id === id);
  const values = (id: string): readonly number[] => result(id)?.Values ?? [];
  const sum = (id: string) => values(id).reduce((total, value) => total + value, 0);
  return {
    // The newest value comes first.
    oldest_seconds: Object.fromEntries(names.map((name, at) => [name, values(`q${at}`)[0] ?? 0])),
    measured_at: Object.fromEntries(
      names.flatMap((name, at) => {
        const [minute] = result(`q${at}`)?.Timestamps ?? [];
        return minute === undefined ? [] : [[name, minute.getTime()]];
      }),
    ),
    throttles: sum("reads") + sum("writes"),
  };
}

/** The queue that events are accepted into, by its name; all others are about delivering and jobs. */
export const isIngest = (queue: string): boolean => queue.includes("ingest");
/** The queue in which deliveries wait for their next attempt. */
export const isRetry = (queue: string): boolean => queue.includes("retry");

/**
 * Since when the oldest accepted event waits to be routed, and so to be counted; undefined where the queue is empty or its age
 * unknown. CloudWatch tells the age of the oldest message, a minute late.
 */
export function waitingSince({ oldest_seconds, measured_at }: PlatformMetrics, now: Millis): Millis | undefined {
  const since = Object.entries(oldest_seconds).flatMap(([queue, seconds]) =>
    isIngest(queue) && seconds > 0 ? [(measured_at[queue] ?? now) - seconds * 1_000] : [],
  );
  return since.length === 0 ? undefined : Math.min(...since);
}

/** Each dependency by name, with the cheapest question that needs it to work. */
const checks = (
  deps: Deps,
  counted: (queues: Health["queues"]) => void,
): Readonly<Record<string, () => Promise<unknown>>> => ({
  sqs: async () => counted(await askQueues(deps)),
  postgresql: () => sql`select 1`.execute(deps.db),
  dynamodb: () => askEvents(eventsOf(deps)),
  redis: () => pingRedis(deps),
  s3: () => askS3(deps),
  secrets: () => deps.secret(deps.env.CURSOR_SECRET),
  subscriptions: () => askSubscriptions(deps),
});

async function ask(check: () => Promise<unknown>, now: () => Millis) {
  const started = now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), WAIT_MS);
  });
  const status = await Promise.race([Promise.resolve().then(check), late]).then(
    () => "ok" as const,
    () => "unavailable" as const,
  );
  clearTimeout(timer);
  return { status, latency_ms: now() - started };
}

async function askAll(deps: Deps): Promise<Health> {
  const checked_at = rfc3339(deps.now());
  let queues: Health["queues"] = {};
  const counted = (found: Health["queues"]) => {
    queues = found;
  };
  const named = await Promise.all(
    Object.entries(checks(deps, counted)).map(async ([name, check]) => [name, await ask(check, deps.now)] as const),
  );
  return {
    status: named.every(([, { status }]) => status === "ok") ? "ok" : "unavailable",
    checked_at,
    dependencies: Object.fromEntries(named),
    queues,
  };
}

/** What an environment knows of the platform's health. */
export interface HealthWatch {
  /** Five seconds old at most. Never rejects. */
  health(): Promise<Health>;
  /** A minute old at most; undefined while CloudWatch does not answer. Never rejects. */
  metrics(): Promise<PlatformMetrics | undefined>;
}

const watches = new WeakMap<Deps, HealthWatch>();

/** The one watch of these dependencies. */
export function watchOf(deps: Deps): HealthWatch {
  const known = watches.get(deps);
  if (known !== undefined) return known;
  const looked = new FreshCache<"health", Health>({
    freshness: { refreshAfter: KEPT_MS - 1, waitAfter: KEPT_MS - 1, serveUntil: KEPT_MS },
    now: deps.now,
    max: 1,
    ask: async () => new Map([["health", await askAll(deps)]]),
  });
  const measured = new FreshCache<"metrics", PlatformMetrics>({
    freshness: { refreshAfter: METRICS_KEPT_MS, waitAfter: METRICS_KEPT_MS, serveUntil: METRICS_KEPT_MS },
    now: deps.now,
    max: 1,
    ask: async () => new Map([["metrics", await askMetrics(deps)]]),
    failed: (cause) => deps.log("warn", "api.metrics_unknown", { error: String(cause) }),
  });
  const watch: HealthWatch = {
    health: async () => (await looked.get("health"))!,
    metrics: () => measured.get("metrics").catch(() => undefined),
  };
  watches.set(deps, watch);
  return watch;
}
