import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { z } from "@hono/zod-openapi";
import { Redis } from "ioredis";
import { sql } from "kysely";
import type { ServiceRequest } from "../../domain/service.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";

const Health = z
  .object({
    status: z.enum(["ok", "unavailable"]),
    dependencies: z.record(z.string(), z.object({ status: z.enum(["ok", "unavailable"]), latency_ms: z.number() })),
    dead_messages: z.record(z.string(), z.number()).optional().openapi({
      description: "By queue: messages that were given up and wait to be put back. Left out when there are none.",
    }),
  })
  .openapi("Health");

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
  dynamodb: () => deps.dynamodb.send(new DescribeTableCommand({ TableName: deps.env.EVENTS_TABLE })),
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

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/health",
      tag: "Platform",
      summary: "Whether the platform can serve, dependency by dependency",
      scope: "public",
      responses: {
        200: { description: "Everything answers.", schema: Health },
        503: { description: "A dependency does not answer.", schema: Health },
      },
    },
    async (c) => {
      let dead: Readonly<Record<string, number>> = {};
      const tell = (messages: typeof dead) => {
        dead = messages;
      };
      const named = await Promise.all(
        Object.entries(checks(deps, tell)).map(async ([name, check]) => [name, await ask(check, deps.now)] as const),
      );
      const ok = named.every(([, { status }]) => status === "ok");
      return c.json(
        {
          status: ok ? "ok" : "unavailable",
          dependencies: Object.fromEntries(named),
          ...(Object.keys(dead).length === 0 ? {} : { dead_messages: dead }),
        },
        ok ? 200 : 503,
      );
    },
  );
}
