import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { LambdaFunctionURLEvent } from "aws-lambda";
import { answerOf, requestOf } from "../../runtime/api/functionUrl.ts";
import { errorCatalog } from "../../runtime/domain/errors/errors.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity, PATH_HEADER } from "../../runtime/domain/identity/identity.ts";
import { operator, startApi } from "../support/api.ts";
import { serve } from "../support/service.ts";
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

/** A body that is right, by method and path. */
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
  "PUT /retention": () => ({ days: 30 }),
};

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
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

export async function management(): Promise<Management> {
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
        const answer = request.op === "test" ? tested : await serve(api.database.db, request as never, Date.now());
        return { Payload: Buffer.from(JSON.stringify(answer)) };
      },
    } as unknown as LambdaClient,
  });
  const { live, sandbox } = await api.customer();
  const weak: Identity = { ...live, scopes: ["events:write"], allowed_origins: ["https://a.example"] };
  const document = (await (await api.app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
  };
  // Some parts that /health asks are stand-ins here: it rightly says that they are away.
  const { "/health": _, ...paths } = document.paths;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, { parameters = [] }]): Operation => ({
        method: method.toUpperCase(),
        path,
        query: parameters.filter((each) => each.in === "query").map(({ name }) => name),
      }),
    ),
  );
  /** Ids that answers named, by prefix; the newest few. */
  const known = new Map<string, string[]>();
  const learn = (text: string) => {
    for (const [id] of text.matchAll(/\b(sub|key|rpl|prv|cus|evt)_[0-9A-HJKMNP-TV-Z]{26}\b/g)) {
      // The caller itself stays what it is.
      if (id === live.customer_id || id === live.key_id || id === sandbox.key_id) continue;
      const list = known.get(id.slice(0, 3)) ?? [];
      known.set(id.slice(0, 3), [id, ...list].slice(0, 50));
    }
  };

  function pathOf({ path }: Operation, chance: Dice): string {
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      if (chance.oneIn(5))
        return chance.oneIn(8) ? chance.pick(["%", "%ff", "%zz", "%00", "a/b"]) : encoded(asText(chance.pick(HOSTILE)));
      if (name === "type" || name === "name") return chance.pick(["order.created", "a", "__proto__", "a%2Fb"]);
      const prefix = path.startsWith("/subscriptions")
        ? "sub"
        : path.startsWith("/keys")
          ? "key"
          : path.startsWith("/replays")
            ? "rpl"
            : path.startsWith("/privacy")
              ? "prv"
              : path.startsWith("/customers")
                ? "cus"
                : path.startsWith("/deliveries")
                  ? "dlv"
                  : "evt";
      return chance.pick(known.get(prefix) ?? [`${prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV`]);
    });
  }

  function queryOf({ query }: Operation, chance: Dice): string {
    const pairs: string[] = [];
    while (chance.oneIn(2) && pairs.length < 6) {
      const name =
        query.length > 0 && !chance.oneIn(8) ? chance.pick(query) : asText(chance.pick(HOSTILE)).slice(0, 50);
      const good = chance.pick([
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
      ]);
      const value = chance.oneIn(2)
        ? encoded(asText(chance.pick(HOSTILE)).slice(0, 2_000))
        : chance.oneIn(10)
          ? "%FF"
          : good;
      pairs.push(`${encoded(name)}=${value}`);
    }
    return pairs.join("&");
  }

  function bodyOf(operation: Operation, chance: Dice): Buffer {
    const right = BODIES[`${operation.method} ${operation.path}`]?.(chance);
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
    bodiless: boolean,
    status: number,
    headers: Readonly<Record<string, unknown>>,
    text: string,
  ): string | undefined {
    if (status >= 500) return `it was answered ${status}: ${failures.at(-1) ?? text.slice(0, 500)}`;
    if (!/^req_/.test(String(headers["x-request-id"]))) return "it has no request id";
    if (headers["cache-control"] !== "no-store") return "it may be stored on the way";
    if (status < 400 || bodiless) return undefined;
    let error: { code?: string } | undefined;
    try {
      ({ error } = JSON.parse(text));
    } catch {}
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
      const who = operation.path.startsWith("/customers") ? operator : chance.pick([live, live, live, sandbox, weak]);
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
      const wrong = judge(method === "HEAD", statusCode, headers, text);
      const call = `${method} ${path.slice(0, 300)}?${query.slice(0, 300)} ${body.toString("base64").slice(0, 2_000)}`;
      return { status: statusCode, call, wrong };
    },
    close: () => api.close(),
  };
}
