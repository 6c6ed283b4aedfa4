import { splitTenant } from "../domain/identity.ts";
import { firstUlidAt } from "../domain/ids.ts";
import type { PrivacyScope } from "../domain/job.ts";
import type { Job } from "../domain/service.ts";
import { archiveKeys, isOf, keepEvents, parseLine, readObject, replaceLines } from "./archive.ts";
import { type Cursor, withCounts } from "./erasure.ts";
import { withinScope } from "./scope.ts";
import type { Tools } from "./work.ts";

/** Another erasure may rewrite the same object at the same time: customers share their 64th of the archive. */
const TRIES = 8;

/** Rewrites the objects of the customer's 64th that hold anything within the scope; one that holds nothing else goes. */
export async function inArchive(
  job: Job,
  scope: PrivacyScope,
  cursor: Cursor,
  tools: Tools,
  until: number,
): Promise<Cursor> {
  const { customer_id } = splitTenant(job.tenant);
  let current = cursor;
  const ever = { from: 0, to: Number.POSITIVE_INFINITY };
  const bucket = tools.env.ARCHIVE_BUCKET;
  const erased = inObject(job, scope, cursor, tools);
  for await (const key of archiveKeys(tools.store.s3, bucket, customer_id, ever, cursor.after)) {
    const ids = await erased(key);
    if (ids.length > 0)
      current = withCounts(current, { archived_events: ids.length, archive_objects: 1 }, ids, ids.length);
    if (tools.now() >= until) return { ...current, after: key };
  }
  const { after: _, ...rest } = current;
  return { ...rest, at: 0, phase: "exports" };
}

/** Erases within one object, and again from the start when it was changed meanwhile. @returns ids of what was erased */
const inObject = (job: Job, scope: PrivacyScope, { tenants }: Cursor, tools: Tools) => {
  const wanted = withinScope(scope);
  const bound = firstUlidAt(Date.parse(job.created_at) + 1);
  return async (key: string): Promise<string[]> => {
    for (let tried = 1; ; tried += 1) {
      const { lines, etag } = await readObject(tools.store.s3, tools.env.ARCHIVE_BUCKET, key);
      const ids: string[] = [];
      const kept = lines.flatMap((text) => {
        if (!tenants.some((tenant) => isOf(text, tenant))) return [text];
        const line = parseLine(text);
        const rest = line.events.filter(({ event_id, payload }) => {
          const within = event_id.slice(4) < bound && wanted(payload);
          if (within) ids.push(event_id);
          return !within;
        });
        return keepEvents(line, rest) ?? [];
      });
      if (ids.length === 0) return ids;
      if (await replaceLines(tools.store.s3, tools.env.ARCHIVE_BUCKET, key, kept, etag)) return ids;
      if (tried === TRIES) throw new Error(`${key} kept changing`);
    }
  };
};
