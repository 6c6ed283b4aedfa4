import { sql } from "kysely";
import { type AuditEntry, type AuditFact, GENESIS, hashOf } from "../domain/auditChain.ts";
import { timeOf } from "../domain/ids.ts";
import { readJson } from "../domain/json.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";
import type { Tx } from "./roles.ts";

/** How much the clocks of two functions may differ. */
const CLOCKS_MS = 60_000;

/**
 * Adds an entry to the customer's chain, in the caller's transaction: the change and its entry stand or fall together.
 * Locks the chain's head until the transaction ends, so call it last.
 */
export async function audit(tx: Tx, customerId: string, fact: AuditFact, now: Millis): Promise<AuditEntry> {
  const head = await lockHead(tx, customerId);
  const unsigned = { ...fact, seq: head.seq + 1, at: rfc3339(now), prev_hash: head.hash };
  const entry: AuditEntry = { ...unsigned, hash: hashOf(customerId, unsigned) };
  await tx
    .with("entry", (db) =>
      db.insertInto("audit_log").values({
        ...entry,
        customer_id: customerId,
        actor: JSON.stringify(entry.actor),
        details: JSON.stringify(entry.details),
      }),
    )
    .updateTable("audit_heads")
    .set({ seq: entry.seq, hash: entry.hash })
    .where("customer_id", "=", customerId)
    .execute();
  return entry;
}

const lockHead = (tx: Tx, customerId: string) =>
  tx
    .insertInto("audit_heads")
    .values({ customer_id: customerId, seq: 0, hash: GENESIS })
    .onConflict((oc) => oc.column("customer_id").doUpdateSet((eb) => ({ seq: eb.ref("audit_heads.seq") })))
    .returning(["seq", "hash"])
    .executeTakeFirstOrThrow();

/** Like `audit`, unless the log tells of this action and object already. @returns the entry that does */
export async function auditOnce(
  tx: Tx,
  customerId: string,
  fact: AuditFact,
  now: Millis,
): Promise<{ seq: number; hash: string }> {
  await lockHead(tx, customerId);
  return (await findAudit(tx, customerId, fact.action, fact.object)) ?? audit(tx, customerId, fact, now);
}

const entriesOf = (tx: Tx, customerId: string, action: string, object: string | null) =>
  tx
    .selectFrom("audit_log")
    .select(["seq", "hash"])
    .where("customer_id", "=", customerId)
    .where("action", "=", action)
    .where("object", "=", object);

export const findAudit = (...which: Parameters<typeof entriesOf>) => entriesOf(...which).executeTakeFirst();

/** Whether the customer did this to the object, with success. */
export const wasDone = async (...which: Parameters<typeof entriesOf>): Promise<boolean> =>
  (await entriesOf(...which)
    .where("outcome", "=", "ok")
    .executeTakeFirst()) !== undefined;

/** The successful entry whose details name the claim of an `Idempotency-Key`, from when that was made. */
export const findCarriedOut = (tx: Tx, customerId: string, claim: string) =>
  tx
    .selectFrom("audit_log")
    .select(["seq", "object"])
    .where("customer_id", "=", customerId)
    .where("at", ">=", rfc3339(timeOf(claim) - CLOCKS_MS))
    .where("outcome", "=", "ok")
    .where("details", "like", `%"claim":"${claim}"%`)
    .executeTakeFirst();

/** Entries before `before` (or the newest), newest first; of one object where that is named. */
export async function auditPage(
  tx: Tx,
  customerId: string,
  { before, object, limit }: { before: number | undefined; object: string | undefined; limit: number },
) {
  const rows = await tx
    .selectFrom("audit_log")
    .selectAll()
    .where("customer_id", "=", customerId)
    .where("seq", "<", before ?? Number.MAX_SAFE_INTEGER)
    .$if(object !== undefined, (query) => query.where("object", "=", object!))
    .orderBy("seq", "desc")
    .limit(limit)
    .execute();
  return rows.map(
    (row): AuditEntry => ({
      seq: row.seq,
      at: row.at,
      actor: JSON.parse(row.actor),
      action: row.action,
      object: row.object,
      source_ip: row.source_ip,
      outcome: row.outcome,
      details: readJson(row.details) as AuditEntry["details"],
      prev_hash: row.prev_hash,
      hash: row.hash,
    }),
  );
}

/** What the chain's newest entry is, kept apart from it: how a removal at its end is noticed. */
export async function auditHead(tx: Tx, customerId: string): Promise<{ seq: number; hash: string }> {
  const head = await sql<{ seq: number; hash: string }>`
    select seq, hash from audit_heads where customer_id = ${customerId}`.execute(tx);
  return head.rows[0] ?? { seq: 0, hash: GENESIS };
}

/** How often the customer has done these since then, as the log tells: those deleted meanwhile count, too. */
export async function countDone(
  tx: Tx,
  customerId: string,
  actions: readonly string[],
  since: Millis,
): Promise<number> {
  const { count } = await tx
    .selectFrom("audit_log")
    .select(sql<number>`count(*)::int`.as("count"))
    .where("customer_id", "=", customerId)
    .where("at", ">=", rfc3339(since))
    .where("action", "in", actions)
    .where("outcome", "=", "ok")
    .executeTakeFirstOrThrow();
  return count;
}
