import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tenant } from "../domain/identity/identity.ts";
import { cubeKey, type Folded } from "../domain/metrics/cube.ts";
import type { HourRows } from "../domain/metrics/hours.ts";
import { HOUR_MS, type Millis, rfc3339 } from "../domain/time.ts";
import { columns, linesOf } from "./columns.ts";
import { quoted, withDuck } from "./duck.ts";
import type { CubeFiles } from "./files.ts";

/**
 * Takes an hour into its day's file.
 *
 * Invariant: of each hour a file holds the rows that were folded last, also when others were folded before or are folded at the same time: two that
 * fold hours of one day at once can't undo each other's, since a file is put only in place of the one that was read.
 */

const TRIES = 20;

/** @throws Error when others kept changing the file */
export async function foldHour(
  files: CubeFiles,
  tenant: Tenant,
  hour: number,
  { quarters }: HourRows,
): Promise<Folded> {
  const lines = linesOf(quarters);
  const key = cubeKey(tenant, hour);
  return withDuck(async (duck, folder) => {
    const [fresh, before, after] = ["fresh.ndjson", "before.parquet", "after.parquet"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    writeFileSync(fresh, lines.map((line) => `${line}\n`).join(""));
    const types = columns.map(([name, type]) => `${name}: ${quoted(type)}`).join(", ");
    const names = columns.map(([name]) => name).join(", ");
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const found = await files.get(key);
      if (found === undefined && lines.length === 0) return { rows: 0 };
      const parts = [
        `SELECT ${names} FROM read_json(${quoted(fresh)}, format = 'newline_delimited', columns = {${types}})`,
      ];
      if (found !== undefined) {
        writeFileSync(before, found.bytes);
        parts.push(
          `SELECT ${names} FROM read_parquet(${quoted(before)}) WHERE quarter_start < TIMESTAMP ${timestamp(hour)} OR quarter_start >= TIMESTAMP ${timestamp(hour + HOUR_MS)}`,
        );
      }
      await duck.run(
        `COPY (${parts.join(" UNION ALL ")} ORDER BY grain, quarter_start, subscription_id, event_type) TO ${quoted(after)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      if (await files.put(key, readFileSync(after), found?.etag)) return { rows: lines.length };
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100 * tried));
    }
    throw new Error(`${key} kept changing`);
  });
}

/** A time as DuckDB writes it. */
const timestamp = (at: Millis): string => quoted(rfc3339(at).slice(0, -1).replace("T", " "));
