import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { z } from "@hono/zod-openapi";
import { Redis } from "ioredis";
import { sql } from "kysely";
import { ageOf } from "../../domain/age.ts";
import type { ServiceRequest } from "../../domain/service.ts";
import { rfc3339 } from "../../domain/time.ts";
import { askEvents } from "../../store/table.ts";
import { type Api, type Deps, eventsOf } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";

/**
 * Whether the platform can serve. Invariant: however often anybody asks, an environment asks its dependencies once in five
 * seconds, and one question at a time; and a caller without a key learns of each only whether it answers.
 */
const KEPT_MS = 5_000;

const Status = z.enum(["ok", "unavailable"]);
const Health = z
  .object({ status: Status, dependencies: z.record(z.string(), z.object({ status: Status })) })
  .openapi("Health");
const HealthDetails = z
  .object({
    status: Status,
    checked_at: Timestamp,
    dependencies: z.record(z.string(), z.object({ status: Status, latency_ms: z.number() })),
    dead_messages: z.record(z.string(), z.number()).optional().openapi({
      description: "By queue: messages that were given up and wait to be put back. Left out when there are none.",
    }),
  })
  .openapi("HealthDetails");
type Details = z.infer<typeof HealthDetails>;

const WAIT_MS = 5_000;

async function pingRedis({ env, secret }: Deps): Promise<void> {
  const password = env.REDIS_AUTH_SECRET === "" ? "" : await secret(env.REDIS_AUTH_SECRET);
  const client = new Redis(env.REDIS_URL, {
    ...(password === "" ? {} : { password }),
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: WAIT_MS,
    retryStrategy: () => null,
  });
  client.on("error", () => {}); // the command reports it
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

/** S3 works when it answers, be it that there is no such object, or none that we may know of. */
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

/** Messages in each dead-letter queue that has some. */
async function askQueues({ sqs, env }: Deps): Promise<Readonly<Record<string, number>>> {
  const urls = env.DEAD_LETTER_QUEUE_URLS.split(" ");
  const counts = await Promise.all(
    urls.map(async (url) => {
      const asked = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["ApproximateNumberOfMessages"] });
      const { Attributes } = await sqs.send(asked);
      return [url.split("/").at(-1)!, Number(Attributes?.ApproximateNumberOfMessages ?? 0)] as const;
    }),
  );
  return Object.fromEntries(counts.filter(([, messages]) => messages > 0));
}

/** Each dependency by name, with the cheapest question that needs it to work. */
const checks = (
  deps: Deps,
  dead: (messages: Readonly<Record<string, number>>) => void,
): Readonly<Record<string, () => Promise<unknown>>> => ({
  sqs: async () => dead(await askQueues(deps)),
  postgresql: () => sql`select 1`.execute(deps.db),
  dynamodb: () => askEvents(eventsOf(deps)),
  redis: () => pingRedis(deps),
  s3: () => askS3(deps),
  secrets: () => deps.secret(deps.env.CURSOR_SECRET),
  subscriptions: () => askSubscriptions(deps),
});

async function ask(check: () => Promise<unknown>, now: () => number) {
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

async function askAll(deps: Deps): Promise<Details> {
  const checked_at = rfc3339(deps.now());
  let dead: Readonly<Record<string, number>> = {};
  const tell = (messages: typeof dead) => {
    dead = messages;
  };
  const named = await Promise.all(
    Object.entries(checks(deps, tell)).map(async ([name, check]) => [name, await ask(check, deps.now)] as const),
  );
  return {
    status: named.every(([, { status }]) => status === "ok") ? "ok" : "unavailable",
    checked_at,
    dependencies: Object.fromEntries(named),
    ...(Object.keys(dead).length === 0 ? {} : { dead_messages: dead }),
  };
}

/** Answers from the last look while it is young, and shares one that is under way. */
function remembered(deps: Deps): () => Promise<Details> {
  let looking: Promise<Details> | undefined;
  let last: { readonly at: number; readonly details: Details } | undefined;
  return async () => {
    if (last !== undefined && ageOf(last.at, deps.now()) < KEPT_MS) return last.details;
    looking ??= askAll(deps)
      .then((details) => {
        last = { at: deps.now(), details };
        return details;
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
}

export function register(app: Api, deps: Deps): void {
  const health = remembered(deps);
  route(
    app,
    {
      method: "get",
      path: "/health",
      tag: "Platform",
      summary: "Whether the platform can serve, dependency by dependency",
      description: "What is answered may be five seconds old.",
      scope: "public",
      responses: {
        200: { description: "Everything answers.", schema: Health },
        503: { description: "A dependency does not answer.", schema: Health },
      },
    },
    async (c) => {
      const { status, dependencies } = await health();
      const bare = Object.fromEntries(
        Object.entries(dependencies).map(([name, { status: of }]) => [name, { status: of }]),
      );
      return c.json({ status, dependencies: bare }, status === "ok" ? 200 : 503);
    },
  );
  route(
    app,
    {
      method: "get",
      path: "/health/details",
      tag: "Platform",
      summary: "How long each dependency took to answer, and what lies in dead-letter queues",
      scope: "operator",
      responses: { 200: { description: "What was found, five seconds ago at most.", schema: HealthDetails } },
    },
    async (c) => c.json(await health(), 200),
  );
}
