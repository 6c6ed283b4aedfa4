import type { Service } from "../aws/service.ts";
import type { DeliveryTarget } from "../domain/subscription.ts";
import { applyTransform, enrichmentKey } from "../matching/index.ts";
import type { Posting } from "./postAll.ts";

/** Payloads as a subscriber gets them: the stored bytes themselves, unless it asked for a transform or an enrichment. */
export const payloadMaker =
  (service: Service): Posting["payloads"] =>
  async (target, delivery, offsets) => {
    const raws = offsets.map((offset) => delivery.events[offset]!);
    const { transform, enrich } = target;
    if (enrich === undefined) {
      return transform === undefined ? raws : raws.map((raw) => applyTransform(raw, transform));
    }
    const keys = raws.map((raw) => enrichmentKey(enrich, JSON.parse(raw.toString("utf8"))));
    const rows = await rowsOf(service, target, enrich.from, keys);
    return raws.map((raw, at) => {
      const key = keys[at];
      return applyTransform(raw, transform, { as: enrich.as, row: key === undefined ? undefined : rows[key] });
    });
  };

async function rowsOf(
  service: Service,
  { tenant }: DeliveryTarget,
  table: string,
  keys: readonly (string | undefined)[],
): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> {
  const distinct = [...new Set(keys.filter((key) => key !== undefined))];
  if (distinct.length === 0) return {};
  return (await service({ op: "reference", tenant, table, keys: distinct })).answer.rows;
}
