/** Counts a past by the code that counts the present, hour by hour: minutes, hours and the cube's days come to what they would be. */
import type { Table } from "../../runtime/aws/tables.ts";
import { addUpDay, writeHour } from "../../runtime/counters/hours.ts";
import type { CubeFiles } from "../../runtime/cube/files.ts";
import { foldHour } from "../../runtime/cube/fold.ts";
import type { Item } from "../../runtime/domain/codec/fields.ts";
import type { Tenant } from "../../runtime/domain/identity/identity.ts";
import type { Rows } from "../../runtime/domain/metrics/facts.ts";
import { dayStart, hourOf, hourStart } from "../../runtime/domain/metrics/hours.ts";
import { DAY_MS, HOUR_MS, type Millis } from "../../runtime/domain/time.ts";
import type { UsageFact } from "../../runtime/domain/usage/fact.ts";
import { minuteShards, usageWriter } from "../../runtime/domain/usage/usage.ts";
import type { Filler } from "../stored.ts";

export interface PastNumbers {
  readonly counters: Table;
  readonly filler: Filler;
  readonly files: CubeFiles;
  readonly now: Millis;
  /** Hours before this are added up; later ones the platform adds up itself. */
  readonly added: Millis;
}

export interface PastCounter {
  /** Takes in what happened; the hours of it may not be written yet. */
  add(facts: readonly UsageFact[]): void;
  /** Writes all hours that end by then. */
  writeUntil(end: Millis): Promise<void>;
  /** Writes what is left. */
  end(): Promise<void>;
}

/** Counts for one tenant, whose hours are told in order. */
export function pastCounter(tenant: Tenant, { counters, filler, files, now, added }: PastNumbers): PastCounter {
  const hours = new Map<number, UsageFact[]>();
  const shards = new Set(minuteShards(tenant));
  let day: { readonly start: number; readonly quarters: Map<number, Rows> } | undefined;

  async function writeMinutes(hour: number, facts: readonly UsageFact[]): Promise<Item[]> {
    const items: Item[] = [];
    const keep = async ({ Item }: { Item?: Item | undefined }) => void items.push(Item!);
    const writer = usageWriter(counters.name, keep, "past", () => hour + HOUR_MS);
    writer.add(facts);
    await writer.flush();
    await filler.put(items.filter(({ expires_at }) => Number(expires_at!.N) * 1_000 > now));
    return items.filter(({ pk }) => shards.has(pk!.S!));
  }

  async function writeDay(): Promise<void> {
    if (day !== undefined && day.quarters.size > 0) {
      await foldHour(files, tenant, day.start, day);
      if (day.start + DAY_MS <= added) await addUpDay(counters, tenant, day.start);
    }
    day = undefined;
  }

  async function write(hour: number): Promise<void> {
    const minutes = await writeMinutes(hour, hours.get(hour) ?? []);
    hours.delete(hour);
    if (hour + HOUR_MS > added) return;
    const start = dayStart(hour);
    if (day?.start !== start) await writeDay();
    day ??= { start, quarters: new Map() };
    const { quarters } = day;
    await writeHour(counters, tenant, hour, minutes, async () => {
      for (const [at, rows] of hourOf(minutes).quarters) quarters.set(at, rows);
    });
  }

  async function writeAll(wanted: (hour: number) => boolean): Promise<void> {
    for (const hour of [...hours.keys()].filter(wanted).sort((a, b) => a - b)) await write(hour);
  }

  return {
    add(facts) {
      for (const fact of facts) {
        const hour = hourStart(fact.at);
        const own = hours.get(hour);
        if (own === undefined) hours.set(hour, [fact]);
        else own.push(fact);
      }
    },
    writeUntil: (end) => writeAll((hour) => hour + HOUR_MS <= end),
    async end() {
      await writeAll(() => true);
      await writeDay();
    },
  };
}
