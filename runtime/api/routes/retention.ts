import { z } from "@hono/zod-openapi";
import { asCustomer } from "../../database/roles.ts";
import { nextVersion } from "../../database/versions.ts";
import { defined } from "../../domain/defined.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { environments, requireLive, tenantOf } from "../../domain/identity/identity.ts";
import { rfc3339 } from "../../domain/time.ts";
import { change } from "../audited.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";

const TAG = "Retention";
const MAX_DAYS = 3_650;
const MAX_METRICS_DAYS = 36_500;
const days = z.number().int().min(1).max(MAX_DAYS);
const MetricsDays = z.number().int().min(1).max(MAX_METRICS_DAYS).openapi({
  description: "Days that numbers are kept; left out where they are for ever.",
});
const Retention = z.object({ days, metrics_days: MetricsDays.optional() }).openapi("Retention");
/** As it is told. */
const told = (row: { retention_days: number; metrics_days: number | null }) => ({
  days: row.retention_days,
  ...defined({ metrics_days: row.metrics_days ?? undefined }),
});

const noCustomer = () => new TriggersError("not_found", "There is no such customer.");

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/retention",
      tag: TAG,
      summary: "Read the number of days that events are kept",
      scope: "admin",
      responses: { 200: { description: "Days, for live and sandbox alike.", schema: Retention } },
    },
    async (c) => {
      const { customer_id } = c.get("identity");
      const row = await asCustomer(deps.db, customer_id, (tx) =>
        tx
          .selectFrom("customers")
          .select(["retention_days", "metrics_days"])
          .where("customer_id", "=", customer_id)
          .executeTakeFirst(),
      );
      if (row === undefined) throw noCustomer();
      return c.json(told(row));
    },
  );

  route(
    app,
    {
      method: "put",
      path: "/retention",
      tag: TAG,
      summary: "Set the number of days that events are kept",
      description:
        "`days` count for events stored from then on; those stored before keep the day they were given. `metrics_days` count for all numbers, once a day; null keeps them for ever. For a live key alone.",
      scope: "admin",
      action: "retention.update",
      body: z.strictObject({ days, metrics_days: MetricsDays.nullable().optional() }),
      responses: { 200: { description: "As set.", schema: Retention } },
    },
    async (c, { body }) => {
      const { customer_id } = c.get("identity");
      requireLive(c.get("identity"));
      const set = await change(deps, c, customer_id, async (tx, tell) => {
        const before = await tx
          .selectFrom("customers")
          .select(["retention_days", "metrics_days"])
          .where("customer_id", "=", customer_id)
          .forUpdate()
          .executeTakeFirst();
        if (before === undefined) throw noCustomer();
        const metrics_days = body.metrics_days === undefined ? before.metrics_days : body.metrics_days;
        const after = { retention_days: body.days, metrics_days };
        const same = before.retention_days === body.days;
        if (same && before.metrics_days === metrics_days) return after;
        await tx
          .updateTable("customers")
          .set({ ...after, updated_at: rfc3339(deps.now()) })
          .where("customer_id", "=", customer_id)
          .execute();
        // Routing stamps the expiry: it reads the days with the next snapshot.
        for (const environment of same ? [] : environments) {
          await nextVersion(tx, tenantOf({ customer_id, environment }), customer_id, "subscriptions");
        }
        const was = defined({ metrics_before: before.metrics_days ?? undefined });
        tell(customer_id, { ...told(after), before: before.retention_days, ...was });
        return after;
      });
      return c.json(told(set));
    },
  );
}
