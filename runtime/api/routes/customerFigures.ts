import { z } from "@hono/zod-openapi";
import { queryMetrics } from "../../counters/metrics.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { KeyRecord } from "../../domain/identity/apiKey.ts";
import { environments, tenantOf } from "../../domain/identity/identity.ts";
import { MetricsQuery } from "../../domain/metrics/query.ts";
import { listQuery, PAGE_SIZE, pageOf, wholeNumber } from "../cursor.ts";
import { customerPage } from "../customerPage.ts";
import type { Api, Deps } from "../deps.ts";
import { everyKey, lastUses } from "../keyStore.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";
import { readerOf } from "./metrics.ts";

/**
 * What each customer did, side by side: for the operator, who has to see who comes near a limit. It shows numbers alone, neither
 * payloads nor names.
 */

const TAG = "Customers";
const lasts = ["1h", "24h", "7d", "30d"] as const;
/** Customers that are asked about at the same time. */
const AT_ONCE = 4;

/** Keys without use that are told one by one. */
const UNUSED_TOLD = 20;

const counts = ["requests", "events", "refused", "delivered", "failed", "dead_lettered"] as const;
type Count = (typeof counts)[number];
type Counts = Record<Count, number>;
const shares = ["delivery_success_rate", "limit_use"] as const;

const Figures = z
  .object({
    customer_id: z.string(),
    name: z.string(),
    limit_per_second: z.number(),
    ...(Object.fromEntries(counts.map((name) => [name, z.number().int()])) as Record<Count, z.ZodNumber>),
    delivery_success_rate: z.number().nullable(),
    limit_use: z.number().nullable().openapi({ description: "Events of the busiest second, of the limit." }),
    keys: z.number().int().openapi({ description: "Active keys, live and sandbox." }),
    keys_never_used: z.number().int().openapi({ description: "Active keys that nothing was ever asked with." }),
    unused_keys: z
      .array(z.object({ key_id: z.string(), environment: z.enum(environments), created_at: Timestamp }))
      .openapi({ description: `Those keys, ${UNUSED_TOLD} at most.` }),
  })
  .openapi("CustomerFigures");

/** How many active keys a customer has, and which of them were never used. */
async function keysOf(deps: Deps, customerId: string) {
  const active: KeyRecord[] = [];
  for await (const key of everyKey(deps, customerId)) if (key.status === "active") active.push(key);
  const uses = await lastUses(
    deps,
    active.map(({ key_id }) => key_id),
  );
  const unused = active
    .filter(({ key_id }) => !uses.has(key_id))
    .map(({ key_id, environment, created_at }) => ({ key_id, environment, created_at }));
  return { keys: active.length, unused };
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/customers/figures",
      tag: TAG,
      summary: "Figures of each customer",
      description: "Of their live side, as `POST /metrics/query` counts them.",
      scope: "operator",
      query: z.strictObject({
        ...listQuery,
        limit: wholeNumber(1, 100, 50).openapi({ description: PAGE_SIZE }),
        last: z.enum(lasts).default("24h").openapi({ description: "Of this time, up to now." }),
      }),
      responses: pageOf("customers", Figures, "One page, by id."),
    },
    async (c, { query }) => {
      const { items, next_cursor } = await customerPage(deps, "customer figures", query);
      const asked = MetricsQuery.parse({ measures: [...counts, ...shares], last: query.last, interval: "none" });
      const customers = await mapConcurrently(items, AT_ONCE, async ({ customer_id, name, limit_per_second }) => {
        const tenant = tenantOf({ customer_id, environment: "live" });
        const { totals } = await queryMetrics(readerOf(deps, customer_id), { tenant, limit_per_second }, asked);
        const { keys, unused } = await keysOf(deps, customer_id);
        return {
          customer_id,
          name,
          limit_per_second,
          ...(Object.fromEntries(counts.map((count) => [count, totals[count] ?? 0])) as Counts),
          delivery_success_rate: totals.delivery_success_rate as number | null,
          limit_use: totals.limit_use as number | null,
          keys,
          keys_never_used: unused.length,
          unused_keys: unused.slice(0, UNUSED_TOLD),
        };
      });
      return c.json({ customers, next_cursor }, 200);
    },
  );
}
