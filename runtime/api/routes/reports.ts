import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Selectable } from "kysely";
import { reportPage } from "../../counters/reportPage.ts";
import { countDone } from "../../database/audit.ts";
import { countInTurn, refuseBeyond } from "../../database/caps.ts";
import { insertRun, RUNS_KEPT_DAYS, verifiedAddresses } from "../../database/reports.ts";
import type { Tx } from "../../database/roles.ts";
import type { ReportRunTable, ReportTable } from "../../database/schema.ts";
import { invalidBody, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { newId } from "../../domain/ids.ts";
import { MetricsQuery, TimeZone } from "../../domain/metrics/query.ts";
import { rangeOf } from "../../domain/metrics/range.ts";
import { reportHtml, reportSubject, reportText } from "../../domain/reports/page.ts";
import { periods, type ReportDefinition, type Tile } from "../../domain/reports/report.ts";
import { nextRun } from "../../domain/reports/schedule.ts";
import { rangeOfReport, tilesOf } from "../../domain/reports/tiles.ts";
import { DAY_MS, type Millis, rfc3339 } from "../../domain/time.ts";
import { asCaller } from "../asCaller.ts";
import { change, mustBeRemoved } from "../audited.ts";
import { baseUrl } from "../baseUrl.ts";
import { listQuery, openList, pageOf, same } from "../cursor.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { Timestamp, ulidParam } from "../schemas.ts";
import { readerOf } from "./metrics.ts";

const TAG = "Reports";
const MAX_REPORTS = 50;
const MAX_TILES = 12;
const MAX_RECIPIENTS = 50;
/** Runs of a report that are not over. */
const MAX_RUNS = 3;
/** Of all reports of a customer, asked for in a day: each sends up to fifty mails. */
const MAX_RUNS_A_DAY = 100;
const LINK_SECONDS = 900;
/** A mail's styles stand in its markup, and it loads nothing. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
};

const TileSchema = z
  .strictObject({
    title: z.string().trim().min(1).max(120),
    query: MetricsQuery,
    chart: z.enum(["line", "bar", "number", "table"]).optional(),
  })
  .openapi("ReportTile");
const ScheduleSchema = z
  .strictObject({
    every: z.enum(periods).openapi({ description: "Weeks begin on Monday, months on the first." }),
    at: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day: "08:00"')
      .openapi({ example: "08:00" }),
    time_zone: TimeZone,
  })
  .openapi("ReportSchedule");
const members = {
  name: z.string().trim().min(1).max(200),
  template: z.union([z.enum(["weekly", "monthly"]), z.array(TileSchema).min(1).max(MAX_TILES)]).openapi({
    description:
      "`weekly`, `monthly`, or tiles of your own. A tile without a range is about the report's, and one that names no zone counts in the schedule's.",
  }),
  schedule: ScheduleSchema.nullable(),
  recipients: z.array(z.string().max(254)).max(MAX_RECIPIENTS).openapi({
    description: "Addresses that are verified e-mail channels.",
  }),
};
const ReportBody = z.strictObject({
  name: members.name,
  template: members.template,
  schedule: members.schedule.optional(),
  recipients: members.recipients.default([]),
});
const PreviewBody = ReportBody.extend({ name: members.name.default("Report") });
const ReportPatch = z.strictObject({
  name: members.name.optional(),
  template: members.template.optional(),
  schedule: members.schedule.optional(),
  recipients: members.recipients.optional(),
});
const ReportSchema = z
  .object({
    report_id: z.string(),
    name: z.string(),
    template: z.union([z.enum(["weekly", "monthly"]), z.array(z.record(z.string(), z.unknown()))]),
    schedule: ScheduleSchema.nullable(),
    recipients: z.array(z.string()),
    unsubscribed: z.array(z.string()).openapi({ description: "Recipients that have unsubscribed." }),
    next_run_at: Timestamp.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Report");
const RunSchema = z
  .object({
    run_id: z.string(),
    report_id: z.string(),
    status: z.enum(["pending", "running", "succeeded", "failed"]),
    asked_by: z.string().openapi({ description: "Id of the key, or `schedule`." }),
    from: Timestamp.nullable(),
    to: Timestamp.nullable(),
    sent_to: z.array(z.string()),
    html_url: z
      .url()
      .nullable()
      .openapi({ description: "Signed links that need no key, for 15 minutes; kept 7 days." }),
    pdf_url: z.url().nullable(),
    csv_url: z.url().nullable(),
    expires_at: Timestamp.nullable(),
    error: z.string().nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("ReportRun");
const ReportId = z.object({ id: ulidParam("rpt") });

/** What lies in the bucket of exports is deleted after 8 days. */
const KEPT_MS = 7 * DAY_MS;

const viewReport = (row: Selectable<ReportTable>) => ({
  report_id: row.report_id,
  ...row.definition,
  unsubscribed: row.unsubscribed.filter((address) => row.definition.recipients.includes(address)),
  next_run_at: row.next_run_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

const definitionOf = (body: z.output<typeof ReportBody>): ReportDefinition => ({
  name: body.name,
  template: body.template as ReportDefinition["template"] & (string | Tile[]),
  schedule: body.schedule ?? null,
  recipients: [...new Set(body.recipients)],
});

/** @throws TriggersError `invalid_request` naming each tile whose query can't be answered: its range is impossible, or it makes too many points */
function checkTiles(report: ReportDefinition, now: Millis): void {
  if (typeof report.template === "string") return;
  const details = tilesOf(report, rangeOfReport(report, now)).flatMap(({ query }, at) => {
    try {
      rangeOf(MetricsQuery.parse(query), now);
      return [];
    } catch (error) {
      if (!(error instanceof TriggersError)) throw error;
      return (error.details ?? []).map((detail) => ({ ...detail, path: `/template/${at}/query${detail.path ?? ""}` }));
    }
  });
  if (details.length > 0) throw invalidBody(...details);
}

const nextOf = ({ schedule }: ReportDefinition, now: Millis): string | null =>
  schedule === null ? null : rfc3339(nextRun(schedule, now));

/** @throws TriggersError `unprocessable` naming the first address that is not verified */
async function checkRecipients(tx: Tx, tenant: Tenant, recipients: readonly string[]): Promise<void> {
  const verified = new Set(await verifiedAddresses(tx, tenant, recipients));
  const at = recipients.findIndex((address) => !verified.has(address));
  if (at < 0) return;
  throw new TriggersError("unprocessable", `${recipients[at]} is not a verified address.`, {
    details: [{ path: `/recipients/${at}`, message: "is no verified e-mail channel: add it at POST /alert-channels" }],
  });
}

export function register(app: Api, deps: Deps): void {
  const as = <T>(c: Context<ApiEnv>, work: (tx: Tx) => Promise<T>) => asCaller(deps, c, work);
  const find = (tx: Tx, c: Context<ApiEnv>, id: string) =>
    tx
      .selectFrom("reports")
      .selectAll()
      .where("tenant", "=", c.get("tenant"))
      .where("report_id", "=", id)
      .executeTakeFirst();

  async function viewRun(row: Selectable<ReportRunTable>) {
    const { run_id, report_id, status, asked_by, result, created_at, updated_at } = row;
    const kept = result?.objects !== undefined && updated_at.getTime() + KEPT_MS > deps.now();
    const link = async (part: "html" | "pdf" | "csv"): Promise<string | null> =>
      kept
        ? getSignedUrl(deps.s3, new GetObjectCommand({ Bucket: deps.env.EXPORT_BUCKET, Key: result.objects![part] }), {
            expiresIn: LINK_SECONDS,
          })
        : null;
    return {
      run_id,
      report_id,
      status,
      asked_by,
      from: result?.from ?? null,
      to: result?.to ?? null,
      sent_to: [...(result?.sent_to ?? [])],
      html_url: await link("html"),
      pdf_url: await link("pdf"),
      csv_url: await link("csv"),
      expires_at: kept ? rfc3339(deps.now() + LINK_SECONDS * 1_000) : null,
      error: result?.error ?? null,
      created_at: created_at.toISOString(),
      updated_at: updated_at.toISOString(),
    };
  }

  route(
    app,
    {
      method: "get",
      path: "/reports",
      tag: TAG,
      summary: "List reports",
      scope: "events:read",
      query: z.strictObject(listQuery),
      responses: pageOf("reports", ReportSchema, "One page, the oldest first."),
    },
    async (c, { query }) => {
      const list = await openList<string>(deps, `${c.get("tenant")}:reports`, query);
      const rows = await as(c, (tx) =>
        tx
          .selectFrom("reports")
          .selectAll()
          .where("tenant", "=", c.get("tenant"))
          .where("report_id", ">", list.after ?? "")
          .orderBy("report_id")
          .limit(list.toRead)
          .execute(),
      );
      const { items, next_cursor } = await list.page(rows, viewReport, ({ report_id }) => report_id);
      return c.json({ reports: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/reports",
      idempotent: true,
      tag: TAG,
      summary: "Create a report",
      description: "Sent by its schedule, or when `POST /reports/{id}/run` asks for it: a mail, with PDF and CSV.",
      scope: "subscriptions",
      action: "report.create",
      body: ReportBody,
      responses: { 201: { description: "The report.", schema: ReportSchema } },
      errors: ["unprocessable", "limit_reached"],
    },
    async (c, { body }) => {
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      const definition = definitionOf(body);
      checkTiles(definition, deps.now());
      const row = await change(deps, c, customer_id, async (tx, tell) => {
        await countInTurn(tx, tenant, "reports");
        const others = await tx.selectFrom("reports").select("report_id").where("tenant", "=", tenant).execute();
        refuseBeyond("reports", MAX_REPORTS, others.length);
        await checkRecipients(tx, tenant, definition.recipients);
        const added = await tx
          .insertInto("reports")
          .values({
            report_id: newId("rpt", deps.now()),
            tenant,
            customer_id,
            definition: JSON.stringify(definition),
            base_url: baseUrl(deps, c),
            unsubscribed: "[]",
            next_run_at: nextOf(definition, deps.now()),
            created_at: rfc3339(deps.now()),
            updated_at: rfc3339(deps.now()),
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        tell(added.report_id, { definition });
        return added;
      });
      return c.json(viewReport(row), 201);
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/reports/preview",
      tag: TAG,
      summary: "See a report before it is sent",
      description:
        "What the mail would say if it were sent now, of a report that need not be there yet. Nothing is kept or sent. With `Accept: text/html` the mail's own page alone; mails also hold a link to unsubscribe.",
      scope: "events:read",
      body: PreviewBody,
      responses: {
        200: {
          description: "The mail.",
          schema: z.object({ subject: z.string(), from: Timestamp, to: Timestamp, html: z.string(), text: z.string() }),
        },
      },
    },
    async (c, { body }) => {
      const { customer_id, limit_per_second } = c.get("identity");
      const { page, range } = await reportPage(
        { reader: readerOf(deps, customer_id), log: deps.log },
        {
          definition: definitionOf(body),
          tenant: c.get("tenant"),
          limit_per_second,
          base_url: baseUrl(deps, c),
          at: deps.now(),
        },
      );
      const html = reportHtml(page);
      if (c.req.header("accept")?.includes("text/html") === true) return c.body(html, 200, PAGE_HEADERS);
      return c.json({
        subject: reportSubject(page),
        from: rfc3339(range.from),
        to: rfc3339(range.to),
        html,
        text: reportText(page),
      });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/reports/{id}",
      tag: TAG,
      summary: "Read a report",
      scope: "events:read",
      params: ReportId,
      responses: { 200: { description: "The report.", schema: ReportSchema } },
    },
    async (c, { params }) => {
      const row = await as(c, (tx) => find(tx, c, params.id));
      if (row === undefined) throw noSuch("report", params.id);
      return c.json(viewReport(row));
    },
  );

  route(
    app,
    {
      method: "patch",
      path: "/reports/{id}",
      tag: TAG,
      summary: "Change a report",
      description: "Naming a recipient anew, who had unsubscribed, does not subscribe it again.",
      scope: "subscriptions",
      action: "report.update",
      params: ReportId,
      body: ReportPatch,
      responses: { 200: { description: "The report as changed.", schema: ReportSchema } },
      errors: ["unprocessable"],
    },
    async (c, { params, body }) => {
      const row = await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const before = await find(tx, c, params.id);
        if (before === undefined) throw noSuch("report", params.id);
        const definition = {
          ...before.definition,
          ...Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)),
          recipients: [...new Set(body.recipients ?? before.definition.recipients)],
        } as ReportDefinition;
        if (body.template !== undefined || body.schedule !== undefined) checkTiles(definition, deps.now());
        if (body.recipients !== undefined) await checkRecipients(tx, c.get("tenant"), body.recipients);
        const next = body.schedule === undefined ? {} : { next_run_at: nextOf(definition, deps.now()) };
        const changed = await tx
          .updateTable("reports")
          .set({ definition: JSON.stringify(definition), ...next, updated_at: rfc3339(deps.now()) })
          .where("report_id", "=", params.id)
          .returningAll()
          .executeTakeFirstOrThrow();
        tell(params.id, { ...body });
        return changed;
      });
      return c.json(viewReport(row));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/reports/{id}",
      tag: TAG,
      summary: "Delete a report",
      description: "Its runs go with it.",
      scope: "subscriptions",
      action: "report.delete",
      params: ReportId,
      responses: { 204: { description: "Deleted, now or before." } },
    },
    async (c, { params }) => {
      await change(deps, c, c.get("identity").customer_id, async (tx, tell) => {
        const gone = await tx
          .deleteFrom("reports")
          .where("tenant", "=", c.get("tenant"))
          .where("report_id", "=", params.id)
          .returning("report_id")
          .executeTakeFirst();
        if (gone === undefined) return mustBeRemoved(tx, c, "report", params.id);
        tell(params.id);
      });
      return c.body(null, 204);
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/reports/{id}/run",
      idempotent: true,
      tag: TAG,
      summary: "Make and send a report now",
      description: "Over the last whole week or month of its schedule's zone, or what its own tiles ask for.",
      scope: "subscriptions",
      action: "report.run",
      params: ReportId,
      responses: { 202: { description: "Read it at `GET /reports/{id}/runs`.", schema: RunSchema } },
      errors: ["limit_reached"],
    },
    async (c, { params }) => {
      const { customer_id, key_id } = c.get("identity");
      const tenant = c.get("tenant");
      const run = await change(deps, c, customer_id, async (tx, tell) => {
        const report = await find(tx, c, params.id);
        if (report === undefined) throw noSuch("report", params.id);
        await countInTurn(tx, customer_id, "runs of reports");
        const open = await tx
          .selectFrom("report_runs")
          .select("run_id")
          .where("report_id", "=", params.id)
          .where("status", "in", ["pending", "running"])
          .execute();
        refuseBeyond("runs of a report under way", MAX_RUNS, open.length);
        const done = await countDone(tx, customer_id, ["report.run"], deps.now() - DAY_MS);
        refuseBeyond("runs of reports asked for in 24 hours", MAX_RUNS_A_DAY, done);
        const added = await insertRun(tx, { report_id: params.id, tenant, customer_id, asked_by: key_id }, deps.now());
        tell(params.id, { run_id: added.run_id });
        return added;
      });
      try {
        // Where this fails, the next minute's run of the function finds what waits.
        await deps.lambda.send(
          new InvokeCommand({
            FunctionName: deps.env.REPORT_FUNCTION,
            InvocationType: "Event",
            Payload: Buffer.from(JSON.stringify({ run_id: run.run_id })),
          }),
        );
      } catch (cause) {
        deps.log("warn", "api.report_not_started_yet", { run_id: run.run_id, error: String(cause) });
      }
      return c.json(await viewRun(run), 202);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/reports/{id}/runs",
      tag: TAG,
      summary: "List a report's runs",
      description: `The newest first. Kept for ${RUNS_KEPT_DAYS} days.`,
      scope: "events:read",
      params: ReportId,
      query: z.strictObject(listQuery),
      responses: pageOf("runs", RunSchema),
    },
    async (c, { params, query }) => {
      const list = await openList<string>(deps, `${c.get("tenant")}:runs:${params.id}`, query);
      const rows = await as(c, async (tx) => {
        if ((await find(tx, c, params.id)) === undefined) throw noSuch("report", params.id);
        return tx
          .selectFrom("report_runs")
          .selectAll()
          .where("report_id", "=", params.id)
          .$if(list.after !== undefined, (q) => q.where("run_id", "<", list.after!))
          .orderBy("run_id", "desc")
          .limit(list.toRead)
          .execute();
      });
      const views = await Promise.all(rows.map(viewRun));
      const { items, next_cursor } = await list.page(views, same, ({ run_id }) => run_id);
      return c.json({ runs: items, next_cursor });
    },
  );
}
