import { z } from "@hono/zod-openapi";
import { type Selectable, sql } from "kysely";
import type { Tx } from "../../database/roles.ts";
import type { EventSchemaTable } from "../../database/schema.ts";
import { nextVersion } from "../../database/versions.ts";
import { jsonSize } from "../../domain/answer.ts";
import { compileSchema } from "../../domain/body/schema.ts";
import { reviewEvents } from "../../domain/body/validate.ts";
import { type ErrorDetail, TriggersError } from "../../domain/errors/errors.ts";
import { requireScope, type Tenant } from "../../domain/identity/identity.ts";
import { eventId, timeOf } from "../../domain/ids.ts";
import { type Millis, rfc3339 } from "../../domain/time.ts";
import { memberText, writeObject } from "../../matching/index.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { checkSchema } from "../checkSchema.ts";
import { Cursor, listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { examine } from "../examine.ts";
import { jsonBytes } from "../reads.ts";
import { route } from "../route.ts";
import { dictionary, EventTypeName, NextCursor, Timestamp } from "../schemas.ts";
import { FaultSchema } from "./dryRun.ts";

const TAG = "Event types";
const MAX_TYPES = 1_000;
/** Of the schemas as texts within JSON: all of a tenant fit one answer of the service, which ingest asks. */
const MAX_TOTAL_BYTES = 4_000_000;
/** Recorded events that a schema is tried on at once, how long that may take, and how many of those that break it are told. */
const MAX_TRIED = 1_000;
const TRYING_MS: Millis = 5_000;
const MAX_FAILURES = 20;

const EventType = z.object({ type: EventTypeName.openapi({ description: "Name of an event type." }) });
const isPattern = (text: string): boolean => text.split(".").some((segment) => segment === "*" || segment === "**");
const RegisteredTypeName = EventTypeName.refine(
  (text) => !isPattern(text),
  "is a pattern; a schema belongs to one event type",
);
const RegisteredType = z.object({ type: RegisteredTypeName.openapi({ description: "Name of an event type." }) });
const SchemaDocument = z.union([dictionary(z.string(), z.unknown()), z.boolean()]).openapi({
  description: "A JSON Schema (2020-12), as it is: not wrapped in anything.",
  example: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
});
const EventTypeSchema = z
  .object({ event_type: z.string(), version: z.number().int(), schema: SchemaDocument, updated_at: Timestamp })
  .openapi("EventType");

/** A row with its schema as the text that was put. */
type Row = Pick<Selectable<EventSchemaTable>, "event_type" | "version" | "is_current" | "updated_at"> & {
  readonly text: string;
};
const columns = ["event_type", "version", "is_current", "updated_at"] as const;
const asText = sql<string>`schema::text`.as("text");

/** As JSON text: a schema is read back as it was put, the digits of its numbers too. */
const viewOf = ({ event_type, version, text, updated_at }: Row): string =>
  writeObject([
    ["event_type", JSON.stringify(event_type)],
    ["version", String(version)],
    ["schema", text],
    ["updated_at", JSON.stringify(updated_at.toISOString())],
  ]);

/** The text without what only formats it. */
const withoutSpace = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");

const noType = (type: string) => new TriggersError("not_found", `There is no schema for the event type "${type}".`);

/** Ends the version by which events of the type are checked, if there is one. */
const endCurrent = (tx: Tx, tenant: Tenant, type: string) =>
  tx
    .updateTable("event_schemas")
    .set({ is_current: false })
    .where("tenant", "=", tenant)
    .where("event_type", "=", type)
    .where("is_current", "=", true)
    .executeTakeFirstOrThrow();

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "put",
      path: "/event-types/{type}",
      slashes: true,
      tag: TAG,
      summary: "Register the JSON Schema of an event type",
      description:
        "Events of this type that break it are refused with `schema_violation`. Counts for requests that begin 5 s later. Versions are kept; the same schema again changes nothing.",
      scope: "subscriptions",
      action: "event_type.update",
      params: RegisteredType,
      body: SchemaDocument,
      responses: { 200: { description: "The schema with its version.", schema: EventTypeSchema } },
      errors: ["invalid_schema", "unprocessable"],
    },
    async (c, { params, body, raw }) => {
      const text = new TextDecoder().decode(raw).trim();
      checkSchema(body, text);
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      const row = await change(deps, c, customer_id, async (tx, tell) => {
        await nextVersion(tx, tenant, customer_id, "schemas");
        const versions = await tx
          .selectFrom("event_schemas")
          .select([...columns, asText])
          .where("tenant", "=", tenant)
          .where("event_type", "=", params.type)
          .orderBy("version", "desc")
          .limit(1)
          .execute();
        const newest = versions[0];
        if (newest?.is_current === true && withoutSpace(newest.text) === withoutSpace(text)) return newest;
        const others = await tx
          .selectFrom("event_schemas")
          .select([
            sql<number>`count(*)::int`.as("types"),
            sql<number>`coalesce(sum(octet_length(to_json(schema::text)::text)), 0)::int`.as("bytes"),
          ])
          .where("tenant", "=", tenant)
          .where("event_type", "<>", params.type)
          .where("is_current", "=", true)
          .executeTakeFirstOrThrow();
        if (others.types + 1 > MAX_TYPES || others.bytes + jsonSize(text) > MAX_TOTAL_BYTES) {
          throw new TriggersError(
            "unprocessable",
            `At most ${MAX_TYPES.toLocaleString("en")} event types with ${MAX_TOTAL_BYTES.toLocaleString("en")} bytes of schemas can be registered; a quote or a backslash counts as two bytes.`,
          );
        }
        await endCurrent(tx, tenant, params.type);
        const version = (newest?.version ?? 0) + 1;
        tell(params.type, { version });
        return tx
          .insertInto("event_schemas")
          .values({
            tenant,
            customer_id,
            event_type: params.type,
            version,
            schema: text,
            is_current: true,
            updated_at: rfc3339(deps.now()),
          })
          .returning([...columns, asText])
          .executeTakeFirstOrThrow();
      });
      return jsonBytes(Buffer.from(viewOf(row)));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/event-types/rehearse",
      tag: TAG,
      summary: "Try a schema on recorded events before it is registered",
      description:
        "The newest events of the type first, `limit` of them a page: which of them would be refused now, and why. Nothing is stored. Needs the scope `events:read` as well.",
      scope: "subscriptions",
      body: z.strictObject({
        event_type: RegisteredTypeName,
        schema: SchemaDocument,
        limit: z.number().int().min(1).max(MAX_TRIED).optional().openapi({ description: "Events to examine (1,000)." }),
        cursor: Cursor.optional(),
      }),
      responses: {
        200: {
          description: "What the schema says of them.",
          schema: z.object({
            examined: z.number().int(),
            failed: z.number().int().openapi({ description: "Of those examined, how many would be refused." }),
            failures: z
              .array(z.object({ event_id: z.string(), received_at: Timestamp, errors: z.array(FaultSchema) }))
              .openapi({ description: `The newest ${MAX_FAILURES} of those that would be refused.` }),
            next_cursor: NextCursor,
          }),
        },
      },
      errors: ["invalid_schema"],
    },
    async (c, { body, raw }) => {
      const identity = c.get("identity");
      // Recorded events are read with the scope that reads them.
      requireScope(identity, "events:read");
      const text = memberText(new TextDecoder().decode(raw), "schema")!;
      checkSchema(body.schema, text);
      const check = compileSchema(text);
      const failures: { event_id: string; received_at: string; errors: readonly ErrorDetail[] }[] = [];
      let failed = 0;
      const { cursor, limit = MAX_TRIED, event_type } = body;
      const asked = { trial: "event_type_rehearse", cursor, limit, until: deps.now() + TRYING_MS, types: [event_type] };
      const { examined, next_cursor } = await examine(deps, c, asked, ({ ulid, raw: event }) => {
        // As the event would be met if it came now.
        const { faults } = reviewEvents(
          { array: false, events: [event], types: [event_type], faults: [] },
          () => check,
        );
        if (faults.length === 0) return;
        failed += 1;
        if (failures.length === MAX_FAILURES) return;
        const errors = faults.map(({ index: _, ...fault }) => fault);
        failures.push({ event_id: eventId(ulid), received_at: rfc3339(timeOf(ulid)), errors });
      });
      return c.json({ examined, failed, failures, next_cursor } as never);
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/event-types",
      tag: TAG,
      summary: "List event types with a schema",
      scope: "subscriptions",
      query: z.strictObject(listQuery),
      responses: pageOf("event_types", EventTypeSchema, "One page, by name."),
    },
    async (c, { query }) => {
      const list = await openList<string>(deps, `${c.get("tenant")}:event_types`, query);
      const rows = await asCaller(deps, c, (tx) =>
        tx
          .selectFrom("event_schemas")
          .select([...columns, asText])
          .where("tenant", "=", c.get("tenant"))
          .where("is_current", "=", true)
          .where("event_type", ">", list.after ?? "")
          .orderBy("event_type")
          .limit(list.toRead)
          .execute(),
      );
      const { items, next_cursor } = await list.page(rows, viewOf, (row) => row.event_type);
      const members = [
        ["event_types", `[${items.join(",")}]`],
        ["next_cursor", JSON.stringify(next_cursor)],
      ] as const;
      return jsonBytes(Buffer.from(writeObject(members)));
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/event-types/{type}",
      slashes: true,
      tag: TAG,
      summary: "Read the schema of an event type",
      scope: "subscriptions",
      params: EventType,
      query: z.strictObject({
        version: z
          .string()
          .regex(/^[1-9]\d{0,8}$/)
          .transform(Number)
          .optional()
          .openapi({ type: "integer", minimum: 1, description: "An older version; by default the current one." }),
      }),
      responses: { 200: { description: "The schema.", schema: EventTypeSchema } },
    },
    async (c, { params, query }) => {
      const row = await asCaller(deps, c, (tx) =>
        tx
          .selectFrom("event_schemas")
          .select([...columns, asText])
          .where("tenant", "=", c.get("tenant"))
          .where("event_type", "=", params.type)
          .where((eb) =>
            query.version === undefined ? eb("is_current", "=", true) : eb("version", "=", query.version),
          )
          .executeTakeFirst(),
      );
      if (row === undefined) throw noType(params.type);
      return jsonBytes(Buffer.from(viewOf(row)));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/event-types/{type}",
      slashes: true,
      tag: TAG,
      summary: "Stop checking events of a type",
      scope: "subscriptions",
      action: "event_type.delete",
      params: EventType,
      responses: { 204: { description: "No longer checked, now or before." } },
    },
    async (c, { params }) => {
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      await change(deps, c, customer_id, async (tx, tell) => {
        const known = await tx
          .selectFrom("event_schemas")
          .select("version")
          .where("tenant", "=", tenant)
          .where("event_type", "=", params.type)
          .executeTakeFirst();
        if (known === undefined) throw noType(params.type);
        await nextVersion(tx, tenant, customer_id, "schemas");
        const { numUpdatedRows } = await endCurrent(tx, tenant, params.type);
        if (numUpdatedRows > 0n) tell(params.type);
      });
      return c.body(null, 204);
    },
  );
}
