import { setImmediate as immediate } from "node:timers/promises";
import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { asCustomer } from "../../database/roles.ts";
import type { Definition } from "../../database/schema.ts";
import { compileSchema, MAX_SCHEMA_BYTES, type SchemaCheck } from "../../domain/body/schema.ts";
import { reviewEvents, scanBody } from "../../domain/body/validate.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { type ErrorDetail, TriggersError } from "../../domain/errors/errors.ts";
import { type Event, spliceEvent } from "../../domain/event.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { eventId, newUlid, ulidAt } from "../../domain/ids.ts";
import { parseJson } from "../../domain/jsonNumber.ts";
import type { Enrich, EventSelector } from "../../domain/subscription.ts";
import { rfc3339 } from "../../domain/time.ts";
import { compileStored } from "../../matching/index.ts";
import { limitHeaders, overLimit } from "../../redis/limiter.ts";
import { writeList } from "../../store/inbox/view.ts";
import type { Api, Deps } from "../deps.ts";
import { type Asked, Judge, Shown, type Verdict } from "../judge.ts";
import { previewer } from "../preview.ts";
import { EventSchema, jsonBytes } from "../reads.ts";
import { route } from "../route.ts";

const TAG = "Events";
/** Verdicts in one answer; of more, those that don't match are left out first. */
const MAX_VERDICTS = 5_000;
/** Between two such runs others have their turn. */
const COMPILED_AT_ONCE = 200;
/** Bytes of the schemas that one dry-run compiles: one of the largest may take a second. */
const MAX_COMPILED_BYTES = 4 * MAX_SCHEMA_BYTES;
const MAX_ANSWER_BYTES = 4_500_000;

export const VerdictSchema = z.object({
  subscription_id: z.string(),
  matched: z.boolean(),
  because: z.string().optional().openapi({ description: "The deciding clause, with the values met." }),
});
export const PreviewSchema = z.object({
  headers: z.record(z.string(), z.string()),
  body: z.string().openapi({ description: "The exact text." }),
});
export const FaultSchema = z.looseObject({
  path: z.string().optional(),
  code: z.string().optional(),
  message: z.string(),
});
const ResultSchema = z.object({
  event: z.object({
    ...EventSchema.shape,
    payload: z.unknown().openapi({ description: "As sent; an object when valid." }),
  }),
  valid: z.boolean(),
  errors: z.array(FaultSchema).optional(),
  subscriptions: z.array(
    VerdictSchema.extend({
      request: PreviewSchema.optional(),
      request_error: FaultSchema.optional().openapi({
        description: "Why nothing could be sent, in place of `request`.",
      }),
      duration_us: z.number().optional(),
    }),
  ),
  omitted: z
    .number()
    .int()
    .optional()
    .openapi({ description: "Number of subscriptions that don't match and are left out to save space." }),
});

/** An event of the request, with what is wrong with it or what was decided. */
interface Judged {
  readonly bytes: Buffer;
  readonly type: string | null;
  readonly errors: readonly ErrorDetail[] | undefined;
  readonly verdicts: readonly Verdict[];
}

export function register(app: Api, deps: Deps): void {
  /** The tenant's active subscriptions and schemas, as a request that begins now would meet them. */
  const load = (customerId: string, tenant: Tenant) =>
    asCustomer(deps.db, customerId, async (tx) => {
      const subscriptions = await tx
        .selectFrom("subscriptions")
        .select(["subscription_id", "definition"])
        .where("tenant", "=", tenant)
        .where("status", "=", "active")
        .orderBy("subscription_id")
        .execute();
      const schemas = await tx
        .selectFrom("event_schemas")
        .select(["event_type", sql<string>`schema::text`.as("text")])
        .where("tenant", "=", tenant)
        .where("is_current", "=", true)
        .execute();
      return { subscriptions, schemas: new Map(schemas.map(({ event_type, text }) => [event_type, text])) };
    });

  route(
    app,
    {
      method: "post",
      path: "/events/dry-run",
      tag: TAG,
      summary: "Validate events and show what each active subscription would receive",
      description:
        "The same bodies as `POST /events`. Nothing is stored or sent; its events count against the limit as those sent do. A body that is wrong as a whole is refused as there; what is wrong with a single event is in its result. What rows of reference tables would be part of is shown to keys with the scope `subscriptions` only.",
      scope: "events:write",
      body: z.union([z.record(z.string(), z.unknown()), z.array(z.record(z.string(), z.unknown()))]),
      rawBody: true,
      responses: {
        200: { description: "One result an event, in order.", schema: z.object({ results: z.array(ResultSchema) }) },
      },
      errors: ["invalid_event", "too_many_events"],
    },
    async (c, { raw }) => {
      const tenant = c.get("tenant");
      const { subscriptions, schemas } = await load(c.get("identity").customer_id, tenant);
      const scanned = scanBody(Buffer.from(raw));
      // Before they are checked and matched: that is what costs.
      const verdict = await deps.limiter.take(c.get("identity"), scanned.events.length);
      c.set("told", { ...c.get("told"), ...limitHeaders(verdict) });
      if (!verdict.allowed) throw overLimit(verdict, scanned.events.length);
      const compiled = await compileAll(scanned.types, schemas);
      const reviewed = reviewEvents(scanned, (type) => compiled.get(type));
      const active: Asked[] = [];
      for (const [at, { subscription_id, definition }] of subscriptions.entries()) {
        // Thousands of selectors are compiled in turns with what others ask.
        if (at % COMPILED_AT_ONCE === COMPILED_AT_ONCE - 1) await immediate();
        active.push({ subscription_id, selector: compileStored(definition.event_selector as EventSelector) });
      }
      const brief = reviewed.events.length * active.length > MAX_VERDICTS;
      const judge = new Judge(active, { brief });
      const first = newUlid(deps.now(), reviewed.events.length);
      const show = previewer(deps);
      const faults = Map.groupBy(reviewed.faults, ({ index }) => index ?? 0);
      const judged: Judged[] = [];
      for (const [offset, bytes] of reviewed.events.entries()) {
        const type = reviewed.types[offset]!;
        const errors = faults.get(offset);
        const event = (): Event => ({
          event_id: eventId(ulidAt(first, offset)),
          event_type: type,
          received_at: rfc3339(deps.now()),
          payload: parseJson(bytes.toString("utf8")) as Record<string, unknown>,
        });
        judged.push({ bytes, type, errors, verdicts: errors === undefined ? await judge.verdicts(event()) : [] });
      }
      const matching = new Set(
        judged.flatMap(({ verdicts }) => verdicts.filter(({ matched }) => matched).map((v) => v.subscription_id)),
      );
      // Rows of reference tables are shown only to keys with the scope of those tables.
      const hidden = new Set(
        c.get("identity").scopes.includes("subscriptions")
          ? []
          : subscriptions
              .filter(({ definition }) => enriches(definition))
              .map(({ subscription_id }) => subscription_id),
      );
      const targets = matching.size === 0 ? new Map() : await show.targets(tenant, [...matching]);
      const results: Buffer[] = [];
      const answer = new Shown(MAX_ANSWER_BYTES);
      for (const [offset, { bytes, type, errors, verdicts }] of judged.entries()) {
        const kept = brief ? verdicts.filter(({ matched }) => matched) : verdicts;
        const sample = { first, types: reviewed.types, offset, raw: bytes, key_name: c.get("identity").key_name };
        // What is in a body is in the answer; the few bytes beside it are counted with the result.
        const bodies = new Shown(MAX_ANSWER_BYTES);
        const shown = await bodies.each(
          kept,
          async (verdict) => {
            const target = verdict.matched ? targets.get(verdict.subscription_id) : undefined;
            if (target === undefined || hidden.has(verdict.subscription_id)) return verdict;
            try {
              return { ...verdict, request: await show.preview(target, sample) };
            } catch (error) {
              // Delivering it would fail for the same reason: that is this subscription's answer, and not the request's.
              if (!(error instanceof TriggersError)) throw error;
              return { ...verdict, request_error: { code: error.code, message: error.message } };
            }
          },
          (one) => ("request" in one ? one.request.body.length : 0),
        );
        const omitted = errors === undefined ? active.length - kept.length : 0;
        const rest = {
          valid: errors === undefined,
          ...defined({ errors: mapDefined(errors, (errors) => errors.map(withoutIndex)) }),
          subscriptions: shown,
          ...(brief ? { omitted } : {}),
        };
        const text = Buffer.concat([
          Buffer.from('{"event":'),
          spliceEvent(first, offset, type, bytes),
          Buffer.from(`,${JSON.stringify(rest).slice(1)}`),
        ]);
        answer.add(text.length);
        results.push(text);
      }
      return jsonBytes(writeList("results", results, {}));
    },
  );
}

/** The schemas of these types, each in turn with what others ask. @throws TriggersError `unprocessable` when they are too large together */
async function compileAll(
  types: readonly (string | null)[],
  schemas: ReadonlyMap<string, string>,
): Promise<Map<string, SchemaCheck>> {
  const compiled = new Map<string, SchemaCheck>();
  let bytes = 0;
  for (const type of new Set(types)) {
    const text = type === null ? undefined : schemas.get(type);
    if (type === null || text === undefined) continue;
    bytes += Buffer.byteLength(text);
    if (bytes > MAX_COMPILED_BYTES) {
      const message = "The schemas of these events are too large together; try events of fewer types.";
      throw new TriggersError("unprocessable", message);
    }
    compiled.set(type, compileSchema(text));
    await immediate();
  }
  return compiled;
}

const enriches = ({ enrich }: Definition): boolean => enrich !== null && (enrich as Enrich).from !== "$event";

const withoutIndex = ({ index: _, ...rest }: ErrorDetail): ErrorDetail => rest;
