import { z } from "@hono/zod-openapi";
import type { Selectable } from "kysely";
import type { Tx } from "../../database/roles.ts";
import type { IncidentTable } from "../../database/schema.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { invalidBody, noSuch } from "../../domain/errors/errors.ts";
import { OPERATOR } from "../../domain/identity/identity.ts";
import { newId } from "../../domain/ids.ts";
import { DAY_MS, type Millis, rfc3339 } from "../../domain/time.ts";
import { change } from "../audited.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";

const TAG = "Platform";

/** Parts of the platform as `GET /status` names them. */
export const parts = ["api", "queue", "database", "delivery"] as const;
export type Part = (typeof parts)[number];

const Kind = z.enum(["incident", "maintenance"]);
const Impact = z.enum(["none", "degraded", "down"]).openapi({
  description: "What it does to the parts that it names, while it is open.",
});
const Title = z.string().trim().min(1).max(200);
const Message = z.string().max(5_000);
const Parts = z.array(z.enum(parts)).max(parts.length);
/** `resolved` ends it now. */
const Open = z.enum(["scheduled", "open", "resolved"]);

export const IncidentSchema = z
  .object({
    incident_id: z.string(),
    kind: Kind,
    title: z.string(),
    message: z.string().nullable(),
    components: Parts,
    impact: Impact,
    status: Open,
    starts_at: Timestamp,
    ends_at: Timestamp.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Incident");
export type Incident = z.infer<typeof IncidentSchema>;

/** @param now milliseconds since the epoch: what is open now, is so by its times */
function viewOf(row: Selectable<IncidentTable>, now: Millis): Incident {
  const { starts_at, ends_at, created_at, updated_at, ...rest } = row;
  const over = ends_at !== null && ends_at.getTime() <= now;
  return {
    ...rest,
    components: rest.components as Part[],
    status: over ? "resolved" : starts_at.getTime() > now ? "scheduled" : "open",
    starts_at: starts_at.toISOString(),
    ends_at: ends_at?.toISOString() ?? null,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}

/** For this time after its end an incident is still told. */
const TOLD_DAYS = 30;
const MOST_TOLD = 50;

/** What is open or scheduled, and what ended in the last 30 days; the newest first, 50 at most. */
export async function recentIncidents(tx: Tx, now: Millis): Promise<Incident[]> {
  const since = rfc3339(now - TOLD_DAYS * DAY_MS);
  const rows = await tx
    .selectFrom("incidents")
    .selectAll()
    .where((where) => where.or([where("ends_at", "is", null), where("ends_at", ">=", new Date(since))]))
    .orderBy("starts_at", "desc")
    .limit(MOST_TOLD)
    .execute();
  return rows.map((row) => viewOf(row, now));
}

/** @throws TriggersError `invalid_request` */
function refuseBackwards(starts: Date, ends: Date | null): void {
  if (ends === null || ends >= starts) return;
  const message = "is before starts_at";
  throw invalidBody({ path: "/ends_at", message });
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "post",
      path: "/incidents",
      idempotent: true,
      tag: TAG,
      summary: "Announce an incident or maintenance",
      description: "`GET /status` shows it at once. Without `starts_at` it begins now.",
      scope: "operator",
      action: "incident.create",
      body: z.strictObject({
        kind: Kind,
        title: Title,
        message: Message.optional(),
        components: Parts.default([]),
        impact: Impact.optional(),
        starts_at: Timestamp.optional(),
        ends_at: Timestamp.nullable().optional(),
      }),
      responses: { 201: { description: "The incident.", schema: IncidentSchema } },
    },
    async (c, { body }) => {
      const now = deps.now();
      const starts = new Date(body.starts_at ?? now);
      const ends = body.ends_at === undefined || body.ends_at === null ? null : new Date(body.ends_at);
      refuseBackwards(starts, ends);
      const incident_id = newId("inc", now);
      const row = await change(deps, c, OPERATOR, async (tx, tell) => {
        tell(incident_id, { kind: body.kind, title: body.title });
        return tx
          .insertInto("incidents")
          .values({
            incident_id,
            kind: body.kind,
            title: body.title,
            message: body.message ?? null,
            components: body.components,
            impact: body.impact ?? (body.kind === "incident" ? "degraded" : "none"),
            starts_at: starts.toISOString(),
            ends_at: ends?.toISOString() ?? null,
            created_at: rfc3339(now),
            updated_at: rfc3339(now),
          })
          .returningAll()
          .executeTakeFirstOrThrow();
      });
      return c.json(viewOf(row, now), 201);
    },
  );

  route(
    app,
    {
      method: "patch",
      path: "/incidents/{incident_id}",
      tag: TAG,
      summary: "Change the text of an incident, or resolve it",
      scope: "operator",
      action: "incident.update",
      params: z.object({ incident_id: ulidParam("inc") }),
      body: z.strictObject({
        title: Title.optional(),
        message: Message.nullable().optional(),
        components: Parts.optional(),
        impact: Impact.optional(),
        status: z.literal("resolved").optional().openapi({ description: "Ends it now." }),
        starts_at: Timestamp.optional(),
        ends_at: Timestamp.nullable().optional(),
      }),
      responses: { 200: { description: "The incident.", schema: IncidentSchema } },
    },
    async (c, { params, body }) => {
      const now = deps.now();
      const row = await change(deps, c, OPERATOR, async (tx, tell) => {
        const found = await tx
          .selectFrom("incidents")
          .selectAll()
          .where("incident_id", "=", params.incident_id)
          .forUpdate()
          .executeTakeFirst();
        if (found === undefined) throw noSuch("incident", params.incident_id);
        const { status, starts_at, ends_at, ...rest } = body;
        const starts = mapDefined(starts_at, (time) => new Date(time)) ?? found.starts_at;
        // An incident that lies in the future is resolved at its beginning, as if it had never happened.
        const resolved = new Date(Math.max(now, starts.getTime()));
        const given = ends_at === undefined ? found.ends_at : ends_at === null ? null : new Date(ends_at);
        const ends = status === "resolved" ? resolved : given;
        refuseBackwards(starts, ends);
        tell(params.incident_id, { changed: Object.keys(body) });
        return tx
          .updateTable("incidents")
          .set({
            ...defined(rest),
            starts_at: starts.toISOString(),
            ends_at: ends?.toISOString() ?? null,
            updated_at: rfc3339(now),
          })
          .where("incident_id", "=", params.incident_id)
          .returningAll()
          .executeTakeFirstOrThrow();
      });
      return c.json(viewOf(row, now), 200);
    },
  );
}
