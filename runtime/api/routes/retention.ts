import { z } from "@hono/zod-openapi";
import { asCustomer } from "../../database/roles.ts";
import { nextVersion } from "../../database/versions.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { environments, requireLive, tenantOf } from "../../domain/identity/identity.ts";
import { rfc3339 } from "../../domain/time.ts";
import { change } from "../audited.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";

const TAG = "Retention";
const MAX_DAYS = 3_650;
const Retention = z.object({ days: z.number().int().min(1).max(MAX_DAYS) }).openapi("Retention");

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
        tx.selectFrom("customers").select("retention_days").where("customer_id", "=", customer_id).executeTakeFirst(),
      );
      if (row === undefined) throw noCustomer();
      return c.json({ days: row.retention_days });
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
        "Counts for events stored from then on; those stored before keep the day they were given. For a live key alone.",
      scope: "admin",
      action: "retention.update",
      body: z.strictObject({ days: z.number().int().min(1).max(MAX_DAYS) }),
      responses: { 200: { description: "As set.", schema: Retention } },
    },
    async (c, { body }) => {
      const { customer_id } = c.get("identity");
      requireLive(c.get("identity"));
      await change(deps, c, customer_id, async (tx, tell) => {
        const before = await tx
          .selectFrom("customers")
          .select("retention_days")
          .where("customer_id", "=", customer_id)
          .forUpdate()
          .executeTakeFirst();
        if (before === undefined) throw noCustomer();
        if (before.retention_days === body.days) return;
        await tx
          .updateTable("customers")
          .set({ retention_days: body.days, updated_at: rfc3339(deps.now()) })
          .where("customer_id", "=", customer_id)
          .execute();
        // Routing stamps the expiry: it reads the days with the next snapshot.
        for (const environment of environments) {
          await nextVersion(tx, tenantOf({ customer_id, environment }), customer_id, "subscriptions");
        }
        tell(customer_id, { days: body.days, before: before.retention_days });
      });
      return c.json({ days: body.days });
    },
  );
}
