import { createRoute, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { parseJson } from "../domain/body/managementBody.ts";
import { checkMediaType, decodeBody, tooLarge } from "../domain/body/requestBody.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import { refuseEmptyRange } from "../domain/emptyRange.ts";
import { type ErrorCode, errorCatalog, TriggersError } from "../domain/errors/errors.ts";
import { detailsOf, inWords, inWordsOfQuery } from "../domain/errors/issues.ts";
import {
  BODY_FAULT_HEADER,
  CONTENT_TYPE_HEADER,
  OPERATOR,
  requireScope,
  type Scope,
  tellsMoreWithKey,
} from "../domain/identity/identity.ts";
import { requirePermission } from "../domain/people/roles.ts";
import { bodyExamples } from "./bodyExamples.ts";
import type { Api, ApiEnv } from "./deps.ts";
import { ErrorSchema, isNeverGiven } from "./schemas.ts";

/**
 * One declaration of a route validates, types and documents it. Order of refusals: scope (403), path (400, 404), query (400), media
 * type (415), size (413), JSON and body (400); with one detail for each thing wrong.
 */
export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** In OpenAPI's form: `/keys/{key_id}`. */
  readonly path: string;
  /** The last parameter of the path may hold slashes: a Function URL may have decoded `%2F` before we see it. */
  readonly slashes?: boolean;
  /** Heading in the documentation. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Scope the key needs; `public` for a call that works without a key; `operator` for the operator's own key. */
  readonly scope: Scope | "public" | "operator";
  /** `Accept: text/csv` answers a table. */
  readonly table?: true;
  /** Name of the management change in the audit log, `key.create`. A refusal of it is audited too. */
  readonly action?: string;
  /** It creates or starts something: an `Idempotency-Key` makes sure that it does so once. */
  readonly idempotent?: true;
  /** Path parameters, each decoded once. A parameter that fails to decode is 400; an unknown id (`idIn`) is 404. */
  readonly params?: P;
  /** `z.strictObject`, so that an unknown parameter is refused. */
  readonly query?: Q;
  /** `z.strictObject`, so that an unknown member is refused. */
  readonly body?: B;
  /** Headers that callers may send; documented, not checked here. */
  readonly headers?: z.ZodObject;
  /** An absent body counts as `{}`. */
  readonly optionalBody?: boolean;
  /** The route reads the body's bytes itself (`input.raw`, decoded); `body` only documents it. */
  readonly rawBody?: boolean;
  /** Bytes of the body, encoded and decoded. @default MAX_BODY_BYTES */
  readonly maxBytes?: number;
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly schema?: z.ZodType; readonly contentType?: string }>
  >;
  /** Codes of the catalog this route may answer beyond 400 `invalid_request`, 401, 403, 404 of its object, 500 and 503. */
  readonly errors?: readonly ErrorCode[];
}

export interface RouteInput<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  /** Decoded bytes of the body, with `rawBody`. */
  readonly raw: Uint8Array;
}

/** @throws TriggersError `invalid_request`, with one detail for each thing wrong. @param what `body is`, `query is` */
export function checked<S extends z.ZodType>(
  schema: S | undefined,
  value: unknown,
  what: string,
  words = inWords,
): z.output<S> {
  if (schema === undefined) return {} as z.output<S>;
  const result = schema.safeParse(value, { error: words });
  if (result.success) return result.data;
  const details = detailsOf(result.error).slice(0, 100);
  throw new TriggersError("invalid_request", `The ${what} not valid.`, { details });
}

/** @throws TriggersError `invalid_request` where the query holds an invalid escape (`%zz`) or bytes that are not UTF-8 */
function refuseMalformedQuery(url: string): void {
  const mark = url.indexOf("?");
  if (mark < 0) return;
  const details = url
    .slice(mark + 1)
    .split("&")
    .filter((pair) => !isEncoded(pair))
    .map((pair) => ({
      path: `/${pair.split("=")[0]!.slice(0, 100)}`,
      message: "holds a % that begins no escape, or escapes of bytes that are not UTF-8; a % itself is %25",
    }));
  if (details.length > 0) throw new TriggersError("invalid_request", "The query is not valid.", { details });
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function queryOf(c: Context<ApiEnv>): Record<string, string | string[]> {
  refuseMalformedQuery(c.req.url);
  const query = Object.entries(c.req.queries()).map(([name, values]) => [
    name,
    values.length > 1 ? values : values[0]!,
  ]);
  return Object.fromEntries(query) as Record<string, string | string[]>;
}

async function rawBody(c: Context<ApiEnv>, limit: number | undefined): Promise<Uint8Array> {
  const bytes = Buffer.from(await c.req.arrayBuffer());
  if (bytes.length > 0) checkMediaType(c.req.header(CONTENT_TYPE_HEADER) ?? c.req.header("content-type"));
  return decodeBody(bytes, c.req.header("content-encoding"), limit);
}

/** PostgreSQL's text holds every character but this one. */
const hasNul = (values: Readonly<Record<string, string | readonly string[]>>): boolean =>
  Object.values(values).some((value) => [value].flat().some((text) => text.includes("\u0000")));

/** The edge took the body away, and says why. @throws TriggersError */
function refuseFault(fault: string | undefined): void {
  if (fault === undefined) return;
  throw fault === "payload_too_large"
    ? tooLarge()
    : new TriggersError("invalid_json", "The body is not valid JSON: the text is not UTF-8.");
}

/**
 * The parameters in a path.
 * @throws TriggersError `invalid_request`; `not_found` where all that is wrong with an id is that it was never given
 */
function inPathOf<P extends z.ZodType>(schema: P | undefined, values: Record<string, string>): z.output<P> {
  const result = schema?.safeParse(values, { error: inWords });
  if (hasNul(values)) {
    throw new TriggersError("invalid_request", "The path may not contain U+0000.", {
      details: [{ path: "", message: "contains U+0000" }],
    });
  }
  if (result?.success !== false) return (result?.data ?? {}) as z.output<P>;
  if (result.error.issues.every(isNeverGiven)) throw new TriggersError("not_found", "There is no such object.");
  throw new TriggersError("invalid_request", "The path is not valid.", { details: detailsOf(result.error) });
}

/** Registers the route and its documentation. The handler throws a `TriggersError` to refuse. */
export function route<
  P extends z.ZodType = z.ZodObject,
  Q extends z.ZodType = z.ZodObject,
  B extends z.ZodType = z.ZodObject,
>(
  app: Api,
  spec: RouteSpec<P, Q, B>,
  handler: (c: Context<ApiEnv>, input: RouteInput<P, Q, B>) => Promise<Response> | Response,
): void {
  document(app, spec);
  const path = spec.path.replaceAll(/\{(\w+)\}/g, ":$1") + (spec.slashes === true ? "{.+}" : "");
  app.on(spec.method.toUpperCase(), path, async (c) => {
    c.set("action", spec.action);
    c.set("call", `${spec.method.toUpperCase()} ${spec.path}`);
    if (spec.scope !== "public") authorize(c, spec.scope, c.get("call")!);
    refuseFault(c.req.header(BODY_FAULT_HEADER));
    const inPath = c.req.param() as Record<string, string>;
    const params = inPathOf(spec.params, inPath);
    const asked = queryOf(c);
    if (hasNul(asked)) {
      throw new TriggersError("invalid_request", "The query may not contain U+0000.", {
        details: [{ path: "", message: "contains U+0000" }],
      });
    }
    // Monitors and browsers add parameters of their own to what is public.
    const noQuery = spec.scope === "public" ? z.object({}) : z.strictObject({});
    const query = checked((spec.query ?? noQuery) as Q, asked, "query is", inWordsOfQuery);
    const raw = spec.body === undefined ? new Uint8Array() : await rawBody(c, spec.maxBytes);
    const absent = spec.optionalBody === true && raw.length === 0;
    const body =
      spec.rawBody === true || spec.body === undefined
        ? ({} as z.output<B>)
        : checked(spec.body, absent ? {} : parseJson(raw), "body is");
    refuseEmptyRange(query as object);
    refuseEmptyRange(body as object);
    const work = () => handler(c, { params, query, body, raw });
    return spec.idempotent === true ? c.get("withIdempotencyKey")(raw, work) : work();
  });
}

/** A person may what their role may; a key what its scopes say. */
function authorize(c: Context<ApiEnv>, scope: Scope | "operator", call: string): void {
  const identity = c.get("identity");
  if (identity.person !== undefined) {
    requirePermission(identity.person.role, call);
    return;
  }
  if (scope === "operator" && identity.customer_id !== OPERATOR) {
    throw new TriggersError("forbidden", "Only the operator's key may do this.");
  }
  requireScope(identity, scope === "operator" ? "admin" : scope);
}

export const IdempotencyHeaders = z.object({
  "idempotency-key": z.string().min(1).max(255).optional().openapi({
    description: "A repeat within 24 h with the same body answers what the first request answered.",
  }),
});

const exampleOf = ({ method, path }: { readonly method: string; readonly path: string }) =>
  defined({ example: bodyExamples[`${method.toUpperCase()} ${path}`] });

/** Documents a route that another function serves. */
export function document(app: Api, spec: RouteSpec<z.ZodType, z.ZodType, z.ZodType>): void {
  const general: ErrorCode[] =
    spec.scope === "public"
      ? ["internal"]
      : ["invalid_request", "unauthorized", "forbidden", "rate_limited", "internal", "unavailable"];
  const takesKey = tellsMoreWithKey(spec.path);
  if (takesKey) general.push("unauthorized", "rate_limited");
  if (spec.idempotent === true) general.push("idempotency_conflict", "idempotency_in_flight");
  if (spec.params !== undefined) general.push("not_found");
  if (spec.body !== undefined) general.push("invalid_json", "payload_too_large", "unsupported_media_type");
  const byStatus = Map.groupBy(new Set([...general, ...(spec.errors ?? [])]), (code) => errorCatalog[code].status);
  const responses: RouteConfig["responses"] = {};
  for (const [status, { description, schema, contentType }] of Object.entries(spec.responses)) {
    responses[status] = {
      description,
      ...defined({
        content: mapDefined(schema, (schema) => ({
          [contentType ?? "application/json"]: { schema },
          ...(spec.table === true ? { "text/csv": { schema: z.string() } } : {}),
        })),
      }),
    };
  }
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    responses[status] = {
      description: codes.map((code) => `\`${code}\``).join(", "),
      content: { "application/json": { schema: ErrorSchema } },
    };
  }
  const needs =
    spec.scope === "public"
      ? ""
      : `Needs ${spec.scope === "operator" ? "the operator's key" : `the scope \`${spec.scope}\``}.`;
  app.openAPIRegistry.registerPath(
    createRoute({
      method: spec.method,
      path: spec.path,
      tags: [spec.tag],
      summary: spec.summary,
      description: [spec.description, needs].filter(Boolean).join("\n\n"),
      security: takesKey ? [{}, { api_key: [] }] : spec.scope === "public" ? [] : [{ api_key: [] }],
      request: {
        ...defined({
          params: mapDefined(spec.params, (params) => params as z.ZodObject),
          query: mapDefined(spec.query, (query) => query as z.ZodObject),
        }),
        ...(spec.headers === undefined && spec.idempotent !== true
          ? {}
          : { headers: spec.headers ?? IdempotencyHeaders }),
        ...defined({
          body: mapDefined(spec.body, (body) => ({
            required: spec.optionalBody !== true,
            content: { "application/json": { schema: body, ...exampleOf(spec) } },
          })),
        }),
      },
      responses,
    }),
  );
}
