import { getItems, type Table } from "../../aws/tables.ts";
import type { Item } from "../../domain/codec/fields.ts";
import { type BatchItem, decodeBatch } from "../batches/batchItem.ts";
import { decodeWhole, keysBeside } from "../batches/manyMatched.ts";
import { batchKey, type DeliveryName, deliveryKey, keyText } from "../keys.ts";
import { readable } from "../readable.ts";
import { type DeliveryItem, decodeDeliveryItem } from "./deliveryItem.ts";

/** A batch by its tenant and its first ULID. */
export type BatchName = Pick<DeliveryName, "tenant" | "first">;

/** Reads of stored items before deliveries are attempted. */
export interface Wanted {
  readonly deliveries: readonly DeliveryName[];
  readonly batches: readonly BatchName[];
  /** Batches of which only the deleted events matter; those in `batches` are left out. */
  readonly deletions: readonly BatchName[];
}

/** Reads items by their keys, strongly consistent. @param attributes all when left out */
export type ReadItems = (keys: readonly Item[], attributes?: readonly string[]) => Promise<readonly Item[]>;

/** The stored items of the requested deliveries and batches. An item is decoded when it is looked at. */
export class StoredDeliveries {
  readonly #items: ReadonlyMap<string, Item>;
  readonly #deletions: ReadonlyMap<string, Item>;

  constructor(items: readonly Item[], deletions: readonly Item[]) {
    const byKey = (all: readonly Item[]) => new Map(all.map((item) => [keyText(item), item]));
    this.#items = byKey(items);
    this.#deletions = byKey(deletions);
  }

  /** @throws CodecError when it can't be read */
  delivery(name: DeliveryName): DeliveryItem | undefined {
    const item = this.#items.get(keyText(deliveryKey(name)));
    return item === undefined ? undefined : decodeDeliveryItem(item);
  }

  /** A batch that was asked for as a whole. @throws CodecError when it can't be read */
  batch(name: BatchName): Omit<BatchItem, "matched"> | undefined {
    const item = this.#batchItem(name);
    return item && decodeBatch(item);
  }

  /** Offsets of the events of such a batch that matched, for a delivery without an item. @throws CodecError when they can't be read */
  matched(name: DeliveryName): readonly number[] | undefined {
    const item = this.#batchItem(name);
    return item && decodeWhole(item, this.#items).matched[name.subscription_id];
  }

  #batchItem({ tenant, first }: BatchName): Item | undefined {
    return this.#items.get(keyText(batchKey(tenant, first)));
  }

  /** Whether there is the batch, however it was asked for. */
  hasBatch({ tenant, first }: BatchName): boolean {
    const key = keyText(batchKey(tenant, first));
    return this.#items.has(key) || this.#deletions.has(key);
  }

  /** Offsets of the deleted events of a batch that was asked for its deletions. */
  deleted({ tenant, first }: BatchName): readonly number[] {
    const item = this.#deletions.get(keyText(batchKey(tenant, first)));
    return (item?.deleted?.NS ?? []).map(Number);
  }
}

/** @throws what reading throws */
export async function readStored(wanted: Wanted, read: ReadItems): Promise<StoredDeliveries> {
  const keys = new Map<string, Item>();
  const add = (to: Map<string, Item>, key: Item) => to.set(keyText(key), key);
  for (const name of wanted.deliveries) add(keys, deliveryKey(name));
  for (const { tenant, first } of wanted.batches) add(keys, batchKey(tenant, first));
  const deletions = new Map<string, Item>();
  for (const { tenant, first } of wanted.deletions) add(deletions, batchKey(tenant, first));
  for (const key of keys.keys()) deletions.delete(key);
  const [items, deleted] = await Promise.all([
    keys.size === 0 ? [] : read([...keys.values()]),
    deletions.size === 0 ? [] : read([...deletions.values()], ["pk", "sk", "deleted"]),
  ]);
  const beside = keysOfMatched(items, wanted.deliveries);
  return new StoredDeliveries(beside.length === 0 ? items : [...items, ...(await read(beside))], deleted);
}

/** Where the ids are that match the batches of deliveries without an item, where they are beside these. Who asks for a damaged one is told. */
function keysOfMatched(items: readonly Item[], deliveries: readonly DeliveryName[]): Item[] {
  const apart = items.filter(({ matched_in }) => matched_in !== undefined);
  if (apart.length === 0) return [];
  const found = new Set(items.map(keyText));
  const bare = deliveries.filter((name) => !found.has(keyText(deliveryKey(name))));
  const batches = new Set(bare.map(({ tenant, first }) => keyText(batchKey(tenant, first))));
  return readable(
    apart.filter((item) => batches.has(keyText(item))),
    keysBeside,
  ).flat();
}

export const readFromTable = (events: Table, wanted: Wanted): Promise<StoredDeliveries> =>
  readStored(wanted, (keys, attributes) => getItems(events, keys, "strong", attributes));
