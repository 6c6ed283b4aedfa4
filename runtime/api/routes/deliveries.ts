import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { sql } from "kysely";
import { sendOrThrow } from "../../aws/queues.ts";
import { encodeRetry } from "../../domain/codec/index.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { noSuch, TriggersError } from "../../domain/errors/errors.ts";
import { type DeliveryStatus, deliveryStatuses } from "../../domain/event.ts";
import { parseDeliveryId } from "../../domain/ids.ts";
import { type ErrorClass, errorClasses } from "../../domain/metrics/names.ts";
import { parseTypePattern } from "../../matching/index.ts";
import { attemptsMade } from "../../store/deliveries/keptAttempts.ts";
import {
  currentDelivery,
  type DeliveryPosition,
  type DeliveryQuery,
  findDelivery,
  readDeliveries,
} from "../../store/deliveries/readDeliveries.ts";
import { viewDelivery } from "../../store/inbox/view.ts";
import { asCaller } from "../asCaller.ts";
import { listQuery, otherFilters, pageOf, readCursor, repeatable, signCursor } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { DeliverySchema, QueryMillis, readContext } from "../reads.ts";
import { route } from "../route.ts";
import { idIn, TypePattern } from "../schemas.ts";

const TAG = "Deliveries";

const range = {
  subscription_id: z.string().max(100).optional().openapi({ description: "To this subscription." }),
  workflow_id: repeatable(z.string().min(1).max(256)).optional().openapi({
    description: "Of subscriptions that belong to one of these workflows now.",
  }),
  event_type: repeatable(TypePattern).optional().openapi({
    description: "With an event of one of these types; patterns as well.",
  }),
  error: repeatable(z.enum(errorClasses)).optional().openapi({ description: "Whose last attempt failed like this." }),
  from: QueryMillis.optional().openapi({ description: "Of events received at or after." }),
  to: QueryMillis.optional().openapi({ description: "Of events received before." }),
};
const DeadLetterQuery = z.strictObject({ ...listQuery, ...range });
const DeliveryListQuery = z.strictObject({
  ...listQuery,
  ...range,
  status: repeatable(z.enum(deliveryStatuses)).optional().openapi({ description: "In one of these states." }),
  replay_id: z.string().max(100).optional().openapi({ description: "Of this replay." }),
});
const DeliveryId = z.object({ id: idIn("dlv", (id) => parseDeliveryId(id) !== undefined) });

/** Filters as a cursor carries them. */
type Filters = Omit<DeliveryQuery, "matchesType" | "subscriptionIds"> & {
  readonly workflowIds?: readonly string[];
  /** Types, or patterns of them. */
  readonly eventTypes?: readonly string[];
};

interface Asked {
  readonly subscription_id?: string | undefined;
  readonly workflow_id?: readonly string[] | undefined;
  readonly event_type?: readonly string[] | undefined;
  readonly error?: readonly ErrorClass[] | undefined;
  readonly replay_id?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export function register(app: Api, deps: Deps): void {
  const context = readContext(deps);

  /** One page of deliveries; its cursor belongs to these filters. */
  async function list(c: Context<ApiEnv>, asked: Asked, statuses: readonly DeliveryStatus[] | undefined) {
    const identity = c.get("identity");
    const { limit, cursor, subscription_id, workflow_id, event_type, error, replay_id, from, to } = asked;
    const query: Filters = {
      ...(statuses && { statuses }),
      ...defined({ subscriptionId: subscription_id, replayId: replay_id, from, to }),
      ...defined({ workflowIds: workflow_id, eventTypes: event_type, errors: error }),
    };
    const purpose = `${c.get("tenant")}:deliveries`;
    // A cursor carries its filters; those of the request, where given, must be the same.
    type Cursor = { p: DeliveryPosition; q: Filters };
    const before = cursor === undefined ? undefined : await readCursor<Cursor>(deps, purpose, cursor);
    if (before !== undefined && Object.keys(query).length > 0 && canonical(query) !== canonical(before.q)) {
      throw otherFilters();
    }
    const used = before?.q ?? query;
    const { workflowIds, eventTypes, ...wanted } = used;
    const subscriptionIds = workflowIds === undefined ? undefined : await ofWorkflows(c, workflowIds);
    if (subscriptionIds?.length === 0) return { deliveries: [], next_cursor: null };
    const patterns = eventTypes?.map(parseTypePattern);
    const matchesType = mapDefined(patterns, (all) => (type: string) => all.some(({ matches }) => matches(type)));
    const all = { ...wanted, ...defined({ subscriptionIds, matchesType }) };
    const page = await readDeliveries(context.store, c.get("tenant"), all, before?.p ?? { began: deps.now() }, {
      limit,
      now: deps.now,
      removed: (ids) => context.removed(identity, ids),
      retentionMs: await context.retentionMs(identity),
    });
    const next_cursor = page.next === null ? null : await signCursor(deps, purpose, { p: page.next, q: used });
    return { deliveries: page.deliveries, next_cursor };
  }

  /** Subscriptions that belong to these workflows now, removed ones too. */
  async function ofWorkflows(c: Context<ApiEnv>, workflowIds: readonly string[]): Promise<string[]> {
    const rows = await asCaller(deps, c, (tx) =>
      tx
        .selectFrom("subscriptions")
        .select("subscription_id")
        .where("tenant", "=", c.get("tenant"))
        .where(sql<string>`definition->>'workflow_id'`, "in", workflowIds)
        .execute(),
    );
    return rows.map(({ subscription_id }) => subscription_id);
  }

  async function one(c: Context<ApiEnv>, id: string) {
    const found = await findDelivery(context.store, c.get("tenant"), parseDeliveryId(id)!, deps.now());
    if (found === undefined) throw noSuch("delivery", id);
    const isRemoved = await context.removed(c.get("identity"), [found.item.subscription_id]);
    const { offsets, status } = currentDelivery(found.batch, found.item, isRemoved);
    return { ...found, offsets, isRemoved, view: viewDelivery(found.item, offsets, status) };
  }

  route(
    app,
    {
      method: "get",
      path: "/deliveries",
      tag: TAG,
      summary: "List deliveries",
      description: "Those of the newest events first. A page may be short and yet have a `next_cursor`.",
      scope: "events:read",
      query: DeliveryListQuery,
      responses: pageOf("deliveries", DeliverySchema),
    },
    async (c, { query }) => c.json(await list(c, query, query.status)),
  );

  route(
    app,
    {
      method: "get",
      path: "/deliveries/{id}",
      tag: TAG,
      summary: "Read a delivery with every attempt",
      scope: "events:read",
      params: DeliveryId,
      responses: { 200: { description: "The delivery.", schema: DeliverySchema } },
    },
    async (c, { params }) => c.json((await one(c, params.id)).view),
  );

  route(
    app,
    {
      method: "post",
      path: "/deliveries/{id}/retry",
      idempotent: true,
      tag: TAG,
      summary: "Try a delivery again now",
      description: "In any state, also a delivery that arrived or was given up, and also a second time.",
      scope: "events:read",
      params: DeliveryId,
      responses: {
        202: { description: "The delivery as it stands; the attempt follows at once.", schema: DeliverySchema },
      },
      errors: ["unprocessable"],
    },
    async (c, { params }) => {
      const { batch, item, offsets, isRemoved, view } = await one(c, params.id);
      if (isRemoved(item.subscription_id)) {
        throw new TriggersError("unprocessable", `The subscription ${item.subscription_id} is removed.`);
      }
      if (offsets.length === 0) throw new TriggersError("unprocessable", "Every event of this delivery is deleted.");
      const { tenant, first } = batch;
      const { subscription_id, replay_id } = item;
      const text = encodeRetry({
        tenant,
        subscription_id,
        batches: [first],
        attempts: attemptsMade(item),
        manual: true,
        ...defined({ replay_id }),
      });
      await sendOrThrow(deps.sqs, deps.env.RETRY_QUEUE_URL, [{ text, group: tenant }]);
      return c.json(view, 202);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/dead-letters",
      tag: TAG,
      summary: "List dead letters: deliveries whose retries have ended",
      description: "With the reason and every attempt, those of the newest events first.",
      scope: "events:read",
      query: DeadLetterQuery,
      responses: pageOf("dead_letters", DeliverySchema),
    },
    async (c, { query }) => {
      const { deliveries, next_cursor } = await list(c, query, ["dead_lettered"]);
      return c.json({ dead_letters: deliveries, next_cursor });
    },
  );
}

const canonical = (query: Filters): string =>
  JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));
