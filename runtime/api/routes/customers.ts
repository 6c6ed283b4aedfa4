import { PutObjectCommand } from "@aws-sdk/client-s3";
import { z } from "@hono/zod-openapi";
import { ensureRules } from "../../database/alertRules.ts";
import { insertJob } from "../../database/jobs.ts";
import { asCustomer, type Tx } from "../../database/roles.ts";
import { removeAll } from "../../database/subscriptions.ts";
import { nextVersion } from "../../database/versions.ts";
import { defined } from "../../domain/defined.ts";
import { noSuch } from "../../domain/errors/errors.ts";
import { environments, scopes, tenantOf } from "../../domain/identity/identity.ts";
import { newId } from "../../domain/ids.ts";
import { type PrivacyScope, scopeKey } from "../../domain/job.ts";
import { rfc3339 } from "../../domain/time.ts";
import { EDGES_KNOW_MS } from "../../redis/endedVersions.ts";
import { change } from "../audited.ts";
import { startJob } from "../backfill.ts";
import { listQuery, pageOf } from "../cursor.ts";
import { type CustomerRow, customerPage } from "../customerPage.ts";
import type { Api, Deps } from "../deps.ts";
import { forEachKey, makeKey, putKey, revokeKey, setCustomerLimit } from "../keyStore.ts";
import { stopPosts } from "../release.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";
import { LimitSchema } from "./keys.ts";

const TAG = "Customers";
const DEFAULT_LIMIT_PER_SECOND = 1_000;

const CustomerSchema = z
  .object({
    customer_id: z.string(),
    name: z.string(),
    limit_per_second: LimitSchema,
    status: z.enum(["active"]),
    created_at: Timestamp,
  })
  .openapi("Customer");
const Name = z.string().min(1).max(200);
const CustomerId = z.object({ customer_id: ulidParam("cus") });

const viewOf = (row: CustomerRow) => ({
  customer_id: row.customer_id,
  name: row.name,
  limit_per_second: row.limit_per_second,
  status: row.status,
  created_at: row.created_at.toISOString(),
});

const ERASE_AFTER_SECONDS = 75;

/**
 * Takes the customer off the platform: its keys end, its subscriptions are removed, its reference tables and schemas go, and all its events
 * are erased, those too that a key brings in until the last edge knows. @returns the id of the erasure
 */
async function end(deps: Deps, tx: Tx, customerId: string, by: string): Promise<string> {
  for (const environment of environments) {
    const tenant = tenantOf({ customer_id: customerId, environment });
    const snapshot = await nextVersion(tx, tenant, customerId, "subscriptions");
    await removeAll(tx, tenant, "customer_deleted", snapshot, deps.now());
  }
  await forEachKey(deps, customerId, (keyId) => revokeKey(deps, keyId));
  const at = rfc3339(deps.now());
  await tx.deleteFrom("reference_rows").where("customer_id", "=", customerId).execute();
  await tx
    .updateTable("reference_tables")
    .set({ is_current: false, row_count: 0, updated_at: at })
    .where("customer_id", "=", customerId)
    .execute();
  await tx.deleteFrom("event_schemas").where("customer_id", "=", customerId).execute();
  await tx.deleteFrom("event_views").where("customer_id", "=", customerId).execute();
  await tx.deleteFrom("people").where("customer_id", "=", customerId).execute();
  for (const table of ["report_runs", "reports", "alert_messages", "alerts", "alert_rules", "alert_channels"] as const)
    await tx.deleteFrom(table).where("customer_id", "=", customerId).execute();
  const job_id = newId("prv", deps.now());
  const scope: PrivacyScope = { all: true };
  await deps.s3.send(
    new PutObjectCommand({ Bucket: deps.env.EXPORT_BUCKET, Key: scopeKey(job_id), Body: JSON.stringify(scope) }),
  );
  const tenant = tenantOf({ customer_id: customerId, environment: "live" });
  const job = { kind: "erasure" as const, request: { ...scope }, progress: {}, created_by: by };
  await insertJob(tx, { job_id, tenant, customer_id: customerId, ...job }, deps.now() + EDGES_KNOW_MS);
  await startJob(deps, tenant, job_id, ERASE_AFTER_SECONDS);
  return job_id;
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "post",
      path: "/customers",
      idempotent: true,
      tag: TAG,
      summary: "Create a customer",
      scope: "operator",
      action: "customer.create",
      body: z.strictObject({ name: Name, limit_per_second: LimitSchema.default(DEFAULT_LIMIT_PER_SECOND) }),
      responses: {
        201: {
          description: "The customer, with a live and a sandbox key of every scope, shown this once.",
          schema: CustomerSchema.extend({ api_key: z.string(), sandbox_key: z.string() }),
        },
      },
    },
    async (c, { body }) => {
      const customerId = newId("cus", deps.now());
      const answer = await change(deps, c, customerId, async (tx, tell) => {
        const row = await tx
          .insertInto("customers")
          .values({
            customer_id: customerId,
            name: body.name,
            limit_per_second: body.limit_per_second,
            status: "active",
            created_at: rfc3339(deps.now()),
            updated_at: rfc3339(deps.now()),
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        const [live, sandbox] = await Promise.all(
          environments.map((environment) =>
            makeKey(deps, {
              customer_id: customerId,
              environment,
              name: `first ${environment} key`,
              scopes,
              customer_limit_per_second: body.limit_per_second,
            }),
          ),
        );
        await Promise.all([putKey(deps, live!.record), putKey(deps, sandbox!.record)]);
        for (const environment of environments)
          await ensureRules(tx, tenantOf({ customer_id: customerId, environment }), deps.now());
        tell(customerId, { ...body, keys: [live!.record.key_id, sandbox!.record.key_id] });
        return { ...viewOf(row), api_key: live!.apiKey, sandbox_key: sandbox!.apiKey };
      });
      return c.json(answer, 201);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/customers",
      tag: TAG,
      summary: "List the customers",
      scope: "operator",
      query: z.strictObject(listQuery),
      responses: pageOf("customers", CustomerSchema, "One page, by id."),
    },
    async (c, { query }) => {
      const { items, next_cursor } = await customerPage(deps, "customers", query);
      return c.json({ customers: items.map(viewOf), next_cursor });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/customers/{customer_id}",
      tag: TAG,
      summary: "Read a customer",
      scope: "operator",
      params: CustomerId,
      responses: { 200: { description: "The customer.", schema: CustomerSchema } },
    },
    async (c, { params }) => {
      const row = await asCustomer(deps.db, params.customer_id, (tx) =>
        tx.selectFrom("customers").selectAll().where("customer_id", "=", params.customer_id).executeTakeFirst(),
      );
      if (row?.status !== "active") throw noSuch("customer", params.customer_id);
      return c.json(viewOf(row));
    },
  );

  route(
    app,
    {
      method: "patch",
      path: "/customers/{customer_id}",
      tag: TAG,
      summary: "Rename a customer or change its limit",
      description: "A new limit holds everywhere within 70 s.",
      scope: "operator",
      action: "customer.update",
      params: CustomerId,
      body: z.strictObject({ name: Name.optional(), limit_per_second: LimitSchema.optional() }),
      responses: { 200: { description: "The customer as changed.", schema: CustomerSchema } },
    },
    async (c, { params, body }) => {
      const id = params.customer_id;
      const row = await change(deps, c, id, async (tx, tell) => {
        const changed = await tx
          .updateTable("customers")
          .set({
            ...defined({ name: body.name, limit_per_second: body.limit_per_second }),
            updated_at: rfc3339(deps.now()),
          })
          .where("customer_id", "=", id)
          .where("status", "=", "active")
          .returningAll()
          .executeTakeFirst();
        if (changed === undefined) throw noSuch("customer", id);
        if (body.limit_per_second !== undefined) {
          const { limit_per_second } = body;
          await forEachKey(deps, id, (keyId) => setCustomerLimit(deps, keyId, limit_per_second));
        }
        tell(id, body);
        return changed;
      });
      return c.json(viewOf(row));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/customers/{customer_id}",
      tag: TAG,
      summary: "Delete a customer",
      description:
        "Its keys are refused within 70 s, its subscriptions, reference tables and schemas removed, and then all its events erased. It can't be undone.",
      scope: "operator",
      action: "customer.delete",
      params: CustomerId,
      responses: { 204: { description: "Deleted, now or before." } },
    },
    async (c, { params }) => {
      const id = params.customer_id;
      await change(deps, c, id, async (tx, tell) => {
        const row = await tx
          .selectFrom("customers")
          .select("status")
          .where("customer_id", "=", id)
          .forUpdate()
          .executeTakeFirst();
        if (row === undefined) throw noSuch("customer", id);
        if (row.status === "deleted") return;
        await tx
          .updateTable("customers")
          .set({ status: "deleted", updated_at: rfc3339(deps.now()) })
          .where("customer_id", "=", id)
          .execute();
        tell(id, { erasure: await end(deps, tx, id, c.get("identity").key_id) });
      });
      for (const environment of environments) await stopPosts(deps, tenantOf({ customer_id: id, environment }));
      return c.body(null, 204);
    },
  );
}
