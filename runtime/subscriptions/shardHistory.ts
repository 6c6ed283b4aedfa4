import type { Kysely } from "kysely";
import { asService } from "../database/roles.ts";
import type { Database } from "../database/schema.ts";
import { canonicalJson } from "../domain/canonicalJson.ts";
import type { ShardRule } from "../domain/shards.ts";
import { DAY_MS, HOUR_MS, type Millis } from "../domain/time.ts";

/**
 * Guards the rules by which events are found (runtime/domain/shards.ts). Each deployment tells its own before any function has them,
 * and fails here where events would be looked for elsewhere than they are: a rule that has begun stays as it is, and a new one begins
 * when every function knows it.
 */

/** From telling a rule to its beginning: a deployment that stops half-way has been mended by then. */
export const NOTICE_MS = DAY_MS;
/** So long before it begins a rule may still be changed or taken away: a deployment takes less. */
const CLOSED_MS = HOUR_MS;

/**
 * @param before rules of the last deployment
 * @param fresh whether the stack is too new to hold events
 * @returns the problems of the rules; empty where they are valid
 */
export function problemsOf(
  before: readonly ShardRule[],
  wanted: readonly ShardRule[],
  now: Millis,
  fresh: boolean,
): string[] {
  const known = new Set(before.map(canonicalJson));
  const kept = new Set(wanted.map(canonicalJson));
  const iso = (ms: Millis) => new Date(ms).toISOString();
  return [
    ...before
      .filter((rule) => !kept.has(canonicalJson(rule)) && Date.parse(rule.from) <= now + CLOSED_MS)
      .map(
        (rule) =>
          `the rule from ${rule.from} has begun, or is about to: it must stay as it was, ${JSON.stringify(rule)}`,
      ),
    ...wanted
      .filter((rule) => !fresh && !known.has(canonicalJson(rule)) && Date.parse(rule.from) < now + NOTICE_MS)
      .map((rule) => `the rule from ${rule.from} is new and begins too soon: ${iso(now + NOTICE_MS)} or later`),
  ];
}

/** Keeps the rules for the next deployment to compare with. @throws Error that says what is wrong with them; nothing is kept then */
export function keepShards(
  db: Kysely<Database>,
  wanted: readonly ShardRule[],
  now: Millis,
  fresh: boolean,
): Promise<void> {
  return asService(db, async (tx) => {
    const rows = await tx.selectFrom("event_shards").select("rule").orderBy("from_at").execute();
    const problems = problemsOf(
      rows.map(({ rule }) => rule),
      wanted,
      now,
      fresh,
    );
    if (problems.length > 0) throw new Error(`eventShards: ${problems.join("; ")}`);
    await tx.deleteFrom("event_shards").execute();
    if (wanted.length === 0) return;
    const values = wanted.map((rule) => ({ from_at: rule.from, rule: JSON.stringify(rule) }));
    await tx.insertInto("event_shards").values(values).execute();
  });
}
