import { splitTenant } from "../../domain/identity/identity.ts";
import { firstUlidAt } from "../../domain/ids.ts";
import type { Job, PrivacyScope } from "../../domain/job.ts";
import type { Millis } from "../../domain/time.ts";
import { archiveKeys, readObject, replaceLines } from "../archive.ts";
import { keepEvents, type UnreadableLine } from "../archiveLines.ts";
import { withinScope } from "../scope.ts";
import type { Tools } from "../work.ts";
import { type Cursor, withCounts } from "./erasure.ts";

/** Another erasure may rewrite the same object at the same time: customers share their 64th of the archive. */
const TRIES = 8;

/** Rewrites the objects of the customer's 64th that hold anything within the scope; one that holds nothing else goes. */
export async function inArchive(
  job: Job,
  scope: PrivacyScope,
  cursor: Cursor,
  tools: Tools,
  until: Millis,
): Promise<Cursor> {
  const { customer_id } = splitTenant(job.tenant);
  let current = cursor;
  const ever = { from: 0, to: Number.POSITIVE_INFINITY };
  const bucket = tools.env.ARCHIVE_BUCKET;
  const erased = inObject(job, scope, cursor, tools);
  for await (const key of archiveKeys(tools.store.s3, bucket, customer_id, ever, cursor.after)) {
    const { ids, wholeLines, unreadable } = await erased(key);
    const found = ids.length + wholeLines;
    if (found > 0) current = withCounts(current, { archived_events: ids.length, archive_objects: 1 }, ids, found);
    current = { ...current, unreadable_lines: (current.unreadable_lines ?? 0) + unreadable };
    if (tools.now() >= until) return { ...current, after: key };
  }
  const { after: _, ...rest } = current;
  return { ...rest, at: 0, phase: "exports" };
}

interface Erased {
  /** Of the events that were erased. */
  readonly ids: readonly string[];
  /** Lines that nobody can read, erased as a whole since all of their customer's are to go. */
  readonly wholeLines: number;
  /** Lines that nobody can read and that may hold something of this customer; they stay. */
  readonly unreadable: number;
}

/** Erases within one object, and again from the start when it was changed meanwhile. */
const inObject = (job: Job, scope: PrivacyScope, { tenants }: Cursor, tools: Tools) => {
  const wanted = withinScope(scope);
  const bound = firstUlidAt(Date.parse(job.created_at) + 1);
  const goesWhole = ({ head }: UnreadableLine): boolean =>
    "all" in scope && head !== undefined && tenants.includes(head.tenant) && head.batch < bound;
  return async (key: string): Promise<Erased> => {
    for (let tried = 1; ; tried += 1) {
      const { lines, others, unreadable, etag } = await readObject(tools, key, tenants);
      const ids: string[] = [];
      const kept = lines.flatMap((line) => {
        const rest = line.events.filter(({ event_id, payload }) => {
          const within = event_id.slice(4) < bound && wanted(payload);
          if (within) ids.push(event_id);
          return !within;
        });
        return keepEvents(line, rest) ?? [];
      });
      const left = unreadable.filter((line) => !goesWhole(line));
      const result = {
        ids,
        wholeLines: unreadable.length - left.length,
        unreadable: left.filter(({ head }) => head === undefined || tenants.includes(head.tenant)).length,
      };
      if (ids.length + result.wholeLines === 0) return result;
      const rewritten = [...others, ...kept, ...left.map(({ bytes }) => bytes)];
      if (await replaceLines(tools.store.s3, tools.env.ARCHIVE_BUCKET, key, rewritten, etag)) return result;
      if (tried === TRIES) throw new Error(`${key} kept changing`);
    }
  };
};
