import { z } from "@hono/zod-openapi";
import { asCustomer } from "../../database/roles.ts";
import { defined } from "../../domain/defined.ts";
import { FreshCache } from "../../domain/freshCache.ts";
import { OPERATOR } from "../../domain/identity/identity.ts";
import { MAX_QUEUE_DELAY_MS } from "../../domain/queueDelay.ts";
import { MINUTE_MS, type Seconds } from "../../domain/time.ts";
import type { Api, Deps } from "../deps.ts";
import { type Health, isIngest, isRetry, type PlatformMetrics, watchOf } from "../health.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";
import { type Incident, IncidentSchema, type Part, parts, recentIncidents } from "./incidents.ts";

const State = z.enum(["ok", "degraded", "down"]);
type State = z.infer<typeof State>;
const WORST: readonly State[] = ["ok", "degraded", "down"];
const worst = (states: readonly State[]): State => WORST[Math.max(0, ...states.map((state) => WORST.indexOf(state)))]!;

const Latency = z.number().optional().openapi({ description: "Milliseconds until it answered." });
const Status = z
  .object({
    status: State,
    checked_at: Timestamp,
    components: z.object({
      api: z.object({ status: State, latency_ms: Latency }),
      queue: z.object({
        status: State,
        depth: z.number().optional().openapi({ description: "Messages that wait to be routed." }),
        oldest_message_seconds: z.number().optional(),
        dead_letters: z.number().optional(),
      }),
      database: z.object({
        status: State,
        latency_ms: Latency,
        throttles: z.number().optional().openapi({ description: "Throttled requests in the last five minutes." }),
      }),
      delivery: z.object({
        status: State,
        depth: z.number().optional().openapi({ description: "Messages that wait to be delivered or tried again." }),
        oldest_message_seconds: z.number().optional().openapi({
          description:
            "How long the oldest has waited; a retry from 15 minutes on, which it may have to wait for its next attempt.",
        }),
        dead_letters: z.number().optional(),
      }),
    }),
    incidents: z.array(IncidentSchema),
  })
  .openapi("Status");

/** Seconds that a message may wait before the part that works it off counts as degraded. */
const LATE_SECONDS = 60;

/** Whether all of these answer. */
const answer = ({ dependencies }: Health, ...names: string[]): boolean =>
  names.every((name) => dependencies[name]?.status === "ok");
const latency = ({ dependencies }: Health, ...names: string[]): number =>
  Math.max(...names.map((name) => dependencies[name]?.latency_ms ?? 0));

/**
 * How long a message of a queue has waited for somebody to take it. Only its age is known, in which a retry's wait for its next attempt is
 * included: what an endpoint that fails makes wait is no fault of the platform.
 */
const waited = (queue: string, age: Seconds): Seconds =>
  isRetry(queue) ? Math.max(0, age - MAX_QUEUE_DELAY_MS / 1_000) : age;

/** Figures over some queues. */
function figuresOf(health: Health, metrics: PlatformMetrics | undefined, wanted: (queue: string) => boolean) {
  const queues = Object.entries(health.queues).filter(([name]) => wanted(name));
  const oldest = queues.flatMap(([name]) => {
    const age = metrics?.oldest_seconds[name];
    return age === undefined ? [] : [waited(name, age)];
  });
  return {
    depth: queues.reduce((sum, [, { depth }]) => sum + depth, 0),
    ...defined({ oldest_message_seconds: oldest.length === 0 ? undefined : Math.max(...oldest) }),
    dead_letters: queues.reduce((sum, [, { dead_letters }]) => sum + dead_letters, 0),
  };
}

interface Told {
  readonly health: Health;
  readonly metrics: PlatformMetrics | undefined;
  readonly incidents: readonly Incident[];
}

function componentsOf({ health, metrics, incidents }: Told) {
  const queue = figuresOf(health, metrics, isIngest);
  const delivery = figuresOf(health, metrics, (name) => !isIngest(name));
  const late = ({ oldest_message_seconds = 0, dead_letters }: typeof queue) =>
    oldest_message_seconds > LATE_SECONDS || dead_letters > 0;
  const measured: Readonly<Record<Part, State>> = {
    // This answer comes from the API itself: it is not down.
    api: answer(health, "redis", "s3", "secrets", "postgresql") ? "ok" : "degraded",
    queue: !answer(health, "sqs") ? "down" : late(queue) ? "degraded" : "ok",
    database: !answer(health, "dynamodb", "postgresql") ? "down" : (metrics?.throttles ?? 0) > 0 ? "degraded" : "ok",
    delivery: !answer(health, "sqs", "dynamodb", "subscriptions") ? "down" : late(delivery) ? "degraded" : "ok",
  };
  const told = (part: Part): State =>
    worst([
      measured[part],
      ...incidents.flatMap(({ status, components, impact }) =>
        status === "open" && impact !== "none" && components.includes(part) ? [impact] : [],
      ),
    ]);
  return {
    api: { status: told("api"), latency_ms: latency(health, "redis", "s3", "secrets") },
    queue: { status: told("queue"), ...queue },
    database: {
      status: told("database"),
      latency_ms: latency(health, "dynamodb", "postgresql"),
      ...defined({ throttles: metrics?.throttles }),
    },
    delivery: { status: told("delivery"), ...delivery },
  };
}

export function register(app: Api, deps: Deps): void {
  const watch = watchOf(deps);
  const kept = new FreshCache<"incidents", readonly Incident[]>({
    freshness: { refreshAfter: 5_000, waitAfter: 5_000, serveUntil: 15 * MINUTE_MS, pauseAfterFailure: 5_000 },
    now: deps.now,
    max: 1,
    ask: async () =>
      new Map([["incidents", await asCustomer(deps.db, OPERATOR, (tx) => recentIncidents(tx, deps.now()))]]),
  });
  route(
    app,
    {
      method: "get",
      path: "/status",
      tag: "Platform",
      summary: "State of each part of the platform, with incidents and maintenance",
      description:
        "Without a key: the state of each part. With one: figures as well. What is answered may be five seconds old, figures of CloudWatch a minute.",
      scope: "public",
      responses: { 200: { description: "The state of the platform.", schema: Status } },
    },
    async (c) => {
      const [health, metrics, incidents] = await Promise.all([
        watch.health(),
        watch.metrics(),
        // While the database is away, its own state tells of it.
        kept.get("incidents").then(
          (known) => known ?? [],
          () => [],
        ),
      ]);
      const components = componentsOf({ health, metrics, incidents });
      const withKey = c.get("identity") !== undefined;
      const bare = Object.fromEntries(parts.map((part) => [part, { status: components[part].status }]));
      if (!withKey) c.header("cache-control", "public, max-age=5");
      return c.json(
        {
          status: worst(parts.map((part) => components[part].status)),
          checked_at: health.checked_at,
          components: withKey ? components : bare,
          incidents,
        },
        200,
      );
    },
  );
}
