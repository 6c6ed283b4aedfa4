import { LRUCache } from "lru-cache";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { type DeliveryTarget, METADATA } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import { metadataOf } from "../domain/webhook/metadata.ts";
import { applyTransform, type EnrichmentKey, enrichmentKey, rowOf } from "../matching/transform.ts";
import type { Delivery } from "./plan.ts";
import type { Posting } from "./postAll.ts";
import { type Unmade, unmade } from "./unmade.ts";

/** A new version of a table is used within 5 s: rows are asked for again after four. */
const ROW_FRESH_MS = 4_000;
const ROWS_BYTES = 16 * 1_024 * 1_024;
/** Set where the table has no such row. */
const NONE = "";

/** The string "1.5" and the number 1.5 are two keys. */
const idOf = ({ text, number }: EnrichmentKey): string => `${number === undefined ? "" : "#"}${text}`;

export interface PayloadOptions {
  readonly service: Service;
  readonly region: string;
  /** Milliseconds. */
  now(): Millis;
}

/** Payloads as a subscriber gets them: the stored bytes themselves, unless it asked for a transform or an enrichment. */
export function payloadMaker({ service, region, now }: PayloadOptions): Posting["payloads"] {
  const known = new LRUCache<string, { readonly row: string; readonly askedAt: Millis }>({
    maxSize: ROWS_BYTES,
    sizeCalculation: ({ row }, id) => id.length + row.length + 100,
  });

  async function rowsOf(
    tenant: Tenant,
    table: string,
    keys: readonly EnrichmentKey[],
  ): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const asked = now();
    const unknown = new Map<string, EnrichmentKey>();
    for (const key of keys) {
      const id = idOf(key);
      const entry = known.get(`${tenant}\n${table}\n${id}`);
      if (entry !== undefined && asked - entry.askedAt < ROW_FRESH_MS) found.set(id, entry.row);
      else unknown.set(id, key);
    }
    if (unknown.size > 0) {
      const wanted = [...unknown.values()];
      const numbers = wanted.flatMap(({ number }) => number ?? []);
      const { rows } = (
        await service({
          op: "reference",
          tenant,
          table,
          keys: wanted.map(({ text }) => text),
          ...(numbers.length === 0 ? {} : { number_keys: numbers }),
        })
      ).answer;
      for (const [id, key] of unknown) {
        const row = rowOf(key, rows) ?? NONE;
        known.set(`${tenant}\n${table}\n${id}`, { row, askedAt: asked });
        found.set(id, row);
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
    const keys = new Map<number, EnrichmentKey | undefined | Unmade>();
    for (const offset of offsets) {
      try {
        keys.set(offset, enrichmentKey(enrich, events[offset]!));
      } catch (error) {
        keys.set(offset, unmade("enrich_failed", error));
      }
    }
    const rows = await rowsOf(
      tenant,
      enrich.from,
      [...keys.values()].flatMap((key) => (key === undefined || "error" in key ? [] : [key])),
    );
    return (offset) => {
      const key = keys.get(offset);
      if (key === undefined || "error" in key) return key;
      const row = rows.get(idOf(key));
      return row === NONE ? undefined : row;
    };
  }

  return async (target, delivery, offsets) => {
    const { events } = delivery;
    const { transform, enrich } = target;
    if (transform === undefined && enrich === undefined) return (offset) => events[offset]!;
    const rowAt = await enriching(target, delivery, offsets);
    return (offset) => {
      const row = rowAt(offset);
      if (typeof row === "object") return row;
      try {
        return applyTransform(events[offset]!, transform, enrich && { as: enrich.as, row });
      } catch (error) {
        return unmade("transform_failed", error);
      }
    };
  };
}
