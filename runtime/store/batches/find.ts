import { getItems, projectionOf, queryPage } from "../../aws/tables.ts";
import { mapConcurrently } from "../../domain/concurrently.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import { lowestOfRun, offsetOf, runOf, timeOf, type Ulid } from "../../domain/ids.ts";
import type { Millis } from "../../domain/time.ts";
import { marksBeside, withMarks } from "../inbox/acknowledged.ts";
import { batchKey, kindBetween, partitionOf } from "../keys.ts";
import { readable } from "../readable.ts";
import type { Store } from "../table.ts";
import type { BatchItem } from "./batchItem.ts";
import { readBatches } from "./manyMatched.ts";

/** Where an event is: its batch and its place in it. */
export interface Found {
  readonly batch: BatchItem;
  readonly offset: number;
}

/** Everything of a batch but its packed events. */
export const HEADS: readonly string[] = [
  "pk",
  "sk",
  "v",
  "count",
  "types",
  "key_id",
  "matched",
  "matched_in",
  "matched_parts",
  "snapshot_version",
  "routed_at",
  "stored_at",
  "expires_at",
  "acknowledged",
  "deleted",
  "s3_key",
  "key_name",
  "traceparent",
];

export interface FindOptions {
  /** Milliseconds since the epoch: what has expired is not found. */
  readonly now: Millis;
  /** False where the events' bytes aren't needed: the batches come with an empty body. */
  readonly body: boolean;
  /** Deleted events are found too. @default false */
  readonly deleted?: boolean;
  /** True where it matters what is acknowledged: without it, only marks in items of old are there. @default false */
  readonly marks?: boolean;
}

const last = (ulids: readonly Ulid[]): string => ulids.toSorted().at(-1)!;

/**
 * Finds events by their ULIDs. Most requests carry one event, whose batch has the same ULID, so these are asked for by
 * their keys, 100 at a time; the rest by one query a request: its batch is the last that begins at or before the event.
 * @returns by ULID; what doesn't exist for this tenant, was deleted, has expired or can't be read is left out
 */
export async function findEvents(
  store: Store,
  tenant: Tenant,
  ulids: readonly Ulid[],
  options: FindOptions,
): Promise<Map<string, Found>> {
  const runs = Map.groupBy(new Set(ulids), runOf);
  const attributes = options.body ? undefined : HEADS;
  const found = new Map<string, Found>();
  const take = (batch: BatchItem) => {
    if (batch.expiry * 1_000 <= options.now) return;
    for (const ulid of runs.get(runOf(batch.first)) ?? []) {
      const offset = offsetOf(batch.first, ulid, batch.count);
      if (offset >= 0 && (options.deleted === true || !batch.deleted.includes(offset)))
        found.set(ulid, { batch, offset });
    }
  };

  const single = [...runs.values()].flatMap((run) => (run.length === 1 ? [run[0]!] : []));
  const known = new Set<string>();
  if (single.length > 1) {
    const keys = single.map((ulid) => batchKey(tenant, ulid));
    for (const batch of await readBatches(
      store.events,
      await getItems(store.events, keys, "eventual", attributes),
      readable,
    )) {
      known.add(runOf(batch.first));
      take(batch);
    }
  }
  const rest = [...runs].filter(([run]) => !known.has(run));
  await mapConcurrently(rest, 16, async ([, members]) => {
    // One run can hold several batches only if 65 random bits agree within a millisecond; the loop costs nothing.
    for (let hi = last(members); ; ) {
      const { items } = await queryPage(store.events, {
        ...kindBetween(partitionOf(tenant, hi), "e", lowestOfRun(hi), hi),
        ...projectionOf(attributes),
        ScanIndexForward: false,
        Limit: 1,
        consistency: "eventual",
      });
      const [batch] = await readBatches(store.events, items, readable);
      if (batch === undefined) break;
      take(batch);
      const earlier = members.filter((ulid) => ulid < batch.first);
      if (earlier.length === 0) break;
      hi = last(earlier);
    }
  });
  return options.marks === true ? withTheirMarks(store, tenant, found) : found;
}

async function withTheirMarks(
  store: Store,
  tenant: Tenant,
  found: ReadonlyMap<string, Found>,
): Promise<Map<string, Found>> {
  const batches = new Map([...found.values()].map(({ batch }) => [batch.first, batch]));
  const marks = await marksBeside(store, tenant, [...batches.keys()]);
  for (const [first, batch] of batches) batches.set(first, withMarks(batch, marks.get(first)));
  return new Map([...found].map(([ulid, { batch, offset }]) => [ulid, { batch: batches.get(batch.first)!, offset }]));
}

/** Events accepted within this time may still be on their way to the table. */
const YOUNG_MS = 5_000;
const WAIT_MS = 1_000;
const POLL_MS = 40;

/**
 * Like `findEvents`, but waits up to a second for events so young that the router may not have stored them yet: a caller that asks right
 * after a 202 gets the event.
 * @param now the clock, in milliseconds
 */
export async function findSoon(
  store: Store,
  tenant: Tenant,
  ulids: readonly Ulid[],
  options: Omit<FindOptions, "now">,
  now: () => Millis,
): Promise<Map<string, Found>> {
  const started = now();
  const found = await findEvents(store, tenant, ulids, { ...options, now: started });
  const young = (ulid: Ulid) => !found.has(ulid) && Math.abs(now() - timeOf(ulid)) < YOUNG_MS;
  for (let missing = ulids.filter(young); missing.length > 0; missing = missing.filter(young)) {
    if (now() - started >= WAIT_MS) break;
    await new Promise((done) => setTimeout(done, POLL_MS));
    const more = await findEvents(store, tenant, missing, { ...options, now: now() });
    for (const [ulid, place] of more) found.set(ulid, place);
  }
  return found;
}
