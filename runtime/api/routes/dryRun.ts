import { setImmediate as immediate } from "node:timers/promises";
import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { asCustomer } from "../../database/roles.ts";
import type { Definition } from "../../database/schema.ts";
import { compileSchema, type SchemaCheck } from "../../domain/body/schema.ts";
import { reviewEvents, scanBody } from "../../domain/body/validate.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import { type ErrorDetail, TriggersError } from "../../domain/errors/errors.ts";
import { type Event, spliceEvent } from "../../domain/event.ts";
import { eventId, newUlid, ulidAt } from "../../domain/ids.ts";
import { parseJson } from "../../domain/jsonNumber.ts";
import type { Enrich, EventSelector } from "../../domain/subscription.ts";
import { rfc3339 } from "../../domain/time.ts";
import { Budget, type CompiledSelector, CUSTOMER_BUDGET, compileStored } from "../../matching/index.ts";
import { limitHeaders, overLimit } from "../../redis/limiter.ts";
import { writeList } from "../../store/inbox/view.ts";
import type { Api, Deps } from "../deps.ts";
import { previewer } from "../preview.ts";
import { EventSchema, jsonBytes } from "../reads.ts";
import { route } from "../route.ts";

const TAG = "Events";
/** Verdicts in one answer; of more, those that don't match are left out first. */
const MAX_VERDICTS = 5_000;
/** Between two such runs others have their turn. */
const COMPILED_AT_ONCE = 200;
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

interface Active {
  readonly subscription_id: string;
  readonly selector: CompiledSelector;
}

export function register(app: Api, deps: Deps): void {
  /** The tenant's active subscriptions and schemas, as a request that begins now would meet them. */
  const load = (customerId: string, tenant: string) =>
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
      const compiled = new Map<string, SchemaCheck>();
      const scanned = scanBody(Buffer.from(raw));
      // Before they are checked and matched: that is what costs.
      const verdict = await deps.limiter.take(c.get("identity"), scanned.events.length);
      c.set("told", { ...c.get("told"), ...limitHeaders(verdict) });
      if (!verdict.allowed) throw overLimit(verdict, scanned.events.length);
      const reviewed = reviewEvents(scanned, (type) => {
        const schema = schemas.get(type);
        if (schema === undefined) return undefined;
        const check = compiled.get(type) ?? compileSchema(schema);
        compiled.set(type, check);
        return check;
      });
      const active: Active[] = [];
      for (const [at, { subscription_id, definition }] of subscriptions.entries()) {
        // Thousands of selectors are compiled in turns with what others ask.
        if (at % COMPILED_AT_ONCE === COMPILED_AT_ONCE - 1) await immediate();
        active.push({ subscription_id, selector: compileStored(definition.event_selector as EventSelector) });
      }
      const budget = new Budget(CUSTOMER_BUDGET);
      /** Units that each subscription's selector took. */
      const took = new Map<string, number>();
      const first = newUlid(deps.now(), reviewed.events.length);
      const show = previewer(deps);
      const faults = Map.groupBy(reviewed.faults, ({ index }) => index ?? 0);
      const judged = reviewed.events.map((bytes, offset) => {
        const type = reviewed.types[offset]!;
        const errors = faults.get(offset);
        if (errors !== undefined) return { bytes, type, errors, verdicts: [] };
        const event: Event = {
          event_id: eventId(ulidAt(first, offset)),
          event_type: type,
          received_at: rfc3339(deps.now()),
          payload: parseJson(bytes.toString("utf8")) as Record<string, unknown>,
        };
        return { bytes, type, errors, verdicts: active.map((one) => judge(one, event, budget, took)) };
      });
      if (budget.usedUp) throw tooCostly(took);
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
      const brief = judged.length * active.length > MAX_VERDICTS;
      const results: Buffer[] = [];
      let size = 0;
      for (const [offset, { bytes, type, errors, verdicts }] of judged.entries()) {
        const kept = brief ? verdicts.filter(({ matched }) => matched) : verdicts;
        const shown = await Promise.all(
          kept.map(async (verdict) => {
            const target = verdict.matched ? targets.get(verdict.subscription_id) : undefined;
            if (target === undefined || hidden.has(verdict.subscription_id)) return verdict;
            const sample = { first, types: reviewed.types, offset, raw: bytes, key_name: c.get("identity").key_name };
            try {
              return { ...verdict, request: await show.preview(target, sample) };
            } catch (error) {
              // Delivering it would fail for the same reason: that is this subscription's answer, and not the request's.
              if (!(error instanceof TriggersError)) throw error;
              return { ...verdict, request_error: { code: error.code, message: error.message } };
            }
          }),
        );
        const rest = {
          valid: errors === undefined,
          ...defined({ errors: mapDefined(errors, (errors) => errors.map(withoutIndex)) }),
          subscriptions: shown,
          ...(brief ? { omitted: verdicts.length - kept.length } : {}),
        };
        const text = Buffer.concat([
          Buffer.from('{"event":'),
          spliceEvent(first, offset, type, bytes),
          Buffer.from(`,${JSON.stringify(rest).slice(1)}`),
        ]);
        size += text.length;
        if (size > MAX_ANSWER_BYTES) {
          throw new TriggersError("unprocessable", "The results exceed what one answer holds; rehearse fewer events.");
        }
        results.push(text);
      }
      return jsonBytes(writeList("results", results, {}));
    },
  );
}

const enriches = ({ enrich }: Definition): boolean => enrich !== null && (enrich as Enrich).from !== "$event";

const withoutIndex = ({ index: _, ...rest }: ErrorDetail): ErrorDetail => rest;

/** Only subscriptions that were decided are reported. */
function tooCostly(took: ReadonlyMap<string, number>): TriggersError {
  const worst = [...took].reduce((most, one) => (one[1] > most[1] ? one : most));
  const message = `Matching so many subscriptions takes too long, that of ${worst[0]} longest; try fewer or smaller events.`;
  return new TriggersError("unprocessable", message);
}

function judge({ subscription_id, selector }: Active, event: Event, budget: Budget, took: Map<string, number>) {
  const started = performance.now();
  const before = budget.spent;
  const { matched, because } = selector.explain(event, budget);
  took.set(subscription_id, (took.get(subscription_id) ?? 0) + budget.spent - before);
  const duration_us = Math.round((performance.now() - started) * 1_000);
  return { subscription_id, matched, because, duration_us };
}
