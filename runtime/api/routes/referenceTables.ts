import { z } from "@hono/zod-openapi";
import { type Selectable, sql } from "kysely";
import type { ReferenceTableTable } from "../../database/schema.ts";
import { nextVersion } from "../../database/versions.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { numberKeyIn } from "../../domain/jsonNumber.ts";
import { rfc3339 } from "../../domain/time.ts";
import { membersUnder, writeObject } from "../../matching/index.ts";
import { asCaller } from "../asCaller.ts";
import { change } from "../audited.ts";
import { listQuery, openList, pageOf } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { jsonBytes } from "../reads.ts";
import { route } from "../route.ts";
import { dictionary, Timestamp } from "../schemas.ts";

const TAG = "Reference tables";
const MAX_TABLES = 100;
const MAX_ROWS = 10_000;
const MAX_ROW_BYTES = 16_384;
/** A table is answered whole, so it is bounded by what a function can answer. */
const MAX_TABLE_BYTES = 4_000_000;

const TableName = z.object({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .openapi({ description: "Name of the table." }),
});
const Rows = dictionary(z.string().min(1).max(256), dictionary(z.string(), z.unknown()));
const TableSchema = z
  .object({ name: z.string(), version: z.number().int(), row_count: z.number().int(), updated_at: Timestamp })
  .openapi("ReferenceTable");

const viewOf = (row: Selectable<ReferenceTableTable>) => ({
  name: row.name,
  version: row.version,
  row_count: row.row_count,
  updated_at: row.updated_at.toISOString(),
});

const noTable = (name: string) => new TriggersError("not_found", `There is no reference table "${name}".`);

/** For each key that is a number, the one by which equal numbers find its row. */
const numberKeysOf = (rows: readonly (readonly [key: string, text: string])[]) =>
  rows.flatMap(([key]) => {
    const number = numberKeyIn(key);
    return number === undefined ? [] : [[key, JSON.stringify(number)] as const];
  });

/** @throws TriggersError `unprocessable` naming the bound */
function checkRows(rows: readonly (readonly [key: string, text: string])[]): void {
  if (rows.length > MAX_ROWS) {
    throw new TriggersError("unprocessable", `A reference table has at most ${MAX_ROWS.toLocaleString("en")} rows.`);
  }
  const large = rows.find(([, text]) => Buffer.byteLength(text) > MAX_ROW_BYTES);
  if (large === undefined) return;
  const message = `A row has at most ${MAX_ROW_BYTES.toLocaleString("en")} bytes.`;
  throw new TriggersError("unprocessable", message, { details: [{ path: `/rows/${large[0]}`, message }] });
}

export function register(app: Api, deps: Deps): void {
  route(
    app,
    {
      method: "put",
      path: "/reference-tables/{name}",
      tag: TAG,
      summary: "Set the rows of a reference table",
      description: "Replaces the whole table. Subscriptions whose `enrich` names it use the new rows within 5 s.",
      scope: "subscriptions",
      action: "reference_table.update",
      params: TableName,
      body: z.strictObject({ rows: Rows }),
      maxBytes: MAX_TABLE_BYTES,
      responses: { 200: { description: "The table with its version.", schema: TableSchema } },
      errors: ["unprocessable"],
    },
    async (c, { params, raw }) => {
      // As it was written: parsed and written again, a long number would lose its last digits.
      const rows = membersUnder(new TextDecoder().decode(raw), "rows");
      checkRows(rows);
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      const row = await change(deps, c, customer_id, async (tx, tell) => {
        await nextVersion(tx, tenant, customer_id, "reference_tables");
        const { others } = await tx
          .selectFrom("reference_tables")
          .select(sql<number>`count(*)::int`.as("others"))
          .where("tenant", "=", tenant)
          .where("is_current", "=", true)
          .where("name", "<>", params.name)
          .executeTakeFirstOrThrow();
        if (others >= MAX_TABLES) {
          throw new TriggersError("unprocessable", `There can be at most ${MAX_TABLES} reference tables.`);
        }
        const counted = { row_count: rows.length, is_current: true, updated_at: rfc3339(deps.now()) };
        const table = await tx
          .insertInto("reference_tables")
          .values({ tenant, customer_id, name: params.name, version: 1, ...counted })
          .onConflict((oc) =>
            oc
              .columns(["tenant", "name"])
              .doUpdateSet((eb) => ({ ...counted, version: eb("reference_tables.version", "+", 1) })),
          )
          .returningAll()
          .executeTakeFirstOrThrow();
        await tx.deleteFrom("reference_rows").where("tenant", "=", tenant).where("name", "=", params.name).execute();
        await sql`
          insert into reference_rows (tenant, customer_id, name, key, number_key, row)
          select ${tenant}, ${customer_id}, ${params.name}, rows.key, numbers.value, rows.value
          from json_each(${writeObject(rows)}::json) rows
          left join json_each_text(${writeObject(numberKeysOf(rows))}::json) numbers using (key)`.execute(tx);
        tell(params.name, { version: table.version, row_count: table.row_count });
        return table;
      });
      return c.json(viewOf(row));
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/reference-tables",
      tag: TAG,
      summary: "List reference tables",
      scope: "subscriptions",
      query: z.strictObject(listQuery),
      responses: pageOf("reference_tables", TableSchema, "One page, by name, without rows."),
    },
    async (c, { query }) => {
      const list = await openList<string>(deps, `${c.get("tenant")}:reference_tables`, query);
      const rows = await asCaller(deps, c, (tx) =>
        tx
          .selectFrom("reference_tables")
          .selectAll()
          .where("tenant", "=", c.get("tenant"))
          .where("is_current", "=", true)
          .where("name", ">", list.after ?? "")
          .orderBy("name")
          .limit(list.toRead)
          .execute(),
      );
      const { items, next_cursor } = await list.page(rows, viewOf, (row) => row.name);
      return c.json({ reference_tables: items, next_cursor });
    },
  );

  route(
    app,
    {
      method: "get",
      path: "/reference-tables/{name}",
      tag: TAG,
      summary: "Read a reference table",
      scope: "subscriptions",
      params: TableName,
      responses: { 200: { description: "The table with its rows.", schema: TableSchema.extend({ rows: Rows }) } },
    },
    async (c, { params }) => {
      const tenant = c.get("tenant");
      const answer = await asCaller(deps, c, async (tx) => {
        const table = await tx
          .selectFrom("reference_tables")
          .selectAll()
          .where("tenant", "=", tenant)
          .where("name", "=", params.name)
          .where("is_current", "=", true)
          .executeTakeFirst();
        if (table === undefined) throw noTable(params.name);
        const rows = await tx
          .selectFrom("reference_rows")
          .select(["key", sql<string>`row::text`.as("text")])
          .where("tenant", "=", tenant)
          .where("name", "=", params.name)
          .execute();
        const head = Object.entries(viewOf(table)).map(([name, value]) => [name, JSON.stringify(value)] as const);
        return writeObject([...head, ["rows", writeObject(rows.map(({ key, text }) => [key, text]))]]);
      });
      return jsonBytes(Buffer.from(answer));
    },
  );

  route(
    app,
    {
      method: "delete",
      path: "/reference-tables/{name}",
      tag: TAG,
      summary: "Delete a reference table",
      description: "Subscriptions that enrich from it leave their member out from then on.",
      scope: "subscriptions",
      action: "reference_table.delete",
      params: TableName,
      responses: { 204: { description: "Deleted, now or before." } },
    },
    async (c, { params }) => {
      const { customer_id } = c.get("identity");
      const tenant = c.get("tenant");
      await change(deps, c, customer_id, async (tx, tell) => {
        const table = await tx
          .selectFrom("reference_tables")
          .select("is_current")
          .where("tenant", "=", tenant)
          .where("name", "=", params.name)
          .forUpdate()
          .executeTakeFirst();
        if (table === undefined) throw noTable(params.name);
        if (!table.is_current) return;
        await nextVersion(tx, tenant, customer_id, "reference_tables");
        await tx
          .updateTable("reference_tables")
          .set({ is_current: false, row_count: 0, updated_at: rfc3339(deps.now()) })
          .where("tenant", "=", tenant)
          .where("name", "=", params.name)
          .execute();
        await tx.deleteFrom("reference_rows").where("tenant", "=", tenant).where("name", "=", params.name).execute();
        tell(params.name);
      });
      return c.body(null, 204);
    },
  );
}
