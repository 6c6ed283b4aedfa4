import { mapConcurrently } from "../../domain/concurrently.ts";
import { defined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { firstUlidAt } from "../../domain/ids.ts";
import type { Job } from "../../domain/job.ts";
import { decodeProblem } from "../../domain/problem.ts";
import { MOST_SHARDS, shardsOf } from "../../domain/shards.ts";
import type { Millis } from "../../domain/time.ts";
import { erasedKinds, eraseShard } from "../../store/erasure/eraseShard.ts";
import { problemItems, removeProblem } from "../../store/problems.ts";
import { readable } from "../../store/readable.ts";
import { eraseNumbers } from "../numbers.ts";
import type { Tools } from "../work.ts";
import { type Cursor, onward, withCounts } from "./erasure.ts";

/** Everything that a customer sent up to the request: whole items of the table, and all idempotency entries. */

/** Every batch, delivery and mark of one of the tenants' shards. */
export async function everythingInTable(job: Job, cursor: Cursor, tools: Tools, until: Millis): Promise<Cursor> {
  // Places among as many shards as there may ever be: one goes on meaning the same when there are more.
  const tenant = cursor.tenants[Math.floor(cursor.at / MOST_SHARDS)]!;
  const shard = cursor.at % MOST_SHARDS;
  const last = cursor.tenants.length * MOST_SHARDS;
  if (shard >= shardsOf(tenant)) return onward(cursor, last, "entries");
  const before = firstUlidAt(Date.parse(job.created_at) + 1);
  let current = cursor;
  if (shard === 0) await everyProblem(tenant, Date.parse(job.created_at), tools);
  for (const kind of erasedKinds) {
    for (;;) {
      const { items, ids, deliveries, payloads, more } = await eraseShard(tools.store, tenant, { shard, kind, before });
      const counts = { events: ids.length, payload_objects: payloads, deliveries };
      current = withCounts(current, counts, ids, items);
      // Removed items are gone from the next reading, so there is no place to remember.
      if (tools.now() >= until && more) return current;
      if (!more) break;
    }
  }
  return onward(current, last, "entries");
}

/** What failed up to the request: it names subscriptions and deliveries. */
async function everyProblem(tenant: Tenant, until: Millis, { store }: Tools): Promise<void> {
  const items = await problemItems(store.events, tenant);
  // A damaged one may be of any time.
  const kept = new Set(
    readable(items, (item) => ({ item, problem: decodeProblem(item) }))
      .filter(({ problem }) => problem.last_at > until)
      .map(({ item }) => item),
  );
  await mapConcurrently(
    items.filter((item) => !kept.has(item)),
    16,
    (item) => removeProblem(store.events, item),
  );
}

/**
 * Some entries belong to requests that failed before they became a batch, so the batches don't lead to all of them: Redis is
 * walked through.
 */
export async function everyEntry(job: Job, cursor: Cursor, tools: Tools, until: Millis): Promise<Cursor> {
  let current = cursor;
  for (;;) {
    const { removed, in_flight, next_cursor } = await tools.forget({
      tenant: cursor.tenants[cursor.at]!,
      until: Date.parse(job.created_at),
      ...defined({ cursor: current.after }),
    });
    current = withCounts(current, { idempotency_entries: removed }, [], removed + in_flight.length);
    if (next_cursor === null) return onward(current, cursor.tenants.length, "numbers");
    current = { ...current, after: next_cursor };
    if (tools.now() >= until) return current;
  }
}

/** Metrics up to the request. Writers may put those of the last minutes once more: the next pass removes them again. */
export async function everyNumber(job: Job, cursor: Cursor, tools: Tools): Promise<Cursor> {
  const metrics = await eraseNumbers(tools, cursor.tenants[cursor.at]!, Date.parse(job.created_at));
  return onward(withCounts(cursor, { metrics }, [], 0), cursor.tenants.length, "archive");
}
