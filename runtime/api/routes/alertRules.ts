import { z } from "@hono/zod-openapi";
import type { Selectable } from "kysely";
import { rehearseRule } from "../../counters/alertNumbers.ts";
import { changeRule, deleteRule, ensureRules, findRule, insertRule, listRules } from "../../database/alertRules.ts";
import { endAlerts } from "../../database/alerts.ts";
import type { Tx } from "../../database/roles.ts";
import type { AlertRuleTable } from "../../database/schema.ts";
import { alertKinds, severities, usualRule } from "../../domain/alerts/kinds.ts";
import { type RuleDefinition, RuleQuery, watchedBy } from "../../domain/alerts/rule.ts";
import { defined } from "../../domain/defined.ts";
import { invalidBody, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { grainFor } from "../../domain/metrics/facts.ts";
import { dimensionsIn, MetricsQuery, type MetricsQueryInput } from "../../domain/metrics/query.ts";
import { rfc3339 } from "../../domain/time.ts";
import { asCaller } from "../asCaller.ts";
import { change, mustBeRemoved } from "../audited.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";
import { readerOf } from "./metrics.ts";

const TAG = "Alerts";

const Filter = MetricsQuery.shape.filter.unwrap();
const members = {
  name: z.string().trim().min(1).max(200),
  kind: z.enum(alertKinds),
  query: RuleQuery.nullable().meta({
    description:
      "What a `metric` rule watches: one measure, over `last` (1 minute unless it says). For `metric` alone.",
  }),
  threshold: z.number().min(0).openapi({
    description:
      "It rings above this: a share from 0 to 1 (`error_rate`, `quota`), milliseconds (`latency`), a count (`dead_letters`), what the measure says (`metric`).",
  }),
  for_minutes: z.number().int().min(0).max(1_440).openapi({ description: "How long it has to last; 0 rings at once." }),
  severity: z.enum(severities),
  channels: z
    .array(z.string().max(100))
    .max(20)
    .openapi({ description: "Ids of channels; used once they are verified." }),
  filter: Filter.nullable().meta({ description: "What counts; as in `POST /metrics/query`." }),
  enabled: z.boolean(),
};
const RuleSchema = z
  .object({
    rule_id: z.string(),
    ...members,
    query: z.record(z.string(), z.unknown()).nullable(),
    filter: z.record(z.string(), z.unknown()).nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("AlertRule");

/** Minutes for which counts by all dimensions together are at hand. */
const JOINT_MINUTES = 360;

/** @returns one message for each member that does not go with the kind */
function kindFaults(rule: Pick<RuleDefinition, "kind" | "query" | "filter" | "threshold">): [string, string][] {
  const faults: [string, string][] = [];
  if (rule.kind === "metric" && rule.query === null) faults.push(["query", "is needed for the kind `metric`"]);
  if (rule.kind !== "metric" && rule.query !== null) faults.push(["query", "goes with the kind `metric` alone"]);
  if (rule.kind === "api_down" && rule.filter !== null) faults.push(["filter", "has no meaning for `api_down`"]);
  if (rule.kind === "metric" && rule.query !== null) {
    const { query, window } = watchedBy(rule);
    if (window > JOINT_MINUTES && grainFor(dimensionsIn(query!)) === "joint")
      faults.push(["query", "looks back 6 hours at most where it combines several of type, key and subscription"]);
  }
  if ((rule.kind === "error_rate" || rule.kind === "quota") && rule.threshold > 1)
    faults.push(["threshold", "is a share from 0 to 1: 0.05 is 5 %"]);
  return faults;
}

const RuleBody = z.strictObject({
  name: members.name,
  kind: members.kind,
  query: members.query.optional(),
  threshold: members.threshold.optional(),
  for_minutes: members.for_minutes.optional(),
  severity: members.severity.optional(),
  channels: members.channels.optional(),
  filter: members.filter.optional(),
  enabled: members.enabled.optional(),
});
type RuleInput = z.output<typeof RuleBody>;
const PreviewBody = RuleBody.extend({ name: members.name.optional() });
const RulePatch = RuleBody.partial();

const RuleId = z.object({ id: ulidParam("rul") });

/** A query as rules keep it: the members that were sent, without the schema's defaults. */
const kept = (query: z.output<typeof RuleQuery>): MetricsQueryInput => ({
  measures: query.measures,
  ...defined({ last: query.last }),
  ...(Object.keys(query.filter).length === 0 ? {} : { filter: query.filter }),
});

/** @throws TriggersError `invalid_request` naming what does not go together */
function definitionOf(input: Omit<RuleInput, "name"> & { name?: string | undefined }): RuleDefinition {
  const usual = usualRule[input.kind];
  return checkedRule({
    name: input.name ?? input.kind,
    kind: input.kind,
    query: input.query === undefined || input.query === null ? null : kept(input.query),
    threshold: input.threshold ?? usual.threshold,
    for_minutes: input.for_minutes ?? usual.for_minutes,
    severity: input.severity ?? usual.severity,
    channels: [...new Set(input.channels ?? [])],
    filter: filterOf(input.filter),
    enabled: input.enabled ?? true,
  });
}

const filterOf = (filter: RuleInput["filter"]): RuleDefinition["filter"] =>
  filter === undefined || filter === null || Object.keys(filter).length === 0 ? null : filter;

function checkedRule(rule: RuleDefinition): RuleDefinition {
  const faults = kindFaults(rule);
  if (faults.length === 0) return rule;
  throw invalidBody(...faults.map(([member, message]) => ({ path: `/${member}`, message })));
}

const viewRule = ({ rule_id, definition, created_at, updated_at }: Selectable<AlertRuleTable>) => ({
  rule_id,
  ...definition,
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
});

/** @throws TriggersError `unprocessable` naming the first channel that is not there */
async function checkChannels(tx: Tx, tenant: Tenant, channels: readonly string[]): Promise<void> {
  if (channels.length === 0) return;
  const rows = await tx
    .selectFrom("alert_channels")
    .select("channel_id")
    .where("tenant", "=", tenant)
    .where("channel_id", "in", channels)
    .execute();
  const known = new Set(rows.map(({ channel_id }) => channel_id));
  const unknown = channels.findIndex((id) => !known.has(id));
  if (unknown < 0) return;
  throw new TriggersError("unprocessable", `There is no channel ${channels[unknown]}.`, {
    details: [{ path: `/channels/${unknown}`, message: "names no channel" }],
  });
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "get",
      path: "/alert-rules",
      tag: TAG,
      summary: "List alert rules",
      description: "The oldest first. Every customer begins with five.",
      scope: "events:read",
      query: z.strictObject(listQuery),
      responses: pageOf("alert_rules", RuleSchema),
    },
    async (c, { query }) => {
      const tenant = c.get("tenant");
      const list = await openList<string>(deps, `${tenant}:alert-rules`, query);
      const rows = await asCaller(deps, c, async (tx) => {
        await ensureRules(tx, tenant, deps.now());
        return listRules(tx, tenant, list.after ?? "", list.toRead);
      });
      const { items, next_cursor } = await list.page(rows, viewRule, ({ rule_id }) => rule_id);
      return c.json({ alert_rules: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/alert-rules",
      idempotent: true,
      tag: TAG,
      summary: "Create an alert rule",
      description: "Members that are left out are as in the rule of that kind that every customer begins with.",
      scope: "subscriptions",
      action: "alert_rule.create",
      body: RuleBody,
      responses: { 201: { description: "The rule.", schema: RuleSchema } },
      errors: ["unprocessable", "limit_reached"],
    },
    async (c, { body }) => {
      const rule = definitionOf(body);
      const tenant = c.get("tenant");
      const row = await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        await checkChannels(tx, tenant, rule.channels);
        const added = await insertRule(tx, tenant, rule, deps.now());
        tell(added.rule_id, { rule });
        return added;
      });
      return c.json(viewRule(row), 201);
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/alert-rules/preview",
      tag: TAG,
      summary: "See when a rule would have rung in the last 30 days",
      description:
        "The last hours by the minute, what is older by the quarter of an hour: each of its minutes counts as the quarter does.",
      scope: "events:read",
      body: PreviewBody,
      responses: {
        200: {
          description: "When it would have rung, the oldest first.",
          schema: z.object({
            from: Timestamp,
            to: Timestamp,
            count: z.number().int(),
            firing_minutes: z.number().int().openapi({ description: "How long it would have rung in all." }),
            alerts: z.array(
              z.object({
                since: Timestamp,
                fired_at: Timestamp,
                resolved_at: Timestamp.nullable().openapi({ description: "Null where it would ring now." }),
                severity: z.enum(severities),
                value: z.number().openapi({ description: "The highest while it rang." }),
              }),
            ),
          }),
        },
      },
    },
    async (c, { body }) => {
      const { customer_id, limit_per_second } = c.get("identity");
      const measured = { tenant: c.get("tenant"), limit_per_second };
      const { from, to, rung } = await rehearseRule(readerOf(deps, customer_id), measured, definitionOf(body));
      const lasted = rung.reduce((sum, { fired_at, resolved_at }) => sum + (resolved_at ?? to) - fired_at, 0);
      return c.json({
        from: rfc3339(from),
        to: rfc3339(to),
        count: rung.length,
        firing_minutes: Math.round(lasted / 60_000),
        alerts: rung.map(({ since, fired_at, resolved_at, severity, peak }) => ({
          since: rfc3339(since),
          fired_at: rfc3339(fired_at),
          resolved_at: resolved_at === null ? null : rfc3339(resolved_at),
          severity,
          value: peak,
        })),
      });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/alert-rules/{id}",
      tag: TAG,
      summary: "Read an alert rule",
      scope: "events:read",
      params: RuleId,
      responses: { 200: { description: "The rule.", schema: RuleSchema } },
    },
    async (c, { params }) => {
      const row = await asCaller(deps, c, (tx) => findRule(tx, c.get("tenant"), params.id));
      if (row === undefined) throw noSuch("alert rule", params.id);
      return c.json(viewRule(row));
    },
  );

  route(
    app,
    {
      method: "patch",
      path: "/alert-rules/{id}",
      tag: TAG,
      summary: "Change an alert rule",
      description: "Any member of creation. Counts from the next minute; switched off, what it has firing resolves.",
      scope: "subscriptions",
      action: "alert_rule.update",
      params: RuleId,
      body: RulePatch,
      responses: { 200: { description: "The rule as changed.", schema: RuleSchema } },
      errors: ["unprocessable"],
    },
    async (c, { params, body }) => {
      const tenant = c.get("tenant");
      const row = await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        if (body.channels !== undefined) await checkChannels(tx, tenant, body.channels);
        const { query, filter, channels, ...plain } = body;
        const changed = await changeRule(
          tx,
          tenant,
          params.id,
          (before) =>
            checkedRule({
              ...before,
              ...defined(plain),
              ...(query === undefined ? {} : { query: query === null ? null : kept(query) }),
              ...(filter === undefined ? {} : { filter: filterOf(filter) }),
              ...(channels === undefined ? {} : { channels: [...new Set(channels)] }),
            }),
          deps.now(),
        );
        if (changed === undefined) throw noSuch("alert rule", params.id);
        if (!changed.definition.enabled) await endAlerts(tx, params.id, "rule_disabled", deps.now());
        tell(params.id, { ...body });
        return changed;
      });
      return c.json(viewRule(row));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/alert-rules/{id}",
      tag: TAG,
      summary: "Delete an alert rule",
      description: "What it has firing resolves; its history stays.",
      scope: "subscriptions",
      action: "alert_rule.delete",
      params: RuleId,
      responses: { 204: { description: "Deleted, now or before." } },
    },
    async (c, { params }) => {
      await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const there = await deleteRule(tx, c.get("tenant"), params.id, deps.now());
        if (!there) return mustBeRemoved(tx, c, "alert rule", params.id);
        await endAlerts(tx, params.id, "rule_deleted", deps.now());
        tell(params.id);
      });
      return c.body(null, 204);
    },
  );
}
