import { timeOf } from "../../domain/ids.ts";
import { exportFolder, type Job } from "../../domain/job.ts";
import { HOUR_MS, type Millis, type Seconds } from "../../domain/time.ts";
import { removeObjects } from "../removeObjects.ts";
import type { Tools } from "../work.ts";
import { type Cursor, withCounts } from "./erasure.ts";

/**
 * What was exported before goes whole, since nobody can tell whom a finished export is about. One that is still being made
 * holds events that were read before they were erased, and writes them when it likes: it is waited for. An export that was
 * requested after the last find can't hold any of it, and stays.
 */

/** Clocks of functions differ. */
const MARGIN_MS = 5_000;
const LOOK_AGAIN_SECONDS = 5;
/**
 * Milliseconds since a job's last saved slice after which it surely has stopped: its queue gives it up after four receives, half
 * an hour apart.
 */
const DEAD_MS = 3 * HOUR_MS;

/** @returns the cursor behind, or how many seconds to wait for jobs that may bring back erased events */
export async function inExports(
  job: Job,
  cursor: Cursor,
  tools: Tools,
): Promise<{ readonly cursor: Cursor; readonly waitSeconds?: Seconds }> {
  const since = Math.max(Date.parse(job.created_at), cursor.found_at ?? 0) + MARGIN_MS;
  const { jobs } = (await tools.service({ op: "copying", tenants: cursor.tenants })).answer;
  const early = jobs.filter(({ job_id }) => timeOf(job_id.slice(4)) <= since);
  for (const { job_id, updated_at } of early) {
    if (Date.parse(updated_at) > tools.now() - DEAD_MS) return { cursor, waitSeconds: LOOK_AGAIN_SECONDS };
    const result = { error: "It was given up, and an erasure removed what there was of it." };
    await tools.service({ op: "job_save", job_id, status: "failed", result });
  }
  const exports = await removeExports(cursor, since, tools);
  return { cursor: withCounts(cursor, { exports }, [], exports) };
}

/** @param since exports that were asked for later stay @returns how many objects were removed */
async function removeExports({ tenants }: Cursor, since: Millis, tools: Tools): Promise<number> {
  let removed = 0;
  for (const tenant of tenants) {
    const folder = exportFolder(tenant);
    const isEarly = (key: string) => timeOf(key.slice(folder.length).split("/")[0]!.slice(4)) <= since;
    removed += await removeObjects(tools.store.s3, tools.env.EXPORT_BUCKET, folder, isEarly);
  }
  return removed;
}
