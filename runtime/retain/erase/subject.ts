import { mapConcurrently } from "../../domain/concurrently.ts";
import { defined } from "../../domain/defined.ts";
import { eventId, timeOf, ulidAt } from "../../domain/ids.ts";
import type { Job, PrivacyScope } from "../../domain/job.ts";
import { DAY_MS, type Millis } from "../../domain/time.ts";
import { type ScannedBatch, scanEvents } from "../../store/batches/scanEvents.ts";
import { erasedOffsets, eraseInBatch, forgetKeyHash } from "../../store/erasure/eraseInBatch.ts";
import { removeMarks } from "../../store/erasure/removeMarks.ts";
import { stripDeliveries } from "../../store/erasure/stripDeliveries.ts";
import type { Store } from "../../store/table.ts";
import { withinScope } from "../scope.ts";
import type { Tools } from "../work.ts";
import { type Cursor, onward, withCounts } from "./erasure.ts";

/**
 * A data subject's events in the table, batch by batch, and the idempotency entries of the requests that brought them.
 * A batch keeps the hash of its key until the entry is gone, so the remains of a crash or of a request under way are
 * found by the next pass.
 */

/** An entry is kept for a day after its answer, which a repeat may have brought a day after the claim. */
const ENTRY_MS = 2 * DAY_MS;

interface Found {
  readonly scanned: ScannedBatch;
  readonly ids: readonly string[];
  readonly payloads: number;
  readonly deliveries: number;
  /** Any of its events was erased, now or before. */
  readonly concerned: boolean;
}

export async function subjectInTable(
  job: Job,
  scope: PrivacyScope,
  cursor: Cursor,
  tools: Tools,
  until: Millis,
): Promise<Cursor> {
  const tenant = cursor.tenants[cursor.at]!;
  const wanted = withinScope(scope);
  let current = cursor;
  let { after } = cursor;
  const range = {
    order: "asc" as const,
    from: 0,
    to: Date.parse(job.created_at) + 1,
    deleted: true,
    strict: true,
    ...defined({ after }),
  };
  // At time 0 nothing has expired: what waits for its removal is erased too.
  for await (const step of scanEvents(tools.store, tenant, range, 0, () => tools.now() >= until)) {
    if (step.kind === "paused") return { ...current, ...defined({ after: step.reached }) };
    const results = await mapConcurrently(step.batches, 8, (scanned) => eraseOne(tools.store, scanned, wanted));
    for (const { scanned, ids, payloads, deliveries } of results) {
      const more = { events: ids.length, payload_objects: payloads, deliveries };
      current = withCounts(current, more, ids, ids.length + deliveries);
      after = ulidAt(scanned.batch.first, scanned.batch.count - 1);
    }
    current = await forgetEntries(current, results, tools);
    if (tools.now() >= until) return { ...current, ...defined({ after }) };
  }
  return onward(current, cursor.tenants.length, "archive");
}

async function eraseOne(store: Store, scanned: ScannedBatch, wanted: (payload: string) => boolean): Promise<Found> {
  const { batch, raws } = scanned;
  const { offsets, payloads, deliveries } = await eraseInBatch(store, batch, (_, now) =>
    now.flatMap((raw, offset) => (wanted(raw.toString("utf8")) ? [offset] : [])),
  );
  const ids = offsets.map((offset) => eventId(ulidAt(batch.first, offset)));
  const before = erasedOffsets(batch, raws);
  // A post that was under way when its event was erased has told what it was answered since.
  const late = before.length === 0 ? 0 : await stripDeliveries(store, batch, before);
  if (ids.length + before.length > 0) await removeMarks(store, batch, [...offsets, ...before]);
  return { scanned, ids, payloads, deliveries: deliveries + late, concerned: ids.length + before.length > 0 };
}

/** Entries that may not go yet count as found, so that a later pass asks for them again. */
async function forgetEntries(cursor: Cursor, results: readonly Found[], tools: Tools): Promise<Cursor> {
  const keyed = results.flatMap(({ scanned: { batch }, concerned }) =>
    concerned && batch.key_hash !== undefined && timeOf(batch.first) > tools.now() - ENTRY_MS
      ? [{ tenant: batch.tenant, first: batch.first, key_hash: batch.key_hash }]
      : [],
  );
  if (keyed.length === 0) return cursor;
  const { removed, in_flight } = await tools.forget({
    tenant: keyed[0]!.tenant,
    entries: keyed.map(({ first, key_hash }) => ({ first, key_hash })),
  });
  const gone = keyed.filter(({ key_hash }) => !in_flight.includes(key_hash));
  await mapConcurrently(gone, 8, async ({ tenant, first }) => {
    await forgetKeyHash(tools.store, tenant, first);
  });
  return withCounts(cursor, { idempotency_entries: removed }, [], removed + in_flight.length);
}
