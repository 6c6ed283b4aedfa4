import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { defined, mapDefined } from "../../domain/defined.ts";
import { type ErrorDetail, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import { type Event, eventStatuses } from "../../domain/event.ts";
import { eventId, ulidIn } from "../../domain/ids.ts";
import { requirePayloads } from "../../domain/people/roles.ts";
import { compileSelector, wantedTypes } from "../../matching/index.ts";
import { acknowledge, deleteEvents } from "../../store/inbox/marks.ts";
import { readEvents } from "../../store/inbox/read.ts";
import type { Position, ReadQuery } from "../../store/inbox/readQuery.ts";
import { writeEvent, writeList } from "../../store/inbox/view.ts";
import { change } from "../audited.ts";
import { listQuery, otherFilters, pageOf, readCursor, repeatable, signCursor } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { knownTo } from "../masks.ts";
import { EventId, EventIds, InboxEventSchema, jsonBytes, QueryMillis, readContext, splitIds } from "../reads.ts";
import { route } from "../route.ts";
import { TypePattern } from "../schemas.ts";

const TAG = "Inbox";

const filters = {
  from: QueryMillis.optional().openapi({ description: "Received at or after." }),
  to: QueryMillis.optional().openapi({ description: "Received before." }),
  event_type: repeatable(TypePattern).optional().openapi({ description: "Event types, or patterns of them." }),
  status: repeatable(z.enum(eventStatuses)).optional().openapi({ description: "In one of these states." }),
  key_id: repeatable(z.string().min(1).max(100)).optional().openapi({ description: "Sent by these API keys." }),
  acknowledged: z.enum(["true", "false", "all"]).optional().openapi({
    default: "false",
    description: "Whether an event was acknowledged, which takes it off the inbox.",
  }),
  order: z.enum(["desc", "asc"]).optional().openapi({ default: "desc", description: "By the time of receipt." }),
  filter: z.string().min(1).max(4_000).optional().openapi({ description: "CEL over the event." }),
  q: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .openapi({ description: "Text contained in the payload; case is ignored as Unicode folds it, accents are not." }),
};
const InboxQuery = z.strictObject({ ...listQuery, ...filters });
type Filters = Omit<z.output<typeof InboxQuery>, "limit" | "cursor">;

/** What a cursor remembers: the filters themselves where they fit, so that a page may be asked for by its cursor alone. */
interface Cursor {
  readonly p: Position;
  readonly f?: Filters;
  readonly h: string;
}
const MAX_CURSOR_FILTERS = 2_400;

const given = (query: Filters): Filters =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Filters;
const hashOf = (asked: Filters): string =>
  createHash("sha256")
    .update(JSON.stringify(Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest("base64url")
    .slice(0, 22);

/** The filters to use with a cursor: the request's, which must be the cursor's, or the cursor's when there are none. */
function filtersOf(asked: Filters, cursor: Cursor): Filters {
  if (Object.keys(asked).length > 0) {
    if (hashOf(asked) !== cursor.h) throw otherFilters();
    return asked;
  }
  if (cursor.f !== undefined) return cursor.f;
  if (hashOf(asked) !== cursor.h) throw otherFilters();
  return asked;
}

/** @throws TriggersError `invalid_request` with the position */
function compileFilter(filter: string, path: string): (event: Event) => boolean {
  try {
    return compileSelector({ cel: filter }).matches;
  } catch (error) {
    if (!(error instanceof TriggersError)) throw error;
    const detail: ErrorDetail = { message: error.message, ...error.details?.[0], path };
    const at = detail.position === undefined ? "" : ` at position ${detail.position}`;
    throw new TriggersError("invalid_request", `The filter is not valid${at}: ${detail.message}.`, {
      details: [detail],
    });
  }
}

const queryOf = (asked: Filters): ReadQuery => ({
  order: asked.order ?? "desc",
  acknowledged: asked.acknowledged === "all" ? "all" : asked.acknowledged === "true",
  ...defined({ from: asked.from, to: asked.to, keys: asked.key_id }),
  ...(asked.event_type && wantedTypes(asked.event_type)),
  ...(asked.status && { statuses: asked.status }),
  ...defined({ text: asked.q, matches: mapDefined(asked.filter, (filter) => compileFilter(filter, "/filter")) }),
});

export function register(app: Api, deps: Deps): void {
  const context = readContext(deps);

  route(
    app,
    {
      method: "get",
      path: "/inbox",
      tag: TAG,
      summary: "List the customer's events",
      description:
        "Reading to the end with cursors gives each event that was stored when reading began exactly once, even if others arrive meanwhile. " +
        "A search for something rare may answer a short, even an empty page with a `next_cursor`: go on until it is null. " +
        "An event is listed as soon as it is stored, usually within a second of its 202; one that was accepted before reading began but stored during it comes last.",
      scope: "events:read",
      query: InboxQuery,
      responses: pageOf("events", InboxEventSchema),
    },
    async (c, { query: { limit, cursor, ...rest } }) => {
      const identity = c.get("identity");
      const tenant = c.get("tenant");
      const purpose = `${tenant}:inbox`;
      const before = cursor === undefined ? undefined : await readCursor<Cursor>(deps, purpose, cursor);
      const asked = before === undefined ? given(rest) : filtersOf(given(rest), before);
      const searches = asked.q !== undefined || asked.filter !== undefined;
      if (searches && identity.person !== undefined) requirePayloads(identity.person.role);
      const { events, next } = await readEvents(
        context.store,
        tenant,
        { ...queryOf(asked), ...(searches ? { known: await knownTo(deps, c) } : {}) },
        before?.p ?? { began: deps.now() },
        {
          limit,
          now: deps.now,
          removed: (ids) => context.removed(identity, ids),
          retentionMs: await context.retentionMs(identity),
        },
      );
      const small = JSON.stringify(asked).length <= MAX_CURSOR_FILTERS;
      const next_cursor =
        next === null
          ? null
          : await signCursor(deps, purpose, { p: next, h: hashOf(asked), ...(small ? { f: asked } : {}) });
      c.set("events", events.length);
      return jsonBytes(writeList("events", events.map(writeEvent), { next_cursor }));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/inbox/ack",
      tag: TAG,
      summary: "Acknowledge events",
      description: "They leave the default list of `GET /inbox`. It is safe to repeat the call.",
      scope: "events:read",
      body: EventIds,
      responses: {
        200: {
          description: "Number of events that are acknowledged now, and ids that don't exist.",
          schema: z.object({ acknowledged: z.number().int(), missing: z.array(z.string()) }),
        },
      },
    },
    async (c, { body }) => {
      const { ulids, malformed } = splitIds(body.event_ids);
      const { marked, missing } = await acknowledge(context.store, c.get("tenant"), ulids, deps.now);
      return c.json({ acknowledged: marked.length, missing: [...missing.map(eventId), ...malformed] });
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/inbox/delete",
      tag: TAG,
      summary: "Delete events",
      description: "Reads no longer return them, and their waiting deliveries are cancelled.",
      scope: "events:read",
      action: "event.delete",
      body: EventIds,
      responses: {
        200: {
          description: "Number of events that are deleted now, and ids that don't exist.",
          schema: z.object({ deleted: z.number().int(), missing: z.array(z.string()) }),
        },
      },
    },
    async (c, { body }) => {
      const { ulids, malformed } = splitIds(body.event_ids);
      const { marked, missing } = await change(deps, c, c.get("identity").customer_id, async (_, tell) => {
        const done = await deleteEvents(context.store, c.get("tenant"), ulids, deps.now);
        const [first] = done.marked;
        if (first !== undefined)
          tell(eventId(first), { events: done.marked.length, last: eventId(done.marked.at(-1)!) });
        return done;
      });
      return c.json({ deleted: marked.length, missing: [...missing.map(eventId), ...malformed] });
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/inbox/{id}",
      tag: TAG,
      summary: "Delete an event",
      scope: "events:read",
      action: "event.delete",
      params: EventId,
      responses: { 204: { description: "Deleted, now or before." } },
    },
    async (c, { params }) => {
      const ulid = ulidIn("evt", params.id)!;
      const { missing } = await change(deps, c, c.get("identity").customer_id, async (_, tell) => {
        const done = await deleteEvents(context.store, c.get("tenant"), [ulid], deps.now);
        if (done.marked.length > 0) tell(params.id);
        return done;
      });
      if (missing.length > 0) throw noSuch("event", params.id);
      return c.body(null, 204);
    },
  );
}
