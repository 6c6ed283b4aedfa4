import { LRUCache } from "lru-cache";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity.ts";
import { metadataOf } from "../domain/metadata.ts";
import { type DeliveryTarget, METADATA } from "../domain/subscription.ts";
import { applyTransform, enrichmentKey } from "../matching/index.ts";
import type { Delivery } from "./plan.ts";
import type { Posting } from "./postAll.ts";

/** A new version of a table is used within 5 s: rows are asked for again after four. */
const ROW_FRESH_MS = 4_000;
const ROWS_BYTES = 16 * 1_024 * 1_024;
/** Set where the table has no such row. */
const NONE = "";

export interface PayloadOptions {
  readonly service: Service;
  readonly region: string;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Payloads as a subscriber gets them: the stored bytes themselves, unless it asked for a transform or an enrichment. */
export function payloadMaker({ service, region, now }: PayloadOptions): Posting["payloads"] {
  const known = new LRUCache<string, { readonly row: string; readonly askedAt: number }>({
    maxSize: ROWS_BYTES,
    sizeCalculation: ({ row }, id) => id.length + row.length + 100,
  });

  async function rowsOf(tenant: Tenant, table: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const idOf = (key: string) => `${tenant}\n${table}\n${key}`;
    const found = new Map<string, string>();
    const asked = now();
    const unknown: string[] = [];
    for (const key of new Set(keys)) {
      const entry = known.get(idOf(key));
      if (entry !== undefined && asked - entry.askedAt < ROW_FRESH_MS) found.set(key, entry.row);
      else unknown.push(key);
    }
    if (unknown.length > 0) {
      const { row_texts } = (await service({ op: "reference", tenant, table, keys: unknown })).answer;
      for (const key of unknown) {
        const row = row_texts[key] ?? NONE;
        known.set(idOf(key), { row, askedAt: asked });
        found.set(key, row);
      }
    }
    return found;
  }

  async function enriching(
    { tenant, enrich }: DeliveryTarget,
    { first, key_name }: Delivery,
    raws: readonly Buffer[],
  ): Promise<readonly (string | undefined)[]> {
    if (enrich === undefined) return [];
    if (enrich.from === METADATA) {
      const row = JSON.stringify(metadataOf(first, region, key_name));
      return raws.map(() => row);
    }
    const keys = raws.map((raw) => enrichmentKey(enrich, JSON.parse(raw.toString("utf8"))));
    const rows = await rowsOf(
      tenant,
      enrich.from,
      keys.filter((key) => key !== undefined),
    );
    return keys.map((key) => {
      const row = key === undefined ? undefined : rows.get(key);
      return row === NONE ? undefined : row;
    });
  }

  return async (target, delivery, offsets) => {
    const raws = offsets.map((offset) => delivery.events[offset]!);
    const { transform, enrich } = target;
    if (transform === undefined && enrich === undefined) return raws;
    const rows = await enriching(target, delivery, raws);
    return raws.map((raw, at) =>
      applyTransform(raw, transform, enrich === undefined ? undefined : { as: enrich.as, row: rows[at] }),
    );
  };
}
