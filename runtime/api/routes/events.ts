import { z } from "@hono/zod-openapi";
import { fitting, jsonSize, MOST_ANSWER_BYTES } from "../../domain/answer.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import { noSuch, TriggersError } from "../../domain/errors/errors.ts";
import { type Identity, tenantOf } from "../../domain/identity/identity.ts";
import { deliveryId, eventId, timeOf, type Ulid, ulidIn } from "../../domain/ids.ts";
import { type Millis, rfc3339 } from "../../domain/time.ts";
import { findSoon } from "../../store/batches/find.ts";
import { readableEvents } from "../../store/batches/payloads.ts";
import { numbered } from "../../store/deliveries/keptAttempts.ts";
import { withStatus } from "../../store/inbox/read.ts";
import { type StoredEvent, writeEvent, writeList } from "../../store/inbox/view.ts";
import type { Api, Deps } from "../deps.ts";
import { EventId, EventIds, InboxEventSchema, jsonBytes, type ReadContext, readContext, splitIds } from "../reads.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";

const TAG = "Events";

/** Events by their ULIDs, with payload, deliveries and status; those that don't exist are left out. */
async function eventsByUlid(
  context: ReadContext,
  identity: Identity,
  ulids: readonly Ulid[],
  now: () => Millis,
): Promise<Map<string, StoredEvent>> {
  const tenant = tenantOf(identity);
  const [found, retentionMs] = await Promise.all([
    findSoon(context.store, tenant, ulids, { body: true, marks: true }, now),
    context.retentionMs(identity),
  ]);
  const places = [...found].filter(([ulid]) => timeOf(ulid) >= now() - retentionMs);
  const byBatch = Map.groupBy(places, ([, { batch }]) => batch.first);
  const loaded = await mapConcurrently([...byBatch.values()], 8, async (group) => {
    const { batch } = group[0]![1];
    const raws = await readableEvents(context.store, batch);
    return {
      batch,
      events: raws === undefined ? [] : group.map(([, { offset }]) => ({ offset, raw: raws[offset]! })),
    };
  });
  loaded.sort((a, b) => (a.batch.first < b.batch.first ? -1 : 1));
  const events = await withStatus(
    context.store,
    tenant,
    loaded,
    (ids) => context.removed(identity, ids),
    Number.POSITIVE_INFINITY,
  );
  return new Map(events.map((event) => [event.ulid, event]));
}

/** @throws TriggersError `not_found` */
export async function eventById(
  context: ReadContext,
  identity: Identity,
  id: string,
  now: () => Millis,
): Promise<StoredEvent> {
  const ulid = ulidIn("evt", id)!;
  const event = (await eventsByUlid(context, identity, [ulid], now)).get(ulid);
  if (event === undefined) throw noSuch("event", id);
  return event;
}

const StageSchema = z.object({
  stage: z.enum(["accepted", "routed", "stored", "attempt", "acknowledged"]),
  at: Timestamp,
  duration_ms: z
    .number()
    .openapi({ description: "Time since the stage before; of an attempt, since the one before it." }),
  delivery_id: z.string().optional(),
  subscription_id: z.string().optional(),
  attempt: z.number().int().optional(),
  latency_ms: z.number().optional().openapi({ description: "How long the subscriber took." }),
  status_code: z.number().int().nullable().optional(),
  error: z.string().nullable().optional(),
});
type Stage = z.infer<typeof StageSchema>;

/** The stages of an event in the order of their times. */
function journeyOf({ batch, offset, deliveries }: StoredEvent): Stage[] {
  const accepted = timeOf(batch.first);
  const stored = batch.stored_at ?? batch.routed_at;
  // A clock of another machine may be a little behind: time spent is never negative.
  const since = (at: Millis, before: number) => Math.max(0, at - before);
  const stages: Stage[] = [
    { stage: "accepted", at: rfc3339(accepted), duration_ms: 0 },
    { stage: "routed", at: rfc3339(batch.routed_at), duration_ms: since(batch.routed_at, accepted) },
    { stage: "stored", at: rfc3339(stored), duration_ms: since(stored, batch.routed_at) },
  ];
  const later: Stage[] = [];
  for (const { item } of deliveries) {
    let before = item.replay_id === undefined ? stored : timeOf(item.replay_id.slice(4));
    for (const { attempt, number } of numbered(item)) {
      const at = Date.parse(attempt.at);
      later.push({
        stage: "attempt",
        at: attempt.at,
        duration_ms: since(at, before),
        delivery_id: deliveryId(item.first, item.subscription_id, item.replay_id),
        subscription_id: item.subscription_id,
        attempt: number,
        latency_ms: attempt.latency_ms,
        status_code: attempt.status_code,
        error: attempt.error,
      });
      before = at + attempt.latency_ms;
    }
  }
  const acknowledged = batch.acknowledged[offset];
  if (acknowledged !== undefined) {
    later.push({
      stage: "acknowledged",
      at: rfc3339(acknowledged),
      duration_ms: since(acknowledged, stored),
    });
  }
  return [...stages, ...later.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))];
}

export function register(app: Api, deps: Deps): void {
  const context = readContext(deps);

  route(
    app,
    {
      method: "get",
      path: "/events/{id}",
      tag: TAG,
      summary: "Read an event",
      description:
        "With its deliveries and every attempt. An event accepted less than five seconds ago is waited for, up to a second.",
      scope: "events:read",
      params: EventId,
      responses: { 200: { description: "The event.", schema: InboxEventSchema } },
    },
    async (c, { params }) => {
      const event = await eventById(context, c.get("identity"), params.id, deps.now);
      c.set("events", 1);
      return jsonBytes(writeEvent(event));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/events/lookup",
      tag: TAG,
      summary: "Read up to 1,000 events by their ids",
      description: "In the order asked for. `missing` names those that don't exist.",
      scope: "events:read",
      body: EventIds,
      responses: {
        200: {
          description: "The events found.",
          schema: z.object({ events: z.array(InboxEventSchema), missing: z.array(z.string()) }),
        },
      },
      errors: ["unprocessable"],
    },
    async (c, { body }) => {
      const { ulids, malformed } = splitIds(body.event_ids);
      const found = await eventsByUlid(context, c.get("identity"), ulids, deps.now);
      const events = ulids.flatMap((ulid) => found.get(ulid) ?? []);
      const missing = [...ulids.filter((ulid) => !found.has(ulid)).map(eventId), ...malformed];
      const answer = writeList("events", events.map(writeEvent), { missing });
      if (answer.length > MOST_ANSWER_BYTES) {
        throw new TriggersError("unprocessable", "These events together exceed what one answer holds; ask for fewer.");
      }
      c.set("events", events.length);
      return jsonBytes(answer);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/events/{id}/journey",
      tag: TAG,
      summary: "What happened to an event, stage by stage",
      description:
        "`routed` is when it was decided who gets it, `stored` when its write began: how long that took is part of the wait for the first attempt, which counts from there.",
      scope: "events:read",
      params: EventId,
      responses: {
        200: {
          description: "The stages by time.",
          schema: z.object({
            stages: z.array(StageSchema),
            more_stages: z.number().int().optional().openapi({
              description: "Later stages that did not fit into the answer; only where there are any.",
            }),
          }),
        },
      },
    },
    async (c, { params }) => {
      const all = journeyOf(await eventById(context, c.get("identity"), params.id, deps.now));
      const stages = fitting(all, jsonSize);
      const more_stages = all.length - stages.length;
      return c.json({ stages: [...stages], ...(more_stages > 0 ? { more_stages } : {}) });
    },
  );
}
