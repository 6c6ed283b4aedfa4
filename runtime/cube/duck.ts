import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** A DuckDB that reads and writes files of its own folder, and loads nothing from elsewhere. */

const settings = {
  memory_limit: "1GB",
  threads: "2",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
};

let instance: Promise<DuckDBInstance> | undefined;

/** Text for SQL: only ever paths and names of ours. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Does the work over a connection and a folder that are its alone. */
export async function withDuck<T>(work: (duck: DuckDBConnection, folder: string) => Promise<T>): Promise<T> {
  instance ??= DuckDBInstance.create(":memory:", settings);
  const duck = await (await instance).connect();
  const folder = mkdtempSync(join(tmpdir(), "cube-"));
  try {
    return await work(duck, folder);
  } finally {
    duck.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}
