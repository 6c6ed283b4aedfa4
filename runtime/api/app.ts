import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { defined } from "../domain/defined.ts";
import {
  asTriggersError,
  errorResponse,
  noSuch,
  TriggersError,
  unauthorized,
  wrongMethod,
} from "../domain/errors/errors.ts";
import { originHeaders, preflightHeaders } from "../domain/identity/browser.ts";
import {
  decodeIdentity,
  IDENTITY_HEADER,
  type Identity,
  isPublic,
  REQUEST_ID_HEADER,
  tellsMoreWithKey,
  tenantOf,
} from "../domain/identity/identity.ts";
import { newId, timeOf, ulidIn } from "../domain/ids.ts";
import { isUnavailable } from "../domain/outage.ts";
import { limitHeaders, tooManyRequests } from "../redis/limiter.ts";
import { auditRefusal } from "./audited.ts";
import type { Api, ApiEnv, Deps } from "./deps.ts";
import { pathOf } from "./functionUrl.ts";
import { withIdempotencyKey } from "./idempotencyKeys.ts";
import { maskForPerson } from "./masks.ts";
import { isDocumentation, missingPage } from "./missingPage.ts";
import { routes } from "./routes/index.ts";

const pattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/:\w+(\{\.\+\})?/g, (_, rest) => (rest === undefined ? "[^/]+" : ".+"))}$`);

function methodsOf(routes: readonly { readonly method: string }[]): Set<string> {
  const methods = new Set(["OPTIONS", ...routes.map(({ method }) => method)]);
  if (methods.has("GET")) methods.add("HEAD");
  return methods;
}

const NO_STORE = { "cache-control": "no-store" };

/** @throws TriggersError `invalid_request` where the path holds an invalid escape (`%zz`) or bytes that are not UTF-8 */
function refuseMalformedPath(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    const message = "holds a % that begins no escape, or escapes of bytes that are not UTF-8";
    throw new TriggersError("invalid_request", `The path ${message}.`, { details: [{ path: "", message }] });
  }
}

/** Counts the call for the audit of who read what. An answer never fails because its count failed. */
async function countCall(deps: Deps, c: Context<ApiEnv>): Promise<void> {
  const identity = c.get("identity") as Identity | undefined;
  if (identity === undefined) return;
  const { key_id, source_ip } = identity;
  try {
    await deps.countUsage([
      {
        kind: "called",
        tenant: tenantOf(identity),
        at: deps.now(),
        key_id,
        ...defined({ source_ip }),
        call: c.get("call") ?? "unknown",
        outcome: c.get("outcome") ?? "ok",
        requests: 1,
        events: c.get("events") ?? 0,
        bytes: 0,
      },
    ]);
  } catch (cause) {
    deps.log("warn", "api.call_not_counted", { request_id: c.get("requestId"), error: String(cause) });
  }
}

/** The management API: every module of routes/ on one app, with identity, errors and request ids. */
export function buildApp(deps: Deps): Api {
  const app: Api = new OpenAPIHono<ApiEnv>({ getPath: pathOf });
  /** What there is at a path, by any method. What is a route by its name, `/events/dry-run`, is no object of another, `/events/{id}`. */
  const routesAt = (path: string) =>
    named.get(path) ?? app.routes.filter((each) => each.method !== "ALL" && pattern(each.path).test(path));

  app.use("*", async (c, next) => {
    const requestId = c.req.header(REQUEST_ID_HEADER) ?? newId("req", deps.now());
    c.set("requestId", requestId);
    c.set("told", {});
    c.set("withIdempotencyKey", (raw, work) => withIdempotencyKey(deps, c, raw, work));
    const { method, path } = c.req;
    const origin = c.req.header("origin");
    if (method === "OPTIONS") {
      const here = routesAt(path);
      if (here.length === 0) throw noSuch("route", path);
      const methods = [...methodsOf(here)];
      return new Response(null, {
        status: 204,
        headers: { ...preflightHeaders(path, methods, origin), ...NO_STORE, "x-request-id": requestId },
      });
    }
    const withKey = tellsMoreWithKey(path) && c.req.header(IDENTITY_HEADER) !== undefined;
    if (withKey || !isPublic(method, path)) {
      const identity = decodeIdentity(c.req.header(IDENTITY_HEADER));
      c.set("identity", identity);
      c.set("tenant", tenantOf(identity));
      const ulid = ulidIn("req", requestId);
      const arrived = ulid === undefined ? undefined : timeOf(ulid);
      const [events, request] = await Promise.all([
        deps.limiter.take(identity, 0, arrived),
        deps.limiter.takeRequest(identity, arrived),
      ]);
      if (events.ended === true) throw unauthorized();
      c.set("told", limitHeaders(events));
      if (!request.allowed) throw tooManyRequests(request);
    }
    try {
      const { identity, told } = c.var;
      if (identity !== undefined) c.set("told", { ...told, ...originHeaders(identity, origin) });
      refuseMalformedPath(path);
      refuseReservedName(c);
      await next();
      if (identity?.person !== undefined && c.res.ok) await maskForPerson(deps, c, identity.person);
    } catch (thrown) {
      // What routes throw has been answered below; this is an unknown route's.
      c.set("outcome", asTriggersError(thrown).code);
      await countCall(deps, c);
      throw thrown;
    }
    const { headers } = c.res;
    headers.set("x-request-id", requestId);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    for (const [name, value] of Object.entries(c.get("told"))) headers.set(name, value);
    await countCall(deps, c);
  });

  for (const register of routes) register(app, deps);

  // Where any text is an object's name, `/event-types/rehearse` is one as well, by other methods.
  const anyText = app.routes.filter(({ path }) => path.endsWith("{.+}")).map(({ path }) => pattern(path));
  const named = Map.groupBy(
    app.routes.filter(
      ({ method, path }) => method !== "ALL" && !/[:*]/.test(path) && !anyText.some((each) => each.test(path)),
    ),
    ({ path }) => path,
  );
  /** Before the router takes a route's name for an object's. */
  function refuseReservedName({ req: { method, path } }: Context<ApiEnv>): void {
    const here = named.get(path);
    if (here !== undefined && !methodsOf(here).has(method)) throw wrongMethod(method, methodsOf(here));
  }

  app.notFound((c) => {
    const here = routesAt(c.req.path);
    if (here.length === 0 && isDocumentation(c.req.path)) return missingPage(c.req.path);
    if (here.length === 0) throw noSuch("route", c.req.path);
    throw wrongMethod(c.req.method, methodsOf(here));
  });

  app.onError(async (thrown, c) => {
    const requestId = c.get("requestId");
    const away = !(thrown instanceof TriggersError) && isUnavailable(thrown);
    const error = away
      ? new TriggersError("unavailable", "A part that is needed to answer can't be reached.", {
          headers: { "retry-after": "1" },
          cause: thrown,
        })
      : asTriggersError(thrown);
    if (error.status >= 500) {
      const cause = (error.cause ?? error) as Error;
      deps.log("error", "api.failed", { request_id: requestId, error: cause.stack ?? String(cause) });
    }
    await auditRefusal(deps, c, error);
    const { status, headers, body } = errorResponse(error, requestId);
    c.set("outcome", error.code);
    return new Response(body, { status, headers: { ...headers, ...c.get("told") } });
  });
  return app;
}
