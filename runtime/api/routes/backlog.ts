import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { PAGE_BYTES } from "../../domain/answer.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { requireScope } from "../../domain/identity/identity.ts";
import { eventId } from "../../domain/ids.ts";
import { findEvents } from "../../store/batches/find.ts";
import { readableEvents } from "../../store/batches/payloads.ts";
import { settleDelivery } from "../../store/deliveries/changeDelivery.ts";
import { deliveriesOf } from "../../store/deliveries/deliveriesOf.ts";
import { attemptsMade } from "../../store/deliveries/keptAttempts.ts";
import { type Owed, owedOffsets, readBacklog } from "../../store/deliveries/readDeliveries.ts";
import { withStatus } from "../../store/inbox/read.ts";
import { type StoredEvent, shownSize, writeEvent, writeList } from "../../store/inbox/view.ts";
import { asCaller } from "../asCaller.ts";
import { listQuery, otherFilters, pageOf, readCursor, signCursor } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { knownTo } from "../masks.ts";
import { previewer } from "../preview.ts";
import { EventIds, InboxEventSchema, jsonBytes, readContext, splitIds } from "../reads.ts";
import { route } from "../route.ts";
import { FaultSchema, PreviewSchema } from "./dryRun.ts";
import { liveSubscription, SubscriptionId } from "./subscriptions.ts";

const TAG = "Subscriptions";
/** Read together: each holds up to 1,000,000 bytes of payloads. */
const BATCHES_AT_ONCE = 8;

/** Push falls over to pull: what a subscription has not received can be read like an inbox. */
export function register(app: Api, deps: Deps): void {
  const context = readContext(deps);
  const mustExist = (c: Context<ApiEnv>, id: string) =>
    asCaller(deps, c, (tx) => liveSubscription(tx, c.get("tenant"), id));

  /** The first events that are owed, as many as fit into an answer; `all` says that no others are left out. */
  async function firstOf(
    c: Context<ApiEnv>,
    owed: readonly Owed[],
    sizeOf: (event: StoredEvent) => number,
  ): Promise<{ events: readonly StoredEvent[]; all: boolean }> {
    const batches = [...Map.groupBy(owed, ({ batch }) => batch).entries()];
    const removed = (ids: readonly string[]) => context.removed(c.get("identity"), ids);
    const events: StoredEvent[] = [];
    let size = 0;
    for (let from = 0; from < batches.length; from += BATCHES_AT_ONCE) {
      const loaded = await mapConcurrently(
        batches.slice(from, from + BATCHES_AT_ONCE),
        BATCHES_AT_ONCE,
        async ([batch, places]) => {
          const raws = await readableEvents(context.store, batch);
          const own = raws === undefined ? [] : places.map(({ offset }) => ({ offset, raw: raws[offset]! }));
          return { batch, events: own };
        },
      );
      for (const event of await withStatus(context.store, c.get("tenant"), loaded, removed, Number.POSITIVE_INFINITY)) {
        size += sizeOf(event) + 1;
        if (events.length > 0 && size > PAGE_BYTES) return { events, all: false };
        events.push(event);
      }
    }
    return { events, all: true };
  }

  /** These events, each with the post that would deliver it. */
  async function withRequests(c: Context<ApiEnv>, id: string, events: readonly StoredEvent[]): Promise<Buffer[]> {
    const show = previewer(deps);
    const known = await knownTo(deps, c);
    const target = (await show.targets(c.get("tenant"), [id])).get(id);
    return mapConcurrently(events, 8, async (event) => {
      const { batch, offset, raw, deliveries } = event;
      const { first, types, key_name } = batch;
      const sample = { first, types, offset, raw: known(raw), key_name };
      const owing = deliveries.find(
        ({ item }) => item.subscription_id === id && owedOffsets(batch, item).includes(offset),
      )?.item;
      const { replay_id, retried_by } = owing ?? {};
      const post = {
        attempt: (owing === undefined ? 0 : attemptsMade(owing)) + 1,
        replay_id,
        told_replay: retried_by ?? replay_id,
      };
      const made = async () => {
        try {
          return { request: target && (await show.preview(target, sample, post)) };
        } catch (error) {
          // Delivering it would fail for the same reason: the others of the page are read all the same.
          if (!(error instanceof TriggersError)) throw error;
          return { request_error: { code: error.code, message: error.message } };
        }
      };
      const text = writeEvent(event);
      return Buffer.concat([text.subarray(0, -1), Buffer.from(`,${JSON.stringify(await made()).slice(1)}`)]);
    });
  }

  route(
    app,
    {
      method: "get",
      path: "/subscriptions/{id}/backlog",
      tag: TAG,
      summary: "Read what a subscription has not received",
      description:
        "The events, oldest first, whose delivery is held back, waits for another attempt, or was given up. Reading changes nothing. With `requests=true`, which also needs the scope `subscriptions`, each has the post that would deliver it alone, signed now: a program that pulls hands it on as it is.",
      scope: "events:read",
      params: SubscriptionId,
      query: z.strictObject({
        ...listQuery,
        order: z.enum(["asc", "desc"]).optional().openapi({ default: "asc", description: "By the time of receipt." }),
        requests: z.enum(["true", "false"]).optional().openapi({
          default: "false",
          description: "Adds the post that would deliver each event, signed: its headers and its body.",
        }),
      }),
      responses: pageOf(
        "events",
        InboxEventSchema.extend({
          request: PreviewSchema.optional(),
          request_error: FaultSchema.optional().openapi({
            description: "Why nothing could be sent, in place of `request`.",
          }),
        }),
      ),
    },
    async (c, { params, query }) => {
      // It shows rows of reference tables, and signatures.
      if (query.requests === "true") requireScope(c.get("identity"), "subscriptions");
      await mustExist(c, params.id);
      const tenant = c.get("tenant");
      const purpose = `${tenant}:backlog:${params.id}`;
      type Cursor = { readonly o: "asc" | "desc"; readonly a: string };
      const before = query.cursor === undefined ? undefined : await readCursor<Cursor>(deps, purpose, query.cursor);
      if (before !== undefined && query.order !== undefined && query.order !== before.o) throw otherFilters();
      const order = before?.o ?? query.order ?? "asc";
      const { owed, next } = await readBacklog(
        context.store,
        { tenant, subscription_id: params.id },
        { order, after: before?.a },
        { limit: query.limit, now: deps.now },
      );
      // With its post, an event stands there once by itself, and once as text within JSON, where quotes are escaped.
      const sizeOf = (event: StoredEvent) => shownSize(event) + (query.requests === "true" ? event.raw.length * 2 : 0);
      const { events, all } = await firstOf(c, owed, sizeOf);
      const texts = query.requests === "true" ? await withRequests(c, params.id, events) : events.map(writeEvent);
      const reached = all ? next : events.at(-1)!.ulid;
      const next_cursor = reached === null ? null : await signCursor(deps, purpose, { o: order, a: reached });
      c.set("events", texts.length);
      return jsonBytes(writeList("events", texts, { next_cursor }));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/subscriptions/{id}/backlog/ack",
      tag: TAG,
      summary: "Acknowledge events of a subscription's backlog",
      description: "They count as delivered and are not sent. It is safe to repeat the call.",
      scope: "events:read",
      params: SubscriptionId,
      body: EventIds,
      responses: {
        200: {
          description:
            "Number of events that will not be sent to this subscription now, and ids that were not in its backlog.",
          schema: z.object({ acknowledged: z.number().int(), missing: z.array(z.string()) }),
        },
      },
    },
    async (c, { params, body }) => {
      await mustExist(c, params.id);
      const tenant = c.get("tenant");
      const { ulids, malformed } = splitIds(body.event_ids);
      const found = await findEvents(context.store, tenant, ulids, { now: deps.now(), body: false });
      const groups = [...Map.groupBy(found, ([, { batch }]) => batch.first).values()];
      const items = await deliveriesOf(
        context.store,
        tenant,
        groups.map((group) => group[0]![1].batch.first),
        Number.POSITIVE_INFINITY,
      );
      const known = new Set<string>();
      await mapConcurrently(groups, 16, async (group) => {
        const { batch } = group[0]![1];
        const own = (items.get(batch.first) ?? []).filter((item) => item.subscription_id === params.id);
        const offsets = new Set(group.map(([, { offset }]) => offset));
        for (const [ulid, { offset }] of group) {
          const matched = batch.matched[params.id]?.includes(offset) ?? false;
          if (matched || own.some((item) => item.indexes.includes(offset))) known.add(ulid);
        }
        for (const item of own) {
          await settleDelivery(context.store.events, item, offsets, (current) => owedOffsets(batch, current));
        }
      });
      const missing = ulids.filter((ulid) => !known.has(ulid));
      return c.json({ acknowledged: known.size, missing: [...missing.map(eventId), ...malformed] });
    },
  );
}
