import { z } from "@hono/zod-openapi";
import { defined } from "../../domain/defined.ts";
import type { Api, Deps } from "../deps.ts";
import { watchOf } from "../health.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";

/** Whether the platform can serve. A caller without a key learns only whether each part answers. */
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
      description: "Number of messages in each dead-letter queue that is not empty.",
    }),
  })
  .openapi("HealthDetails");

export function register(app: Api, deps: Deps): void {
  const { health } = watchOf(deps);
  route(
    app,
    {
      method: "get",
      path: "/health",
      tag: "Platform",
      summary: "Health of the platform, by dependency",
      description: "The answer may be five seconds old.",
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
      summary: "Latency of each dependency, and messages in dead-letter queues",
      scope: "operator",
      responses: { 200: { description: "The state at most five seconds ago.", schema: HealthDetails } },
    },
    async (c) => {
      const { queues, ...rest } = await health();
      const dead = Object.entries(queues).filter(([, { dead_letters }]) => dead_letters > 0);
      const dead_messages =
        dead.length === 0
          ? undefined
          : Object.fromEntries(dead.map(([, { dead_queue, dead_letters }]) => [dead_queue, dead_letters]));
      return c.json({ ...rest, ...defined({ dead_messages }) }, 200);
    },
  );
}
