import { z } from "@hono/zod-openapi";
import { asCustomer } from "../../database/roles.ts";
import { findSubscription } from "../../database/subscriptions.ts";
import { invalidBody, noSuch, TriggersError } from "../../domain/errors/errors.ts";
import { requireLive } from "../../domain/identity/identity.ts";
import { detected } from "../../domain/people/masking.ts";
import { roles } from "../../domain/people/roles.ts";
import { rfc3339 } from "../../domain/time.ts";
import { parsePath } from "../../matching/index.ts";
import { writeEvent } from "../../store/inbox/view.ts";
import { change } from "../audited.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { maskingOf, recordViews } from "../masks.ts";
import { EventId, readContext } from "../reads.ts";
import { route } from "../route.ts";
import { Timestamp } from "../schemas.ts";
import { eventById } from "./events.ts";

const TAG = "People";
const MOST_PATHS = 100;
/** How old a sign-in may be for something to be revealed, and how long the page shows it, milliseconds. */
const SIGNED_IN_MS = 300_000;
const SHOWN_MS = 60_000;

const MaskingSchema = z
  .strictObject({
    paths: z
      .array(z.string().min(1).max(1_000))
      .max(MOST_PATHS)
      .openapi({
        description: "JSONPath queries (RFC 9535) of members of a payload that are always masked.",
        example: ["$.card"],
      }),
    detect: z.array(z.enum(detected)).max(detected.length).openapi({
      description: "Kinds of data that are masked anywhere in a text.",
    }),
  })
  .openapi("Masking");

/** @throws TriggersError `invalid_request` naming each invalid path */
function refusePaths(paths: readonly string[]): void {
  const details = paths.flatMap((path, index) => {
    try {
      parsePath(path);
      return [];
    } catch (cause) {
      return [{ path: `/paths/${index}`, message: (cause as Error).message || "is not a JSONPath" }];
    }
  });
  if (details.length > 0) throw invalidBody(...details);
}

export function register(app: Api, deps: Deps): void {
  const context = readContext(deps);

  route(
    app,
    {
      method: "get",
      path: "/masking",
      tag: TAG,
      summary: "Read which parts of payloads the console masks",
      scope: "admin",
      responses: { 200: { description: "Paths, and kinds of data that are recognised.", schema: MaskingSchema } },
    },
    async (c) => c.json(await maskingOf(deps, c.get("identity").customer_id)),
  );

  route(
    app,
    {
      method: "put",
      path: "/masking",
      tag: TAG,
      summary: "Set which parts of payloads the console masks",
      description:
        "In force for every later answer. A person's search, filter, rehearsal and verdict also know a payload without what `paths` hide, so that no question tells it; `detect` hides what is shown, and what a search finds. Needs a live key, or an owner in the console.",
      scope: "admin",
      action: "masking.update",
      body: MaskingSchema,
      responses: { 200: { description: "As set.", schema: MaskingSchema } },
    },
    async (c, { body }) => {
      const { customer_id } = c.get("identity");
      requireLive(c.get("identity"));
      refusePaths(body.paths);
      await change(deps, c, customer_id, async (tx, tell) => {
        await tx
          .updateTable("customers")
          .set({ masking: JSON.stringify(body), updated_at: rfc3339(deps.now()) })
          .where("customer_id", "=", customer_id)
          .execute();
        tell(customer_id, body);
      });
      return c.json(body);
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/reveal",
      tag: TAG,
      summary: "Show one thing without its mask",
      description:
        "An event's payload, or a subscription's webhook URL, for people in the console whose role may and who have signed in within the last five minutes. Pages show it for a minute. Each leaves one record in the audit log.",
      scope: "admin",
      action: "reveal",
      body: z.strictObject({
        object: z.string().regex(/^(evt|sub)_[0-9A-HJKMNP-TV-Z]{26}$/, "must be an event's or a subscription's id"),
        reason: z.string().trim().min(3).max(500),
      }),
      responses: {
        200: {
          description: "The thing itself.",
          schema: z.object({ object: z.string(), revealed: z.record(z.string(), z.unknown()), expires_at: Timestamp }),
        },
      },
      errors: ["sign_in_again", "not_found"],
    },
    async (c, { body: { object, reason } }) => {
      const identity = c.get("identity");
      const { person } = identity;
      if (person === undefined)
        throw new TriggersError("forbidden", "Only people are shown what is masked: a key's answers have no mask.");
      if (deps.now() - person.signed_in_at > SIGNED_IN_MS)
        throw new TriggersError("sign_in_again", "Sign in again first: the last sign-in is more than 5 minutes ago.");
      const event = object.startsWith("evt_") ? await eventById(context, identity, object, deps.now) : undefined;
      const revealed = await change(deps, c, identity.customer_id, async (tx, tell) => {
        tell(object, { reason });
        if (event !== undefined) return writeEvent(event).toString("utf8");
        const row = await findSubscription(tx, c.get("tenant"), object);
        if (row === undefined) throw noSuch("subscription", object);
        return JSON.stringify({ subscription_id: object, webhook_url: row.definition.webhook_url });
      });
      if (event !== undefined) await recordViews(deps, c, person, { events: [object], how: "reveal", reason });
      const expires = rfc3339(deps.now() + SHOWN_MS);
      // Spliced, so that a payload's numbers keep their digits.
      const text = `{"object":${JSON.stringify(object)},"revealed":${revealed},"expires_at":${JSON.stringify(expires)}}`;
      return c.body(text, 200, { "content-type": "application/json" });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/events/{id}/viewers",
      tag: TAG,
      summary: "List who read an event's payload in the console",
      description: "Newest first. Reads by keys are in the audit of access, by key and minute.",
      scope: "admin",
      params: EventId,
      query: z.strictObject(listQuery),
      responses: pageOf(
        "viewers",
        z.object({
          at: Timestamp,
          person_id: z.string(),
          name: z.string(),
          role: z.enum(roles),
          how: z.enum(["payload", "reveal"]),
          reason: z.string().nullable(),
        }),
      ),
    },
    async (c, { params: { id }, query }) => {
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      const list = await openList<string>(deps, `${tenant}:viewers:${id}`, query);
      const rows = await asCustomer(deps.db, customer_id, (tx) =>
        tx
          .selectFrom("event_views")
          .selectAll()
          .where("tenant", "=", tenant)
          .where("event_id", "=", id)
          .where("view_id", "<", list.after ?? "~")
          .orderBy("view_id", "desc")
          .limit(list.toRead)
          .execute(),
      );
      const viewOf = ({ at, person_id, name, role, how, reason }: (typeof rows)[number]) => ({
        at: at.toISOString(),
        person_id,
        name,
        role,
        how,
        reason,
      });
      // What was seen stays told after the event is gone; of an event that nobody saw, only its customer learns that.
      if (rows.length === 0 && list.after === undefined) await eventById(context, c.get("identity"), id, deps.now);
      const page = await list.page(rows, viewOf, ({ view_id }) => view_id);
      return c.json({ viewers: page.items, next_cursor: page.next_cursor });
    },
  );
}
