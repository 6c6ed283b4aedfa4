import { z } from "@hono/zod-openapi";
import { asCustomer } from "../../database/roles.ts";
import { subscriptionsAt } from "../../database/subscriptions.ts";
import { fitting, jsonSize, PAGE_BYTES } from "../../domain/answer.ts";
import { type Event, spliceEvent } from "../../domain/event.ts";
import { requireScope } from "../../domain/identity/identity.ts";
import { subscriptionStatuses } from "../../domain/statuses.ts";
import { type DeliveryTarget, type EventSelector, formats, type Transform } from "../../domain/subscription.ts";
import { Budget, CUSTOMER_BUDGET, checkTransform, compileSelector, compileStored } from "../../matching/index.ts";
import { asEvent } from "../../store/inbox/read.ts";
import { writeList } from "../../store/inbox/view.ts";
import { Cursor } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { examine } from "../examine.ts";
import { REASON_UNITS } from "../judge.ts";
import { knownTo } from "../masks.ts";
import { type Preview, previewer } from "../preview.ts";
import { BodyMillis, EventId, EventSchema, jsonBytes, readContext } from "../reads.ts";
import { route } from "../route.ts";
import { NextCursor } from "../schemas.ts";
import { EnrichSchema, SelectorSchema, TransformSchema } from "../subscriptionInput.ts";
import { PreviewSchema, VerdictSchema } from "./dryRun.ts";
import { eventById } from "./events.ts";

const TAG = "Subscriptions";
const MAX_SAMPLES = 10;
const MAX_NEAR_MISSES = 20;
const PAGE = 500;
const SAMPLE_BYTES = 2_000_000;

const NearMissSchema = z.object({
  event_id: z.string(),
  clause: z.string().openapi({ description: "The part of the selector that decides, as it was written." }),
  because: z.string().openapi({ description: "Why, with the values met.", example: "amount 40 is not > 100" }),
});

/** Stands for the subscription that is not saved yet. */
const DRAFT: Omit<DeliveryTarget, "tenant" | "environment" | "event_selector"> = {
  subscription_id: "sub_00000000000000000000000000",
  version: 0,
  webhook_url: "",
  format: "event",
  max_batch: 100,
  headers: {},
  status: "active",
  secrets: [],
};

/** Why a selector that matches an event by itself did not when the event was routed. */
const PAUSED = "the subscription was paused, since its selector takes too much work";
const WHAT_IS_MASKED = "what is masked decides";
const TOO_MUCH_TOGETHER = "all selectors together took as much work as one event may, before this one was decided";
/** In place of a reason, once finding those before it took as much work as a call may. */
const TOO_MANY_REASONS = "finding the reasons of so many subscriptions takes too much work";

export function register(app: Api, deps: Deps): void {
  const context = readContext(deps);

  route(
    app,
    {
      method: "post",
      path: "/subscriptions/rehearse",
      tag: TAG,
      summary: "Run a selector over recorded events before it is saved",
      description:
        "The newest events first, `limit` of them a page. Near misses name the clause that decided against an event; those that fail in one clause beyond the event type come first.",
      scope: "subscriptions",
      body: z.strictObject({
        event_selector: SelectorSchema,
        transform: TransformSchema.nullable().optional(),
        enrich: EnrichSchema.nullable().optional(),
        format: z.enum(formats).optional(),
        max_batch: z.number().int().min(1).max(100).optional(),
        from: BodyMillis.optional(),
        to: BodyMillis.optional(),
        limit: z.number().int().min(1).max(10_000).optional().openapi({ description: "Events to examine (1,000)." }),
        cursor: Cursor.optional(),
      }),
      responses: {
        200: {
          description: "The events that it would have matched.",
          schema: z.object({
            examined: z.number().int(),
            matched: z.number().int(),
            samples: z.array(z.object({ event: EventSchema, request: PreviewSchema })),
            near_misses: z.array(NearMissSchema),
            next_cursor: NextCursor,
          }),
        },
      },
      errors: ["invalid_selector"],
    },
    async (c, { body }) => {
      // Recorded events are read with the scope that reads them.
      requireScope(c.get("identity"), "events:read");
      const identity = c.get("identity");
      const tenant = c.get("tenant");
      const selector = compileSelector(body.event_selector as EventSelector);
      const transform = (body.transform ?? undefined) as Transform | undefined;
      checkTransform(transform, body.enrich ?? undefined);
      const target: DeliveryTarget = {
        ...DRAFT,
        tenant,
        environment: identity.environment,
        event_selector: body.event_selector as EventSelector,
        ...(transform && { transform }),
        ...(body.enrich ? { enrich: body.enrich } : {}),
        format: body.format ?? "event",
        max_batch: body.max_batch ?? 100,
      };
      const show = previewer(deps);
      const known = await knownTo(deps, c);
      const samples: { event: Buffer; request: Preview }[] = [];
      const near: NearMiss[] = [];
      const far: NearMiss[] = [];
      let matched = 0;
      let bytes = 0;
      const { from, to, cursor, limit = 1_000 } = body;
      const asked = { trial: "rehearse", cursor, limit, from, to };
      const { examined, next_cursor } = await examine(deps, c, asked, async ({ batch, offset, raw: sent }) => {
        const raw = known(sent);
        const event = asEvent(batch, offset, raw);
        if (!selector.matches(event)) return collect(selector, event, near, far);
        matched += 1;
        if (samples.length === MAX_SAMPLES || bytes + raw.length >= SAMPLE_BYTES) return;
        bytes += raw.length;
        const { first, types, key_name } = batch;
        const request = await show.preview(target, { first, types, offset, raw, key_name });
        samples.push({ event: spliceEvent(first, offset, types[offset] ?? null, raw), request });
      });
      const answer = { near_misses: [...near, ...far].slice(0, MAX_NEAR_MISSES), next_cursor };
      const texts = samples.map(({ event, request }) =>
        Buffer.concat([
          Buffer.from('{"event":'),
          event,
          Buffer.from(`,"request":${JSON.stringify({ ...request, headers: draftHeaders(request.headers) })}}`),
        ]),
      );
      const head = JSON.stringify({ examined, matched }).slice(1, -1);
      const list = writeList("samples", texts, answer);
      return jsonBytes(Buffer.concat([Buffer.from(`{${head},`), list.subarray(1)]));
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/events/{id}/verdicts",
      tag: "Events",
      summary: "Explain which subscriptions a stored event matched, and why",
      description:
        "Against every subscription as it stood when the event was routed. `matched` is what was decided then: a disabled one that matched has the event in its backlog.",
      scope: "events:read",
      params: EventId,
      responses: {
        200: {
          description: "One verdict a subscription.",
          schema: z.object({
            verdicts: z.array(
              VerdictSchema.extend({
                version: z.number().int(),
                clause: z.string().optional(),
                status: z.enum(subscriptionStatuses).openapi({ description: "Its status then." }),
              }),
            ),
            more_verdicts: z.number().int().optional().openapi({
              description:
                "Verdicts that did not fit into the answer; only where there are any. Those that matched are shown first then.",
            }),
          }),
        },
      },
    },
    async (c, { params }) => {
      const identity = c.get("identity");
      const { batch, offset, raw } = await eventById(context, identity, params.id, deps.now);
      const known = (await knownTo(deps, c))(raw);
      const event = asEvent(batch, offset, known);
      const budget = new Budget(CUSTOMER_BUDGET);
      const verdicts = await asCustomer(deps.db, identity.customer_id, async (tx) => {
        const found: Record<string, unknown>[] = [];
        for (let after = "", page = PAGE; page === PAGE; ) {
          const asked = { after, limit: PAGE, which: "all" as const };
          const rows = await subscriptionsAt(tx, c.get("tenant"), batch.snapshot_version, asked);
          for (const { subscription_id, version, definition, status, paused } of rows) {
            // What was decided then is the verdict; the reason is derived from the same definition.
            const matched = batch.matched[subscription_id]?.includes(offset) ?? false;
            if (budget.usedUp) {
              found.push({ subscription_id, version, matched, because: paused ? PAUSED : TOO_MANY_REASONS, status });
              continue;
            }
            const alone = compileStored(definition.event_selector as EventSelector).explain(event, budget);
            budget.spend(REASON_UNITS);
            const because = paused ? PAUSED : (otherwise(alone.matched, matched, known !== raw) ?? alone.because);
            found.push({ subscription_id, version, matched, clause: alone.clause, because, status });
          }
          page = rows.length;
          after = rows.at(-1)?.subscription_id ?? after;
        }
        return found;
      });
      const shown = jsonSize(verdicts) <= PAGE_BYTES ? verdicts : fitting(matchedFirst(verdicts), jsonSize);
      const more_verdicts = verdicts.length - shown.length;
      return c.json({ verdicts: shown, ...(more_verdicts > 0 ? { more_verdicts } : {}) } as never);
    },
  );
}

const matchedFirst = (verdicts: readonly { readonly matched?: unknown }[]) =>
  verdicts.toSorted((a, b) => Number(b.matched) - Number(a.matched));

/**
 * Why the verdict on an event is another than its selector gives by itself; undefined where it is the same.
 * @param masked whether the caller knows the payload only without what is masked
 */
function otherwise(alone: boolean, matched: boolean, masked: boolean): string | undefined {
  if (alone === matched) return undefined;
  if (masked) return WHAT_IS_MASKED;
  return alone ? TOO_MUCH_TOGETHER : undefined;
}

interface NearMiss {
  readonly event_id: string;
  readonly clause: string;
  readonly because: string;
}

/** A miss is near when something beyond the event type decided. */
function collect(selector: ReturnType<typeof compileSelector>, event: Event, near: NearMiss[], far: NearMiss[]): void {
  if (near.length >= MAX_NEAR_MISSES) return;
  const { clause, because } = selector.explain(event);
  const list = because.startsWith("event type") || because.startsWith("event_type") ? far : near;
  if (list.length < MAX_NEAR_MISSES) list.push({ event_id: event.event_id, clause, because });
}

/** Headers that name or sign for a subscription, which a draft can't have. */
function draftHeaders(headers: Preview["headers"]): Preview["headers"] {
  const unknown = new Set(["webhook-id", "webhook-signature", "webhook-timestamp", "triggers-subscription-id"]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !unknown.has(name)));
}
