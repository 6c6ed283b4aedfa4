import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";

const Health = z
  .object({
    status: z.enum(["ok", "unavailable"]),
    dependencies: z.record(z.string(), z.object({ status: z.enum(["ok", "unavailable"]), latency_ms: z.number() })),
  })
  .openapi("Health");

const WAIT_MS = 2_000;

/** Each dependency by name, with the cheapest question that needs it to work. */
const checks = (deps: Deps): Readonly<Record<string, () => Promise<unknown>>> => ({
  postgresql: () => sql`select 1`.execute(deps.db),
  dynamodb: () => deps.dynamodb.send(new DescribeTableCommand({ TableName: deps.env.EVENTS_TABLE })),
});

async function ask(check: () => Promise<unknown>, now: () => number) {
  const started = now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), WAIT_MS);
  });
  const status = await Promise.race([check(), late]).then(
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
      const named = await Promise.all(
        Object.entries(checks(deps)).map(async ([name, check]) => [name, await ask(check, deps.now)] as const),
      );
      const ok = named.every(([, { status }]) => status === "ok");
      return c.json({ status: ok ? "ok" : "unavailable", dependencies: Object.fromEntries(named) }, ok ? 200 : 503);
    },
  );
}
