import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { eventId, firstUlidAt, SHARDS, ulidAt } from "../../domain/ids.ts";
import { decodeProblem } from "../../domain/problem.ts";
import type { Job } from "../../domain/service.ts";
import { problemItems } from "../../store/problems.ts";
import { mapConcurrently, queryPage } from "../../store/table.ts";
import type { Tools } from "../work.ts";
import { type Cursor, onward, withCounts } from "./erasure.ts";
import { removeItem } from "./table.ts";

/** Everything that a customer sent up to the request: whole items of the table, and all idempotency entries. */

/** Every batch, delivery and mark of one of the tenants' shards; marks last, since without batches none come after them. */
export async function everythingInTable(job: Job, cursor: Cursor, tools: Tools, until: number): Promise<Cursor> {
  const tenant = cursor.tenants[Math.floor(cursor.at / SHARDS)]!;
  const bound = firstUlidAt(Date.parse(job.created_at) + 1);
  let current = cursor;
  if (cursor.at % SHARDS === 0) await everyProblem(tenant, Date.parse(job.created_at), tools);
  for (const kind of ["d", "x", "e", "a"] as const) {
    for (;;) {
      const { items, next } = await queryPage(tools.store, {
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
        ExpressionAttributeValues: {
          ":pk": { S: `${tenant}#${cursor.at % SHARDS}` },
          ":lo": { S: `${kind}#` },
          ":hi": { S: `${kind}#${bound}` },
        },
        ProjectionExpression: "pk, sk, s3_key, #count",
        ExpressionAttributeNames: { "#count": "count" },
        Limit: 500,
      });
      const objects = await mapConcurrently(items, 16, (item) => removeItem(tools.store, item));
      const ids =
        kind !== "e"
          ? []
          : items.flatMap((item) =>
              Array.from({ length: Number(item.count?.N ?? 0) }, (_each, i) =>
                eventId(ulidAt(item.sk!.S!.slice(2), i)),
              ),
            );
      const more =
        kind !== "e"
          ? { deliveries: kind === "d" ? items.length : 0 }
          : { events: ids.length, payload_objects: objects.filter(Boolean).length };
      current = withCounts(current, more, ids, items.length);
      // What was removed is not found again, so there is no place to remember.
      if (tools.now() >= until && next !== undefined) return current;
      if (next === undefined) break;
    }
  }
  return onward(current, cursor.tenants.length * SHARDS, "entries");
}

/** What failed up to the request: it names subscriptions and deliveries. */
async function everyProblem(tenant: Tenant, until: number, { store }: Tools): Promise<void> {
  const items = await problemItems(store.dynamodb, store.eventsTable, tenant);
  await mapConcurrently(
    items.filter((item) => decodeProblem(item).last_at <= until),
    16,
    ({ pk, sk }) =>
      store.dynamodb.send(new DeleteItemCommand({ TableName: store.eventsTable, Key: { pk: pk!, sk: sk! } })),
  );
}

/** Entries of requests that never came to be a batch are among them, so no batch can name them all: Redis is walked through. */
export async function everyEntry(job: Job, cursor: Cursor, tools: Tools, until: number): Promise<Cursor> {
  let current = cursor;
  for (;;) {
    const { removed, in_flight, next_cursor } = await tools.forget({
      tenant: cursor.tenants[cursor.at]!,
      until: Date.parse(job.created_at),
      ...defined({ cursor: current.after }),
    });
    current = withCounts(current, { idempotency_entries: removed }, [], removed + in_flight.length);
    if (next_cursor === null) return onward(current, cursor.tenants.length, "archive");
    current = { ...current, after: next_cursor };
    if (tools.now() >= until) return current;
  }
}
