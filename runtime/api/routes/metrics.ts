import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { sql } from "kysely";
import { invokeOver } from "../../aws/service.ts";
import { type MetricsReader, queryMetrics } from "../../counters/metrics.ts";
import { asCustomer } from "../../database/roles.ts";
import type { MetricsAnswer, Series } from "../../domain/metrics/answer.ts";
import { dimensions, measures } from "../../domain/metrics/names.ts";
import { intervals, MetricsQuery } from "../../domain/metrics/query.ts";
import { MAX_POINTS } from "../../domain/metrics/range.ts";
import { numbersOf, type Value } from "../../domain/metrics/values.ts";
import { csvAnswer, wantsCsv } from "../csv.ts";
import type { Api, ApiEnv, Deps } from "../deps.ts";
import { waitingSince, watchOf } from "../health.ts";
import { checked, route } from "../route.ts";
import { Timestamp } from "../schemas.ts";
import { countersOf } from "../usageReads.ts";

const TAG = "Metrics";
/** A second less than this function itself may take. */
const CUBE_TIMEOUT_MS = 28_000;

const LatencySchema = z
  .object({
    p50: z.number(),
    p95: z.number(),
    p99: z.number(),
    count: z.number().int().min(1),
    buckets: z
      .array(z.tuple([z.number(), z.number().int()]))
      .optional()
      .openapi({ description: "Upper bound in ms and count, ascending; with `histogram`." }),
  })
  .openapi("Latency", { description: "Of what was measured; where nothing was, the value is null." });
const ValueSchema = z.union([z.number(), z.null(), LatencySchema]);
const Values = z.record(z.string(), ValueSchema).openapi({ description: "The measures asked for, by name." });
const SeriesSchema = z
  .object({
    key: z.record(z.string(), z.string().nullable()).openapi({
      description: "The values that the series is for, by dimension; `(other)` for all past `top`, null for none.",
    }),
    points: z.array(z.object({ start: Timestamp, partial: z.literal(true).optional() }).catchall(ValueSchema)).openapi({
      description: "One for each interval, with the measures by name; `partial` while it is still filling.",
    }),
    totals: Values,
  })
  .openapi("MetricsSeries");
const Compared = z.object({ from: Timestamp, to: Timestamp, series: z.array(SeriesSchema), totals: Values });
const AnswerSchema = Compared.extend({
  interval: z.enum(intervals),
  time_zone: z.string(),
  complete_until: Timestamp.openapi({ description: "What happened before is counted." }),
  folded: z.number().int().openapi({ description: "Members of the series `(other)`." }),
  compare: Compared.optional(),
}).openapi("MetricsAnswer");

const several = z.union([z.string(), z.array(z.string())]);
/** A parameter that may repeat, one for each value of a list. */
const list = several.transform((value) => [value].flat());

const filterParameters = Object.fromEntries(
  dimensions.map((name) => [`filter[${name}]`, list.optional().openapi({ description: "Repeats." })]),
) as Record<`filter[${(typeof dimensions)[number]}]`, z.ZodOptional<typeof list>>;

/** What a member of the query object means, for where it stands in the address. */
function meaning(name: "last" | "from" | "to" | "interval" | "time_zone" | "top" | "compare" | "histogram") {
  const member = MetricsQuery.shape[name];
  return { description: (member.meta() ?? member.unwrap().meta())?.description ?? "" };
}

/** Parameters of `GET`: the members of the query object, lists repeated. What they say is checked as the object is. */
const Parameters = z.strictObject({
  measures: list.optional().openapi({ description: `Repeats: ${measures.join(", ")}.` }),
  last: z.string().optional().openapi(meaning("last")),
  from: z.string().optional().openapi(meaning("from")),
  to: z.string().optional().openapi(meaning("to")),
  interval: z.string().optional().openapi(meaning("interval")),
  time_zone: z.string().optional().openapi(meaning("time_zone")),
  group_by: list.optional().openapi({ description: `Repeats, twice at most: ${dimensions.join(", ")}.` }),
  ...filterParameters,
  ...(Object.fromEntries(
    dimensions.map((name) => [name, list.optional().openapi({ description: `As \`filter[${name}]\`.` })]),
  ) as Record<(typeof dimensions)[number], z.ZodOptional<typeof list>>),
  top: z.string().optional().openapi(meaning("top")),
  compare: z.string().optional().openapi(meaning("compare")),
  histogram: z.string().optional().openapi(meaning("histogram")),
});

/** A number or a truth value as a parameter writes it; any other text stays a text, which the schema then refuses. */
const asJson = (text: string | undefined, form: RegExp): unknown =>
  text !== undefined && form.test(text) ? JSON.parse(text) : text;

/** The query object that the parameters say. A space of a time was a `+` that its caller left as it is. */
function objectOf(parameters: z.output<typeof Parameters>): unknown {
  const { measures: named, last, from, to, interval, time_zone, group_by, compare } = parameters;
  const filter = Object.fromEntries(
    dimensions.flatMap((name) => {
      const wanted = [...(parameters[name] ?? []), ...(parameters[`filter[${name}]`] ?? [])];
      return wanted.length === 0 ? [] : [[name, wanted]];
    }),
  );
  const members = {
    measures: named ?? [],
    last,
    from: from?.replace(" ", "+"),
    to: to?.replace(" ", "+"),
    interval,
    time_zone,
    group_by,
    ...(Object.keys(filter).length === 0 ? {} : { filter }),
    top: asJson(parameters.top, /^\d{1,9}$/),
    compare,
    histogram: asJson(parameters.histogram, /^(true|false)$/),
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** What queries of the metrics need of the API. */
export const readerOf = (deps: Deps, customerId: string): MetricsReader => ({
  ...countersOf(deps),
  async waitingSince() {
    const measured = await watchOf(deps).metrics();
    return measured === undefined ? undefined : waitingSince(measured, deps.now());
  },
  cube: {
    async ask(request) {
      const answered = await invokeOver(deps.lambda)(deps.env.CUBE_FUNCTION, JSON.stringify(request), CUBE_TIMEOUT_MS);
      return JSON.parse(answered.toString("utf8")) as MetricsAnswer;
    },
  },
  async workflows(tenant) {
    const rows = await asCustomer(deps.db, customerId, (tx) =>
      tx
        .selectFrom("subscriptions")
        .select(["subscription_id", sql<string | null>`definition->>'workflow_id'`.as("workflow_id")])
        .where("tenant", "=", tenant)
        .execute(),
    );
    return new Map(rows.map(({ subscription_id, workflow_id }) => [subscription_id, workflow_id]));
  },
});

function answer(deps: Deps, c: Context<ApiEnv>, query: MetricsQuery): Promise<MetricsAnswer> {
  const { customer_id, limit_per_second } = c.get("identity");
  return queryMetrics(readerOf(deps, customer_id), { tenant: c.get("tenant"), limit_per_second }, query);
}

export function register(app: Api, deps: Deps): void {
  const about = `At most ${MAX_POINTS} points of a series, and of all series together as many as fit into an answer: the fewer measures, the more. Points without facts are there, as zeros, latencies as null. A measure that can't be told apart by what the query names is null.`;
  route(
    app,
    {
      method: "post",
      path: "/metrics/query",
      tag: TAG,
      summary: "Metrics",
      description: about,
      scope: "events:read",
      body: MetricsQuery,
      responses: { 200: { description: "Series, the largest first.", schema: AnswerSchema } },
    },
    async (c, { body }) => c.json(await answer(deps, c, body)),
  );
  route(
    app,
    {
      method: "get",
      path: "/metrics",
      tag: TAG,
      summary: "Metrics, by query parameters",
      description: `The same as \`POST /metrics/query\`; lists repeat: \`measures=events&measures=delivered\`. \`Accept: text/csv\` answers a table of the points. ${about}`,
      scope: "events:read",
      table: true,
      query: Parameters,
      responses: { 200: { description: "Series, the largest first.", schema: AnswerSchema } },
    },
    async (c, { query }) => {
      const asked = checked(MetricsQuery, objectOf(query), "query is");
      const answered = await answer(deps, c, asked);
      return wantsCsv(c) ? csvOf(asked, answered) : c.json(answered);
    },
  );
}

function csvOf(query: MetricsQuery, { series, compare }: MetricsAnswer): Response {
  const head = [
    "start",
    ...query.group_by,
    ...query.measures.flatMap((each) => numbersOf(each, null).map(([name]) => name)),
    "partial",
  ];
  const lines = (some: readonly Series[]) =>
    some.flatMap(({ key, points }) =>
      points.map((point) => [
        point.start,
        ...query.group_by.map((dimension) => key[dimension] ?? null),
        ...query.measures.flatMap((each) => numbersOf(each, point[each] as Value).map(([, number]) => number)),
        point.partial === true ? "true" : "",
      ]),
    );
  return csvAnswer(head, [...lines(series), ...(compare === undefined ? [] : lines(compare.series))]);
}
