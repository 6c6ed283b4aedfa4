import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { LambdaFunctionURLEvent } from "aws-lambda";
import { bodyExamples } from "../../runtime/api/bodyExamples.ts";
import type { Deps } from "../../runtime/api/deps.ts";
import { answerOf, requestOf } from "../../runtime/api/functionUrl.ts";
import { type AskCube, queryMetrics } from "../../runtime/counters/metrics.ts";
import { cubeFilesIn } from "../../runtime/cube/files.ts";
import { cubeReaderOf } from "../../runtime/cube/read.ts";
import { saveAlerts } from "../../runtime/database/alerts.ts";
import { asService } from "../../runtime/database/roles.ts";
import { channelKinds } from "../../runtime/domain/alerts/alert.ts";
import { alertKinds, severities } from "../../runtime/domain/alerts/kinds.ts";
import { errorCatalog } from "../../runtime/domain/errors/errors.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity, PATH_HEADER } from "../../runtime/domain/identity/identity.ts";
import { newId } from "../../runtime/domain/ids.ts";
import { dimensions, errorClasses, measures } from "../../runtime/domain/metrics/names.ts";
import { problemsIn } from "../../runtime/store/problems.ts";
import { operator, startApi, type TestApi } from "../support/api.ts";
import { serve } from "../support/service.ts";
import { memoryS3 } from "../support/storage.ts";
import type { Dice } from "./random.ts";

/**
 * Random calls of every route of the management API, as function URLs hand them over: paths, queries, headers and bodies
 * that were right before something in them was changed. Ids that answers name are used again, so that calls meet objects.
 */
type Json = unknown;

const HOSTILE: readonly Json[] = [
  ...["", " ", "\u0000", "\ud800", "%", "%2F", "../..", "'", '"', "\\", "`;--", "é😀", "\u202e"],
  ...["__proto__", "constructor", "toString", "null", "NaN", "-0", "1e400", "9007199254740993", "0001-01-01T00:00:00Z"],
  ...["9999-12-31T23:59:59.999+14:00", "2026-13-01T00:00:00Z", "x".repeat(300), "x".repeat(20_000), "$", "$..*", "**"],
  ...[0, -1, 1.5, 1e308, 2 ** 53, true, false, null, [], {}, [[]], [null], { a: { b: {} } }, { __proto__: null, x: 1 }],
];
const SELECTORS: readonly Json[] = [
  "order.*",
  "$.event_type == 'order.created'",
  { cel: "event.amount > 100.0 && event.items.exists(i, i == 1)" },
  { cel: "1 / 0 > event.a" },
  { jsonpath: "$.lines[?@.qty > 10]", event_type: ["a", "b"] },
  { cel: "matches(event.s, '(a+)+$')" },
];
const time = "2026-11-25T10:00:00Z";
const hook = (n: number) => `https://hooks.example.com/${n}`;

/** Values that some parameter takes. */
const GOOD = [
  "10",
  "true",
  "all",
  "asc",
  time,
  "2026-11-25T10:00:00+01:00",
  "order.*",
  "hour",
  "active",
  "event.a > 1",
];
const maybe = (chance: Dice, members: Readonly<Record<string, Json>>): object =>
  Object.fromEntries(Object.entries(members).filter(() => chance.oneIn(2)));
const metricsQuery = (chance: Dice): Json => ({
  measures: [chance.pick(measures), ...(chance.oneIn(2) ? [chance.pick(measures)] : [])],
  ...(chance.oneIn(2)
    ? { last: chance.pick(["1m", "6h", "24h", "30d", "400d", "3650d", "9999999w", "0h"]) }
    : {
        from: chance.pick([time, "2020-02-29T00:00:00+05:45", "0001-01-01T00:00:00Z"]),
        to: chance.pick([time, "9999-12-31T23:59:59Z"]),
      }),
  ...maybe(chance, {
    interval: chance.pick(["auto", "minute", "hour", "day", "none"]),
    time_zone: chance.pick([
      "UTC",
      "Asia/Kathmandu",
      "America/St_Johns",
      "Pacific/Apia",
      "+05:30",
      "EST5EDT",
      "Europe/Nowhere",
    ]),
    group_by: [chance.pick(dimensions), chance.pick(dimensions)],
    filter: { [chance.pick(dimensions)]: [chance.pick(["a", null, "delivered", ...errorClasses])] },
    top: chance.pick([1, 20, 100, 101]),
    compare: chance.pick(["previous", "week"]),
    histogram: true,
  }),
});
const alertRule = (chance: Dice): Json => ({
  ...{ name: "Too many failures", kind: chance.pick(alertKinds) },
  ...maybe(chance, {
    query: { measures: [chance.pick(measures)], last: chance.pick(["15m", "24h"]), filter: { event_type: ["a"] } },
    threshold: chance.pick([0, 0.05, 1, 5_000, 1e308]),
    for_minutes: chance.pick([0, 10, 1_440]),
    severity: chance.pick(severities),
    channels: ["chn_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
    filter: { workflow_id: ["w", null] },
    enabled: false,
  }),
});
const TARGETS = {
  email: "ops@example.com",
  sms: "+447700900123",
  slack: "https://hooks.slack.com/services/T0/B0/x",
  webhook: hook(0),
};
const report = (chance: Dice): Json => ({
  name: "Week",
  template: chance.pick([
    "weekly",
    "monthly",
    [{ title: "Mine", query: metricsQuery(chance), chart: chance.pick(["line", "bar", "number", "table"]) }],
  ]),
  ...maybe(chance, {
    schedule: {
      every: chance.pick(["day", "week", "month"]),
      at: chance.pick(["00:00", "23:59"]),
      time_zone: "Asia/Kolkata",
    },
    recipients: ["ops@example.com"],
  }),
});

/** A body that is right, by method and path; for the others there are the contract's examples. */
const BODIES: Readonly<Record<string, (chance: Dice) => Json>> = {
  "POST /events/dry-run": (chance) => chance.pick([{ event_type: "order.created", amount: 5 }, [{}, { a: [1, "x"] }]]),
  "POST /events/lookup": () => ({ event_ids: ["evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"] }),
  "POST /inbox/ack": () => ({ event_ids: ["evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"] }),
  "POST /inbox/delete": () => ({ event_ids: ["evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"] }),
  "POST /subscriptions/{id}/backlog/ack": () => ({ event_ids: ["evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"] }),
  "POST /subscriptions": (chance) => ({
    webhook_url: hook(chance.below(1_000_000)),
    event_selector: chance.pick(SELECTORS),
    transform: { extract: { a: "$.b" }, rename: { a: "c" }, omit: ["$.d"] },
    headers: { "x-a": "b" },
    max_batch: 10,
    format: "payload",
  }),
  "PATCH /subscriptions/{id}": (chance) => ({ event_selector: chance.pick(SELECTORS), status: "disabled" }),
  "POST /subscriptions/import": (chance) => ({
    subscriptions: [{ webhook_url: hook(chance.below(1_000_000)), event_selector: "a" }],
  }),
  "POST /subscriptions/rehearse": (chance) => ({ event_selector: chance.pick(SELECTORS), from: time, limit: 10 }),
  "POST /subscriptions/{id}/rotate-secret": () => ({ overlap_seconds: 60 }),
  "POST /subscriptions/{id}/test": () => ({ event_type: "a", payload: { a: 1 } }),
  "PUT /event-types/{type}": () => ({ type: "object", required: ["id"], properties: { id: { pattern: "^a+$" } } }),
  "POST /event-types/rehearse": () => ({ event_type: "a", schema: { required: ["id"] }, limit: 10 }),
  "PUT /reference-tables/{name}": () => ({ rows: { a: { price: 1.5 }, constructor: { x: "y" } } }),
  "POST /replays": () => ({ from: time, to: "2026-11-26T10:00:00+01:00", event_type: ["a"], rate_per_second: 5 }),
  "POST /dead-letters/replay": () => ({ event_type: "a", from: time }),
  "POST /keys": () => ({
    name: "k",
    scopes: ["events:write"],
    limit_per_second: 5,
    allowed_origins: ["https://a.example"],
  }),
  "POST /keys/{key_id}/rotate": () => ({ overlap_seconds: 5 }),
  "POST /customers": () => ({ name: "c", limit_per_second: 5 }),
  "PATCH /customers/{customer_id}": () => ({ name: "d", limit_per_second: 6 }),
  "POST /privacy/exports": () => ({ subject: { jsonpath: "$.user.email", equals: "a@b.c" } }),
  "POST /privacy/erasures": () => ({ subject: { jsonpath: "$.user.email", equals: 1 } }),
  "PUT /retention": () => ({ days: 30, metrics_days: 400 }),
  "POST /metrics/query": metricsQuery,
  "POST /alert-rules": alertRule,
  "POST /alert-rules/preview": alertRule,
  "PATCH /alert-rules/{id}": alertRule,
  "POST /alert-channels": (chance) => {
    const kind = chance.pick(channelKinds);
    return { kind, target: TARGETS[kind], time_zone: "Europe/Berlin" };
  },
  "POST /reports": report,
  "POST /reports/preview": report,
  "PATCH /reports/{id}": report,
  "POST /incidents": (chance) => ({
    ...{ kind: chance.pick(["incident", "maintenance"]), title: "Database upgrade" },
    ...maybe(chance, {
      message: "m",
      components: ["database", "queue"],
      impact: "down",
      starts_at: time,
      ends_at: "2026-11-26T10:00:00+01:00",
    }),
  }),
  "PATCH /incidents/{incident_id}": () => ({ status: "resolved", ends_at: time }),
};

interface Operation {
  readonly method: string;
  readonly path: string;
  /** Names, and values that each takes. */
  readonly query: ReadonlyMap<string, readonly Json[]>;
  readonly needed: readonly string[];
  /** Whether it is the operator's own. */
  readonly operators: boolean;
  /** What ids in its path begin with, by the parameter's name. */
  readonly prefixes: ReadonlyMap<string, string>;
}

/** The value with something in it changed. */
function spoil(value: Json, chance: Dice): Json {
  if (chance.oneIn(4) || typeof value !== "object" || value === null) return chance.pick(HOSTILE);
  if (Array.isArray(value)) {
    if (chance.oneIn(5)) return Array.from({ length: chance.below(1_200) }, () => value[0] ?? chance.pick(HOSTILE));
    const at = chance.below(value.length + 1);
    return [...value.slice(0, at), spoil(value[at], chance), ...value.slice(at + 1)];
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || chance.oneIn(6)) {
    const name = chance.pick(["extra", "__proto__", "constructor", "", "x".repeat(300), "\u0000"]);
    return Object.fromEntries([...entries, [name, chance.pick(HOSTILE)]]);
  }
  const at = chance.below(entries.length);
  if (chance.oneIn(5)) return Object.fromEntries(entries.filter((_, i) => i !== at));
  return Object.fromEntries(entries.map(([name, each], i) => [name, i === at ? spoil(each, chance) : each]));
}

const asText = (value: Json): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

export interface ManagementOutcome {
  readonly status: number;
  readonly call: string;
  /** What is wrong with the answer, undefined when nothing is. */
  readonly wrong: string | undefined;
}

export interface Management {
  run(chance: Dice): Promise<ManagementOutcome>;
  close(): Promise<void>;
}

/** What the function that has the cube answers, over one without a file. */
const emptyCube = { read: cubeReaderOf(cubeFilesIn(memoryS3(new Map()), "cube")) };
const askCube = (deps: Deps, { tenant, limit_per_second, query, now, workflows }: Parameters<AskCube>[0]) =>
  queryMetrics(
    {
      counters: { dynamodb: deps.dynamodb, name: deps.env.METRICS_TABLE },
      now: () => now,
      workflows: async () => new Map(workflows),
      cube: emptyCube,
    },
    { tenant, limit_per_second },
    query,
  );

/** A parameter as the contract documents it. */
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}
interface Schema {
  readonly description?: string;
  readonly enum?: readonly Json[];
  readonly example?: Json;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}
const valuesIn = ({ enum: list = [], example, items, anyOf = [] }: Schema): readonly Json[] => [
  ...list,
  ...(example === undefined ? [] : [example]),
  ...[...anyOf, ...(items === undefined ? [] : [items])].flatMap(valuesIn),
];

/** What no call makes: a problem, and an alert that is firing. */
async function begin({ deps, database, call }: TestApi, live: Identity): Promise<void> {
  const now = deps.now();
  await problemsIn({ dynamodb: deps.dynamodb, name: deps.env.EVENTS_TABLE }, deps.now).failed({
    ...{ tenant: live.customer_id, subscription_id: newId("sub", now), error: "http_5xx", status_code: 503 },
    ...{ attempts: 1, events: 1, first_at: now, last_at: now, sample_delivery_id: "dlv_first", well: false },
  });
  const { body } = await call(live, "GET", "/alert-rules");
  const watch = {
    state: "firing",
    since: now,
    seen_at: now,
    value: 0.5,
    calm_since: null,
    severity: "critical",
  } as const;
  await asService(database.db, (tx) =>
    saveAlerts(
      tx,
      live.customer_id,
      [{ rule: body.alert_rules[0], watch, changes: ["firing"], at: now, value: 0.5 }],
      now,
    ),
  );
}

/** @param words only routes whose path holds one of them; all where there is none */
export async function management(words: readonly string[] = []): Promise<Management> {
  const failures: string[] = [];
  const api = await startApi({
    // An item of usage for each call, as tests write them, would make reading usage what is measured here.
    countUsage: async () => {},
    sqs: { send: async () => ({ Successful: [], Failed: [] }) } as unknown as SQSClient,
    log: (...line: unknown[]) => failures.push(JSON.stringify(line).slice(0, 1_500)),
    lambda: {
      send: async ({ input }: { input: { Payload: Uint8Array } }) => {
        const request = JSON.parse(Buffer.from(input.Payload).toString("utf8"));
        const tested = {
          request: { headers: {}, body: "" },
          delivered: true,
          status_code: 200,
          latency_ms: 1,
          error: null,
        };
        const answer =
          request.op === "test"
            ? tested
            : request.op === "send"
              ? { sent: true, error: null }
              : request.op === "query"
                ? await askCube(api.deps, request)
                : await serve(api.database.db, request as never, Date.now());
        return { Payload: Buffer.from(JSON.stringify(answer)) };
      },
    } as unknown as LambdaClient,
  });
  const { live, sandbox } = await api.customer();
  await begin(api, live);
  const weak: Identity = { ...live, scopes: ["events:write"], allowed_origins: ["https://a.example"] };
  const document = (await (await api.app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, { description?: string; parameters?: Parameter[] }>>;
  };
  // Some parts that /health asks are stand-ins here: it rightly says that they are away.
  const { "/health": _, ...paths } = document.paths;
  const wanted = Object.entries(paths).filter(
    ([path]) => words.length === 0 || words.some((word) => path.includes(word)),
  );
  const operations = wanted.flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, { description = "", parameters = [] }]): Operation => ({
        method: method.toUpperCase(),
        path,
        query: new Map(
          parameters.filter((each) => each.in === "query").map(({ name, schema = {} }) => [name, valuesIn(schema)]),
        ),
        operators: description.includes("Needs the operator's key."),
        needed: parameters.filter((each) => each.in === "query" && each.required === true).map(({ name }) => name),
        prefixes: new Map(
          parameters.flatMap(({ name, schema }) => {
            const [, prefix] = /`(\w+)_`/.exec(schema?.description ?? "") ?? [];
            return prefix === undefined ? [] : [[name, prefix] as const];
          }),
        ),
      }),
    ),
  );
  if (operations.length === 0) throw new Error(`no route has ${words.join(" or ")} in its path`);
  /** Ids and cursors that answers named, by their kind; the newest few. */
  const known = new Map<string, string[]>();
  const learn = (text: string) => {
    const found = [
      ...text.matchAll(/\b(?<kind>[a-z]{3})_[0-9A-HJKMNP-TV-Z]{26}[a-z\d]*\b/g),
      ...text.matchAll(/(?<="next_)(?<kind>cursor)":"(?<value>[^"]+)/g),
    ];
    for (const { 0: id, groups } of found) {
      // The caller itself stays what it is.
      if (id === live.customer_id || id === live.key_id || id === sandbox.key_id) continue;
      const { kind, value = id } = groups as { readonly kind: string; readonly value?: string };
      known.set(kind, [value, ...(known.get(kind) ?? [])].slice(0, 50));
    }
  };

  function pathOf({ path, prefixes }: Operation, chance: Dice): string {
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      if (chance.oneIn(5))
        return chance.oneIn(8) ? chance.pick(["%", "%ff", "%zz", "%00", "a/b"]) : encoded(asText(chance.pick(HOSTILE)));
      const prefix = prefixes.get(name);
      if (prefix === undefined) return chance.pick(["order.created", "a", "__proto__", "a%2Fb"]);
      return chance.pick(known.get(prefix) ?? [`${prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV`]);
    });
  }

  function saidValue(values: readonly Json[], chance: Dice): string {
    if (chance.oneIn(3)) return encoded(asText(chance.pick(HOSTILE)).slice(0, 2_000));
    if (chance.oneIn(10)) return "%FF";
    return encoded(asText(chance.pick(values.length > 0 && !chance.oneIn(5) ? values : GOOD)));
  }

  function queryOf({ query, needed }: Operation, chance: Dice): string {
    const names = needed.filter(() => !chance.oneIn(6));
    while (chance.oneIn(2) && names.length < 6)
      names.push(
        query.size > 0 && !chance.oneIn(8) ? chance.pick([...query.keys()]) : asText(chance.pick(HOSTILE)).slice(0, 50),
      );
    return names
      .map((name) => {
        const values = name === "cursor" ? (known.get(name) ?? []) : (query.get(name) ?? []);
        return `${encoded(name)}=${saidValue(values, chance)}`;
      })
      .join("&");
  }

  function bodyOf(operation: Operation, chance: Dice): Buffer {
    const name = `${operation.method} ${operation.path}`;
    const right = BODIES[name]?.(chance) ?? bodyExamples[name];
    if (right === undefined) return chance.oneIn(20) ? Buffer.from("{}") : Buffer.alloc(0);
    const value = chance.oneIn(3) ? right : spoil(right, chance);
    const bytes = Buffer.from(JSON.stringify(value) ?? "");
    if (!chance.oneIn(6)) return bytes;
    const at = chance.below(bytes.length + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([chance.below(256)]),
      bytes.subarray(at + chance.below(3)),
    ]);
  }

  const headersOf = (chance: Dice): Record<string, string> => ({
    "content-type": chance.oneIn(20) ? chance.pick(["text/plain", "", "application/x+json"]) : "application/json",
    ...(chance.oneIn(6) ? { "idempotency-key": chance.pick(["a", "b", "", "x".repeat(300)]) } : {}),
    ...(chance.oneIn(20) ? { "content-encoding": chance.pick(["gzip", "zstd", "br"]) } : {}),
    ...(chance.oneIn(20) ? { "if-match": chance.pick(['"1"', "*", "W/x", '"'.repeat(50)]) } : {}),
    ...(chance.oneIn(10) ? { origin: chance.pick(["https://a.example", "null", "x"]) } : {}),
  });

  /** @param bodiless the answer to HEAD */
  function judge(
    path: string,
    bodiless: boolean,
    status: number,
    headers: Readonly<Record<string, unknown>>,
    text: string,
  ): string | undefined {
    if (status >= 500) return `it was answered ${status}: ${failures.at(-1) ?? text.slice(0, 500)}`;
    if (!/^req_/.test(String(headers["x-request-id"]))) return "it has no request id";
    if (headers["cache-control"] !== "no-store" && !path.startsWith("/docs/")) return "it may be stored on the way";
    if (status < 400 || bodiless) return undefined;
    let error: { code?: string; details?: { message?: string }[] } | undefined;
    try {
      ({ error } = JSON.parse(text));
    } catch {}
    const { code, details = [] } = error ?? {};
    if (
      code === "invalid_request" &&
      !(details.length > 0 && details.every(({ message = "" }) => !["", "Invalid input"].includes(message)))
    )
      return `it doesn't say what is wrong: ${text.slice(0, 500)}`;
    const entry = errorCatalog[error?.code as keyof typeof errorCatalog] as { status: number } | undefined;
    return entry?.status === status ? undefined : `${String(error?.code)} came with ${status}`;
  }

  return {
    async run(chance) {
      const operation = chance.pick(operations);
      const method = chance.oneIn(30)
        ? chance.pick(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
        : operation.method;
      const path = pathOf(operation, chance);
      const query = queryOf(operation, chance);
      const body = bodyOf(operation, chance);
      const who = operation.operators ? operator : chance.pick([live, live, live, sandbox, weak]);
      const event = {
        rawPath: path,
        rawQueryString: query,
        headers: { ...headersOf(chance), [PATH_HEADER]: path, [IDENTITY_HEADER]: encodeIdentity(who) },
        requestContext: { http: { method }, domainName: "api.lambda-url.us-east-1.on.aws" },
        ...(body.length === 0 ? {} : { body: body.toString("base64") }),
        isBase64Encoded: true,
      } as unknown as LambdaFunctionURLEvent;
      const answer = await answerOf(await api.app.fetch(requestOf(event)));
      if (typeof answer !== "object") throw new Error("the answer is no object");
      const { statusCode = 0, headers = {}, body: text = "" } = answer;
      learn(text);
      const wrong = judge(path, method === "HEAD", statusCode, headers, text);
      const call = `${method} ${path.slice(0, 300)}?${query.slice(0, 300)} ${body.toString("base64").slice(0, 2_000)}`;
      return { status: statusCode, call, wrong };
    },
    close: () => api.close(),
  };
}
