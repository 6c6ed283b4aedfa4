import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { findJob, insertJob, listJobs, saveJob } from "../../database/jobs.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { invalidBody, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import type { Identity } from "../../domain/identity/identity.ts";
import { newId, parseDeliveryId, ulidIn } from "../../domain/ids.ts";
import { DEFAULT_REPLAY_RATE, type Job, jobStatuses, type ReplayRequest } from "../../domain/job.ts";
import { rfc3339 } from "../../domain/time.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { startJob } from "../backfill.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { BodyMillis } from "../reads.ts";
import { route } from "../route.ts";
import { Timestamp, TypePattern, ulidParam } from "../schemas.ts";

const TAG = "Replays";

const EventTypes = z
  .union([TypePattern, z.array(TypePattern).min(1).max(50)])
  .openapi({ description: "An event type or a pattern of them, or several." });
const Rate = z.number().int().min(1).max(10_000).openapi({
  description:
    "Events per second, on average at most; by default 5,000, and never more than the customer may send. An event counts for each subscription that it goes to. The events of one request are handed on together, once the time that it takes at this rate has passed: 60 events of one request at 5 per second go after 12 seconds.",
});

export const ReplaySchema = z
  .object({
    replay_id: z.string(),
    status: z.enum(jobStatuses),
    matched: z.number().int().openapi({ description: "Events that matched a subscription so far." }),
    sent: z.number().int().openapi({ description: "Deliveries' events handed on so far." }),
    progress: z.record(z.string(), z.number()),
    request: z.record(z.string(), z.unknown()),
    error: z.string().optional(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Replay");

const ReplayBody = z.strictObject({
  from: BodyMillis.optional().openapi({ description: "Received at or after; needed unless `event_ids` are given." }),
  to: BodyMillis.optional().openapi({ description: "Received before; by default now." }),
  event_type: EventTypes.optional(),
  event_ids: z.array(z.string().max(100)).min(1).max(1_000).optional(),
  subscription_ids: z.array(z.string().max(100)).min(1).max(1_000).optional().openapi({
    description: "Only to these, as far as they match; by default to every subscription that matches today.",
  }),
  rate_per_second: Rate.optional(),
});

const DeadLetterBody = z.strictObject({
  delivery_ids: z.array(z.string().max(100)).min(1).max(1_000).optional(),
  event_ids: z.array(z.string().max(100)).min(1).max(1_000).optional(),
  subscription_id: z.string().max(100).optional(),
  event_type: EventTypes.optional(),
  from: BodyMillis.optional(),
  to: BodyMillis.optional(),
  rate_per_second: Rate.optional(),
});

const ReplayId = z.object({ id: ulidParam("rpl") });

export const viewReplay = (job: Job) => ({
  replay_id: job.job_id,
  status: job.status,
  matched: job.progress.matched ?? 0,
  sent: job.progress.sent ?? 0,
  progress: job.progress,
  request: job.request,
  ...(typeof job.result?.error === "string" ? { error: job.result.error } : {}),
  created_at: job.created_at,
  updated_at: job.updated_at,
});

/** @throws TriggersError `invalid_request` naming the first invalid id of the list */
function checkIds(ids: readonly string[] | undefined, member: string, isId: (id: string) => boolean): void {
  const at = (ids ?? []).findIndex((id) => !isId(id));
  if (at >= 0) throw invalidBody({ path: `/${member}/${at}`, message: "is not such an id" });
}

/**
 * Adds the job of a replay, tells the audit log and hands it on, all or nothing.
 * @param subscriptions that have to be there: `unprocessable` where one is not
 */
export async function beginReplay(
  deps: Deps,
  c: Context<ApiEnv>,
  request: ReplayRequest,
  subscriptions: readonly string[],
): Promise<Job> {
  const identity = c.get("identity");
  const tenant = c.get("tenant");
  const now = deps.now();
  return change(deps, c, identity.customer_id, async (tx, tell) => {
    if (subscriptions.length > 0) {
      const rows = await tx
        .selectFrom("subscriptions")
        .select("subscription_id")
        .where("tenant", "=", tenant)
        .where("status", "<>", "removed")
        .where("subscription_id", "in", subscriptions)
        .execute();
      const known = new Set(rows.map((row) => row.subscription_id));
      const unknown = subscriptions.findIndex((id) => !known.has(id));
      if (unknown >= 0) {
        throw new TriggersError("unprocessable", `There is no subscription ${subscriptions[unknown]}.`, {
          details: [{ path: `/subscription_ids/${unknown}`, message: "names no subscription" }],
        });
      }
    }
    const job = await insertJob(
      tx,
      {
        job_id: newId("rpl", now),
        kind: "replay",
        tenant,
        customer_id: identity.customer_id,
        request: { ...request },
        progress: { matched: 0, sent: 0 },
        created_by: identity.key_id,
      },
      now,
    );
    tell(job.job_id, { request });
    await startJob(deps, tenant, job.job_id);
    return job;
  });
}

/** A replay is no faster than the customer may send. */
export const replayRate = (asked: number | undefined, { limit_per_second }: Identity): number =>
  Math.min(asked ?? DEFAULT_REPLAY_RATE, limit_per_second);

export function register(app: Api, deps: Deps): void {
  const shared = (body: z.output<typeof DeadLetterBody>, identity: Identity) => ({
    ...defined({
      from: mapDefined(body.from, rfc3339),
      to: mapDefined(body.to, rfc3339),
      event_type: body.event_type,
      event_ids: mapDefined(body.event_ids, (event_ids) => [...new Set(event_ids)]),
    }),
    rate_per_second: replayRate(body.rate_per_second, identity),
  });

  route(
    app,
    {
      method: "post",
      path: "/replays",
      idempotent: true,
      tag: TAG,
      summary: "Deliver recorded events again",
      description:
        "Ids and `received_at` stay; each delivery carries `triggers-replay-id`. Events past the retention come from the archive.",
      scope: "events:read",
      action: "replay.create",
      body: ReplayBody,
      responses: { 202: { description: "Read it at its own URL.", schema: ReplaySchema } },
      errors: ["unprocessable"],
    },
    async (c, { body }) => {
      if (body.event_ids === undefined && body.from === undefined) {
        throw invalidBody({ path: "/from", message: "is needed unless `event_ids` are given" });
      }
      checkIds(body.event_ids, "event_ids", (id) => ulidIn("evt", id) !== undefined);
      checkIds(body.subscription_ids, "subscription_ids", (id) => ulidIn("sub", id) !== undefined);
      const subscriptions = [...new Set(body.subscription_ids ?? [])];
      const request: ReplayRequest = {
        ...shared(body, c.get("identity")),
        // What arrives from now on is delivered anyway.
        to: rfc3339(Math.min(body.to ?? Number.POSITIVE_INFINITY, deps.now() + 1)),
        ...(subscriptions.length === 0 ? {} : { subscription_ids: subscriptions }),
      };
      return c.json(viewReplay(await beginReplay(deps, c, request, subscriptions)), 202);
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/dead-letters/replay",
      idempotent: true,
      tag: "Deliveries",
      summary: "Retry dead letters",
      description: "By their ids, by events, or by a filter. Each starts its schedule of retries again.",
      scope: "events:read",
      action: "dead_letters.replay",
      body: DeadLetterBody,
      optionalBody: true,
      responses: { 202: { description: "Read it at `GET /replays/{id}`.", schema: ReplaySchema } },
      errors: ["unprocessable"],
    },
    async (c, { body }) => {
      checkIds(body.event_ids, "event_ids", (id) => ulidIn("evt", id) !== undefined);
      checkIds(body.delivery_ids, "delivery_ids", (id) => parseDeliveryId(id) !== undefined);
      const request: ReplayRequest = {
        ...shared(body, c.get("identity")),
        dead_letters: true,
        ...defined({
          delivery_ids: mapDefined(body.delivery_ids, (delivery_ids) => [...new Set(delivery_ids)]),
          subscription_ids: mapDefined(body.subscription_id, (subscription_id) => [subscription_id]),
        }),
      };
      return c.json(viewReplay(await beginReplay(deps, c, request, [])), 202);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/replays",
      tag: TAG,
      summary: "List replays",
      description: "The newest first.",
      scope: "events:read",
      query: z.strictObject(listQuery),
      responses: pageOf("replays", ReplaySchema),
    },
    async (c, { query }) => {
      const tenant = c.get("tenant");
      const list = await openList<string>(deps, `${tenant}:replays`, query);
      const rows = await asCaller(deps, c, (tx) => listJobs(tx, tenant, ["replay"], list.after, list.toRead));
      const { items, next_cursor } = await list.page(rows, viewReplay, ({ job_id }) => job_id);
      return c.json({ replays: items, next_cursor });
    },
  );

  const found = async (c: Context<ApiEnv>, id: string): Promise<Job> => {
    const job = await asCaller(deps, c, (tx) => findJob(tx, id, c.get("tenant")));
    if (job?.kind !== "replay") throw noSuch("replay", id);
    return job;
  };

  route(
    app,
    {
      method: "get",
      path: "/replays/{id}",
      tag: TAG,
      summary: "Read a replay and its progress",
      scope: "events:read",
      params: ReplayId,
      responses: { 200: { description: "The replay.", schema: ReplaySchema } },
    },
    async (c, { params }) => c.json(viewReplay(await found(c, params.id))),
  );

  route(
    app,
    {
      method: "post",
      path: "/replays/{id}/cancel",
      idempotent: true,
      tag: TAG,
      summary: "Cancel a replay",
      description:
        "It stops within about two seconds; what was handed on by then (`sent`) is still delivered. Repeating it is harmless.",
      scope: "events:read",
      action: "replay.cancel",
      params: ReplayId,
      responses: { 200: { description: "The replay, cancelled.", schema: ReplaySchema } },
      errors: ["conflict"],
    },
    async (c, { params }) => {
      const job = await found(c, params.id);
      if (job.status === "cancelled") return c.json(viewReplay(job));
      const cancelled = await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const saved = await saveJob(tx, params.id, { status: "cancelled" }, deps.now());
        if (saved !== undefined) tell(params.id, { sent: saved.progress.sent ?? 0 });
        return saved ?? (await findJob(tx, params.id, c.get("tenant")))!;
      });
      if (cancelled.status !== "cancelled") {
        throw new TriggersError("conflict", `The replay is over already: it ${cancelled.status}.`);
      }
      return c.json(viewReplay(cancelled));
    },
  );
}
