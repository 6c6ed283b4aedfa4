import { LRUCache } from "lru-cache";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity.ts";
import { metadataOf } from "../domain/metadata.ts";
import { type DeliveryTarget, METADATA } from "../domain/subscription.ts";
import { applyTransform, enrichmentKey } from "../matching/index.ts";
import type { Delivery } from "./plan.ts";
import type { Posting } from "./postAll.ts";
import { type Unmade, unmade } from "./unmade.ts";

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
        const row = Object.hasOwn(row_texts, key) ? row_texts[key]! : NONE;
        known.set(idOf(key), { row, askedAt: asked });
        found.set(key, row);
      }
    }
    return found;
  }

  /** Rows by offset. */
  async function enriching(
    { tenant, enrich }: DeliveryTarget,
    { first, key_name, events }: Delivery,
    offsets: readonly number[],
  ): Promise<(offset: number) => string | undefined | Unmade> {
    if (enrich === undefined) return () => undefined;
    if (enrich.from === METADATA) {
      const row = JSON.stringify(metadataOf(first, region, key_name));
      return () => row;
    }
    const keys = new Map<number, string | undefined | Unmade>();
    for (const offset of offsets) {
      try {
        keys.set(offset, enrichmentKey(enrich, JSON.parse(events[offset]!.toString("utf8"))));
      } catch (error) {
        keys.set(offset, unmade("enrich_failed", error));
      }
    }
    const rows = await rowsOf(
      tenant,
      enrich.from,
      [...keys.values()].filter((key) => typeof key === "string"),
    );
    return (offset) => {
      const key = keys.get(offset);
      if (typeof key !== "string") return key;
      const row = rows.get(key);
      return row === NONE ? undefined : row;
    };
  }

  return async (target, delivery, offsets) => {
    const { events } = delivery;
    const { transform, enrich } = target;
    if (transform === undefined && enrich === undefined) return (offset) => events[offset]!;
    const rowOf = await enriching(target, delivery, offsets);
    return (offset) => {
      const row = rowOf(offset);
      if (typeof row === "object") return row;
      try {
        return applyTransform(events[offset]!, transform, enrich && { as: enrich.as, row });
      } catch (error) {
        return unmade("transform_failed", error);
      }
    };
  };
}
