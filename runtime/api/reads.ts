import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { LRUCache } from "lru-cache";
import { asCustomer } from "../database/roles.ts";
import { ageOf } from "../domain/age.ts";
import { deliveryStatuses, eventStatuses } from "../domain/event.ts";
import { growing } from "../domain/growing.ts";
import { type Identity, tenantOf } from "../domain/identity/identity.ts";
import { type Ulid, ulidIn } from "../domain/ids.ts";
import { DEFAULT_RETENTION_DAYS } from "../domain/retention.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import type { IsRemoved } from "../store/inbox/view.ts";
import type { Store } from "../store/table.ts";
import { type Deps, eventsOf } from "./deps.ts";
import { QueryTime, Timestamp, ulidParam } from "./schemas.ts";

/** What the routes that read events back have in common. */

const storeOf = (deps: Deps): Store => ({
  events: eventsOf(deps),
  s3: deps.s3,
  payloadBucket: deps.env.PAYLOAD_BUCKET,
});

const RETENTION_CACHE_MS = 5_000;

/** Customer-bound questions to PostgreSQL that reading events asks, with short memories. */
export interface ReadContext {
  readonly store: Store;
  /** Which of these subscriptions are removed. An unknown one counts as present. */
  removed(identity: Identity, subscriptionIds: readonly string[]): Promise<IsRemoved>;
  /** How long the customer's events are kept, ms. */
  retentionMs(identity: Identity): Promise<number>;
}

const contexts = new WeakMap<Deps, ReadContext>();

/** One for all routes, so that they share what it remembers. */
export function readContext(deps: Deps): ReadContext {
  const context = contexts.get(deps) ?? makeContext(deps);
  contexts.set(deps, context);
  return context;
}

function makeContext(deps: Deps): ReadContext {
  // A removal is final, so it may be remembered. A subscription that is present may be removed at any moment, so that is remembered for a
  // moment only.
  const removedIds = new LRUCache<string, boolean>(growing(50_000));
  const retention = new LRUCache<string, { readonly ms: Millis; readonly at: Millis }>(growing(10_000));
  return {
    store: storeOf(deps),
    async removed(identity, ids) {
      const tenant = tenantOf(identity);
      const unknown: string[] = [];
      const gone = new Set<string>();
      for (const id of ids) {
        if (removedIds.has(`${tenant} ${id}`)) gone.add(id);
        else unknown.push(id);
      }
      if (unknown.length > 0) {
        // In one array, however many: an event may have tens of thousands of deliveries.
        const rows = await asCustomer(deps.db, identity.customer_id, (tx) =>
          tx
            .selectFrom("subscriptions")
            .select("subscription_id")
            .where("tenant", "=", tenant)
            .where("status", "=", "removed")
            .where(sql<boolean>`subscription_id = any(${unknown}::text[])`)
            .execute(),
        );
        for (const { subscription_id } of rows) {
          removedIds.set(`${tenant} ${subscription_id}`, true);
          gone.add(subscription_id);
        }
      }
      return (id) => gone.has(id);
    },
    async retentionMs({ customer_id }) {
      const known = retention.get(customer_id);
      if (known !== undefined && ageOf(known.at, deps.now()) < RETENTION_CACHE_MS) return known.ms;
      const row = await asCustomer(deps.db, customer_id, (tx) =>
        tx.selectFrom("customers").select("retention_days").where("customer_id", "=", customer_id).executeTakeFirst(),
      );
      const ms = (row?.retention_days ?? DEFAULT_RETENTION_DAYS) * DAY_MS;
      retention.set(customer_id, { ms, at: deps.now() });
      return ms;
    },
  };
}

/** JSON that is bytes already. */
export const jsonBytes = (bytes: Uint8Array): Response =>
  new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "content-type": "application/json" } });

/** A time in a body, as milliseconds. */
export const BodyMillis = Timestamp.transform((text) => Date.parse(text));

/** A time in a query, as milliseconds. */
export const QueryMillis = QueryTime.transform((text) => Date.parse(text));

export const EventId = z.object({ id: ulidParam("evt") });
export const EventIds = z.strictObject({
  event_ids: z.array(z.string().max(100)).max(1_000).openapi({ description: "At most 1,000 event ids." }),
});

/** Splits ids into ULIDs and malformed ids, which belong to no event. */
export function splitIds(ids: readonly string[]): { ulids: Ulid[]; malformed: string[] } {
  const ulids: Ulid[] = [];
  const malformed: string[] = [];
  for (const id of new Set(ids)) {
    const ulid = ulidIn("evt", id);
    if (ulid === undefined) malformed.push(id);
    else ulids.push(ulid);
  }
  return { ulids, malformed };
}

const AttemptSchema = z.object({
  at: Timestamp,
  status_code: z.number().int().nullable(),
  latency_ms: z.number(),
  error: z.string().nullable().openapi({ description: "Named failure; null on success.", example: "timeout" }),
  error_detail: z.string().optional().openapi({ description: "What happened, where nothing could be sent." }),
  response_excerpt: z.string().optional().openapi({ description: "Up to 1 KB of the answer." }),
});

export const DeliverySchema = z
  .object({
    delivery_id: z.string(),
    subscription_id: z.string(),
    event_ids: z
      .array(z.string())
      .openapi({ description: "The events of the delivery; within an event, that event alone." }),
    status: z.enum(deliveryStatuses),
    attempts: z.array(AttemptSchema),
    attempts_left_out: z.number().int().optional().openapi({
      description: "Attempts that are no longer kept, between the first ten and the newest; only where there are any.",
    }),
    next_attempt_at: Timestamp.nullable(),
    created_at: Timestamp,
    reason: z.string().optional().openapi({ description: "Why its retries ended, or why it was cancelled." }),
    replay_id: z.string().optional().openapi({ description: "Id of the last replay that sent it, as in its posts." }),
  })
  .openapi("Delivery");

export const EventSchema = z
  .object({
    event_id: z.string(),
    event_type: z.string().nullable(),
    received_at: Timestamp,
    payload: z.record(z.string(), z.unknown()).openapi({ description: "The payload, byte for byte as it was sent." }),
  })
  .openapi("Event");

export const InboxEventSchema = EventSchema.extend({
  status: z.enum(eventStatuses),
  acknowledged_at: Timestamp.nullable(),
  deliveries: z.array(DeliverySchema),
  more_deliveries: z.number().int().optional().openapi({
    description: "Deliveries that did not fit into the answer; only where there are any. `GET /deliveries` lists all.",
  }),
}).openapi("InboxEvent");
