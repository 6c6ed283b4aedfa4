import { defined } from "../../domain/defined.ts";
import { eventId, firstUlidAt, SHARDS, ulidAt } from "../../domain/ids.ts";
import type { Job } from "../../domain/service.ts";
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
