import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Selectable } from "kysely";
import { ALERTS_KEPT_DAYS } from "../../database/alerts.ts";
import type { Tx } from "../../database/roles.ts";
import type { AlertMessageTable, AlertTable } from "../../database/schema.ts";
import { alertStates } from "../../domain/alerts/alert.ts";
import { alertKinds, severities } from "../../domain/alerts/kinds.ts";
import { noSuch } from "../../domain/errors/errors.ts";
import { rfc3339 } from "../../domain/time.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { listQuery, openList, pageOf, repeatable, same } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { QueryMillis } from "../reads.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";

const TAG = "Alerts";
const MAX_SNOOZE_MINUTES = 10_080;

const AlertSchema = z
  .object({
    alert_id: z.string(),
    rule_id: z.string(),
    name: z.string(),
    kind: z.enum(alertKinds),
    severity: z.enum(severities),
    state: z.enum(alertStates),
    value: z.number().nullable().openapi({ description: "The last that was seen." }),
    threshold: z.number(),
    since: Timestamp,
    fired_at: Timestamp.nullable(),
    resolved_at: Timestamp.nullable(),
    resolution: z.string().nullable().openapi({
      description: "`recovered`, `no_data`, `rule_disabled` or `rule_deleted`; null before it resolves.",
    }),
    cause: z.string().nullable().openapi({ description: "What is suspected." }),
    acknowledged_at: Timestamp.nullable(),
    acknowledged_by: z.string().nullable(),
    snoozed_until: Timestamp.nullable(),
    messages: z.array(
      z.object({
        channel_id: z.string().nullable().openapi({ description: "Null for the event of the customer's own." }),
        change: z.enum(["firing", "escalated", "resolved"]),
        state: z.enum(["pending", "sent", "failed"]),
        attempts: z.number().int(),
        error: z.string().nullable(),
        sent_at: Timestamp.nullable(),
      }),
    ),
  })
  .openapi("Alert");
const AlertId = z.object({ id: ulidParam("alt") });

type Row = Selectable<AlertTable>;
const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

const viewAlert = (row: Row, messages: readonly Selectable<AlertMessageTable>[]) => ({
  alert_id: row.alert_id,
  rule_id: row.rule_id,
  name: row.rule.name,
  kind: row.rule.kind,
  severity: row.severity,
  state: row.state,
  value: row.value,
  threshold: row.rule.threshold,
  since: row.since.toISOString(),
  fired_at: iso(row.fired_at),
  resolved_at: iso(row.resolved_at),
  resolution: row.resolution,
  cause: row.cause,
  acknowledged_at: iso(row.acknowledged_at),
  acknowledged_by: row.acknowledged_by,
  snoozed_until: iso(row.snoozed_until),
  messages: messages
    .filter(({ alert_id }) => alert_id === row.alert_id)
    .map(({ channel_id, change: told, state, attempts, error, sent_at }) => ({
      channel_id,
      change: told as "firing",
      state,
      attempts,
      error,
      sent_at: iso(sent_at),
    })),
});

async function viewed(tx: Tx, rows: readonly Row[]) {
  const ids = rows.map(({ alert_id }) => alert_id);
  const messages =
    ids.length === 0
      ? []
      : await tx.selectFrom("alert_messages").selectAll().where("alert_id", "in", ids).orderBy("message_id").execute();
  return rows.map((row) => viewAlert(row, messages));
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/alerts",
      tag: TAG,
      summary: "What rang, and what does",
      description: `The newest first. \`pending\`: above the threshold, but not yet for as long as the rule says. Kept for ${ALERTS_KEPT_DAYS} days after it ended.`,
      scope: "events:read",
      query: z.strictObject({
        ...listQuery,
        state: repeatable(z.enum(alertStates)).optional().openapi({ description: "In one of these states." }),
        severity: repeatable(z.enum(severities)).optional().openapi({ description: "As severe as one of these." }),
        rule_id: z.string().max(100).optional().openapi({ description: "Of this rule." }),
        from: QueryMillis.optional().openapi({ description: "That began at or after." }),
        to: QueryMillis.optional().openapi({ description: "That began before." }),
      }),
      responses: pageOf("alerts", AlertSchema),
    },
    async (c, { query }) => {
      const { state, severity, rule_id, from, to } = query;
      const filters = JSON.stringify([state, severity, rule_id, from, to]);
      const list = await openList<string>(deps, `${c.get("tenant")}:alerts:${filters}`, query);
      const { items, next_cursor } = await asCaller(deps, c, async (tx) => {
        const rows = await tx
          .selectFrom("alerts")
          .selectAll()
          .where("tenant", "=", c.get("tenant"))
          .$if(state !== undefined, (q) => q.where("state", "in", state!))
          .$if(severity !== undefined, (q) => q.where("severity", "in", severity!))
          .$if(rule_id !== undefined, (q) => q.where("rule_id", "=", rule_id!))
          .$if(from !== undefined, (q) => q.where("since", ">=", new Date(from!)))
          .$if(to !== undefined, (q) => q.where("since", "<", new Date(to!)))
          .$if(list.after !== undefined, (q) => q.where("alert_id", "<", list.after!))
          .orderBy("alert_id", "desc")
          .limit(list.toRead)
          .execute();
        const views = await viewed(tx, rows);
        return list.page(views, same, ({ alert_id }) => alert_id);
      });
      return c.json({ alerts: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/alerts/{id}",
      tag: TAG,
      summary: "Read an alert",
      scope: "events:read",
      params: AlertId,
      responses: { 200: { description: "The alert.", schema: AlertSchema } },
    },
    async (c, { params }) => {
      const [view] = await asCaller(deps, c, async (tx) =>
        viewed(
          tx,
          await tx
            .selectFrom("alerts")
            .selectAll()
            .where("tenant", "=", c.get("tenant"))
            .where("alert_id", "=", params.id)
            .execute(),
        ),
      );
      if (view === undefined) throw noSuch("alert", params.id);
      return c.json(view);
    },
  );

  /** Changes an alert that is there. @param set the columns, from the time */
  const changed = (c: Context<ApiEnv>, id: string, set: object, details: Readonly<Record<string, unknown>> = {}) =>
    change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
      const row = await tx
        .updateTable("alerts")
        .set({ ...set, updated_at: rfc3339(deps.now()) })
        .where("tenant", "=", c.get("tenant"))
        .where("alert_id", "=", id)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw noSuch("alert", id);
      tell(id, details);
      return (await viewed(tx, [row]))[0]!;
    });

  route(
    app,
    {
      method: "post",
      path: "/alerts/{id}/acknowledge",
      idempotent: true,
      tag: TAG,
      summary: "Say that somebody looks after an alert",
      description: "Repeating it is harmless; the recovery is told all the same.",
      scope: "events:read",
      action: "alert.acknowledge",
      params: AlertId,
      responses: { 200: { description: "The alert as it stands.", schema: AlertSchema } },
    },
    async (c, { params }) => {
      const { key_id } = c.get("identity");
      return c.json(await changed(c, params.id, { acknowledged_at: rfc3339(deps.now()), acknowledged_by: key_id }));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/alerts/{id}/snooze",
      idempotent: true,
      tag: TAG,
      summary: "Have no messages of an alert's rule for a while",
      description:
        "Channels get no messages about it until then, even if it rings anew; a recovery is told, and events come as ever.",
      scope: "events:read",
      action: "alert.snooze",
      params: AlertId,
      body: z.strictObject({
        minutes: z.number().int().min(0).max(MAX_SNOOZE_MINUTES).default(60).openapi({ description: "0 ends it." }),
      }),
      optionalBody: true,
      responses: { 200: { description: "The alert as it stands.", schema: AlertSchema } },
    },
    async (c, { params, body }) => {
      const until = body.minutes === 0 ? null : rfc3339(deps.now() + body.minutes * 60_000);
      return c.json(await changed(c, params.id, { snoozed_until: until }, body));
    },
  );
}
