import { updateItem } from "../../aws/tables.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import type { Millis } from "../../domain/time.ts";
import type { BatchItem } from "../batches/batchItem.ts";
import { type Found, findSoon } from "../batches/find.ts";
import { cancelDelivery } from "../deliveries/changeDelivery.ts";
import { deliveriesOf } from "../deliveries/deliveriesOf.ts";
import { rememberDeleted } from "../erasure/tombstones.ts";
import { batchKey } from "../keys.ts";
import type { Store } from "../table.ts";
import { addMark } from "./acknowledged.ts";

/**
 * Marks on single events inside a batch. Each adds to the stored ones, so marks of the same batch made at the same time, or
 * twice, or while the batch is delivered, never undo each other. Deletion is in the batch's item, under the condition that it
 * exists, where nobody who reads the batch can miss it; acknowledgement is beside it.
 */
export interface Marked {
  /** Events that bear the mark now, whether or not they did before. */
  readonly marked: readonly string[];
  readonly missing: readonly string[];
}

const WIDTH = 16;

interface Group {
  readonly batch: BatchItem;
  readonly ulids: Ulid[];
  readonly offsets: number[];
}

function byBatch(found: ReadonlyMap<string, Found>): Group[] {
  const groups = new Map<string, Group>();
  for (const [ulid, { batch, offset }] of found) {
    const group = groups.get(batch.first) ?? { batch, ulids: [], offsets: [] };
    groups.set(batch.first, group);
    group.ulids.push(ulid);
    group.offsets.push(offset);
  }
  return [...groups.values()];
}

function outcome(ulids: readonly Ulid[], gone: ReadonlySet<string>): Marked {
  const distinct = [...new Set(ulids)];
  return { marked: distinct.filter((ulid) => !gone.has(ulid)), missing: distinct.filter((ulid) => gone.has(ulid)) };
}

/** Acknowledges events; the first acknowledgement's time stays. */
export async function acknowledge(
  store: Store,
  tenant: Tenant,
  ulids: readonly Ulid[],
  now: () => Millis,
): Promise<Marked> {
  const found = await findSoon(store, tenant, ulids, { body: false, marks: true }, now);
  await mapConcurrently(byBatch(found), WIDTH, async ({ batch, offsets }) => {
    // A second mark of the same event changes nothing, so marks stay small under repeats.
    const fresh = offsets.filter((offset) => batch.acknowledged[offset] === undefined);
    if (fresh.length > 0) await addMark(store, batch, fresh, now());
  });
  return outcome(ulids, new Set(ulids.filter((ulid) => !found.has(ulid))));
}

/** Deletes events from every read and cancels what of their deliveries still waits. Deleting again is harmless. */
export async function deleteEvents(
  store: Store,
  tenant: Tenant,
  ulids: readonly Ulid[],
  now: () => Millis,
): Promise<Marked> {
  const found = await findSoon(store, tenant, ulids, { body: false, deleted: true }, now);
  const gone = new Set(ulids.filter((ulid) => !found.has(ulid)));
  const groups = byBatch(found);
  await mapConcurrently(groups, WIDTH, async ({ batch, ulids: own, offsets }) => {
    const alive = await updateItem(store.events, batchKey(tenant, batch.first), {
      UpdateExpression: "ADD deleted :offsets",
      ConditionExpression: "attribute_exists(pk)",
      ExpressionAttributeValues: { ":offsets": { NS: offsets.map(String) } },
    });
    if (alive === undefined) for (const ulid of own) gone.add(ulid);
    else await rememberDeleted(store, tenant, batch.first, offsets);
  });
  // After the mark: a later delivery sees it, and deliveries that wait already are cancelled here.
  await cancelDeliveries(store, tenant, groups);
  return outcome(ulids, gone);
}

async function cancelDeliveries(store: Store, tenant: Tenant, groups: readonly Group[]): Promise<void> {
  const matching = groups.filter(({ batch }) => Object.keys(batch.matched).length > 0);
  const firsts = matching.map(({ batch }) => batch.first).sort();
  const deliveries = await deliveriesOf(store, tenant, firsts, Number.POSITIVE_INFINITY);
  const waiting = matching.flatMap(({ batch, offsets }) => {
    const deleted = new Set([...batch.deleted, ...offsets]);
    return (deliveries.get(batch.first) ?? []).filter(
      (item) =>
        (item.status === "failed" || item.status === "pending") &&
        (item.remaining ?? item.indexes).every((offset) => deleted.has(offset)),
    );
  });
  await mapConcurrently(waiting, WIDTH, (item) => cancelDelivery(store.events, item, "event_deleted"));
}
