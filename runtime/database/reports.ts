import { sql } from "kysely";
import type { Tenant } from "../domain/identity/identity.ts";
import { firstUlidAt, newId } from "../domain/ids.ts";
import type { RunResult, Schedule, TakenRun } from "../domain/reports/report.ts";
import { nextRun } from "../domain/reports/schedule.ts";
import { DAY_MS, type Millis, rfc3339 } from "../domain/time.ts";
import type { Tx } from "./roles.ts";

/**
 * Runs of reports. Invariant: a schedule that is due makes one run and is set to its next time in one transaction, so it is due once; a
 * run that its taker never ended is taken again, three times at most. Each mail is noted when it is sent, and a run that is taken again
 * mails only those who have not got it: so a kill may cost one recipient a second copy, and nobody the first.
 */

const MAX_TAKES = 3;
/** Longer than the function may run. */
const CLAIM_MS = 180_000;
/** Schedules that are looked at in one transaction. */
const DUE_AT_ONCE = 100;

/** Makes a run that waits to be taken. @returns its row */
export const insertRun = (
  tx: Tx,
  run: { readonly report_id: string; readonly tenant: Tenant; readonly customer_id: string; readonly asked_by: string },
  now: Millis,
) =>
  tx
    .insertInto("report_runs")
    .values({
      ...run,
      run_id: newId("run", now),
      status: "pending",
      result: "null",
      created_at: rfc3339(now),
      updated_at: rfc3339(now),
    })
    .returningAll()
    .executeTakeFirstOrThrow();

/** The next time of a schedule. One that can't be told is looked at again in a day: it keeps no other report from being made. */
function nextOf(schedule: Schedule, now: Millis): Millis {
  try {
    return nextRun(schedule, now);
  } catch {
    return now + DAY_MS;
  }
}

async function makeDueRuns(tx: Tx, now: Millis): Promise<void> {
  const due = await tx
    .selectFrom("reports")
    .select(["report_id", "tenant", "customer_id", "definition", "next_run_at"])
    .where("next_run_at", "<=", new Date(now))
    .orderBy("next_run_at")
    .limit(DUE_AT_ONCE)
    .forUpdate()
    .skipLocked()
    .execute();
  for (const { report_id, tenant, customer_id, definition } of due) {
    await insertRun(tx, { report_id, tenant, customer_id, asked_by: "schedule" }, now);
    const next = definition.schedule === null ? null : rfc3339(nextOf(definition.schedule, now));
    await tx.updateTable("reports").set({ next_run_at: next }).where("report_id", "=", report_id).execute();
  }
}

/**
 * Takes a run that waits, for the caller to render: the one that is named, or the oldest.
 * @returns null where there is none
 */
export async function takeRun(tx: Tx, runId: string | undefined, now: Millis): Promise<TakenRun | null> {
  await makeDueRuns(tx, now);
  const waiting = await tx
    .selectFrom("report_runs")
    .select("run_id")
    .where((eb) =>
      eb.or([
        eb("status", "=", "pending"),
        eb.and([eb("status", "=", "running"), eb("claimed_until", "<", new Date(now))]),
      ]),
    )
    .$if(runId !== undefined, (query) => query.where("run_id", "=", runId!))
    .orderBy("run_id")
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (waiting === undefined) return null;
  const run = await tx
    .updateTable("report_runs")
    .set({
      status: "running",
      attempts: sql<number>`attempts + 1`,
      claimed_until: rfc3339(now + CLAIM_MS),
      updated_at: rfc3339(now),
    })
    .where("run_id", "=", waiting.run_id)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (run.attempts > MAX_TAKES) {
    await endRun(tx, run.run_id, "failed", { error: "It was begun three times and never came to an end." }, now);
    // The others wait still.
    return runId === undefined ? takeRun(tx, undefined, now) : null;
  }
  const report = await tx
    .selectFrom("reports")
    .innerJoin("customers", "customers.customer_id", "reports.customer_id")
    .select(["reports.definition", "reports.base_url", "reports.unsubscribed", "customers.limit_per_second"])
    .where("report_id", "=", run.report_id)
    .executeTakeFirstOrThrow();
  const verified = await verifiedAddresses(tx, run.tenant, report.definition.recipients);
  const mailed = run.result?.sent_to ?? [];
  return {
    run_id: run.run_id,
    report_id: run.report_id,
    tenant: run.tenant,
    definition: report.definition,
    base_url: report.base_url,
    recipients: verified.filter((address) => !report.unsubscribed.includes(address) && !mailed.includes(address)),
    mailed,
    limit_per_second: report.limit_per_second,
    created_at: run.created_at.toISOString(),
  };
}

/** Those of the addresses that are verified channels of the tenant, as they were given. */
export async function verifiedAddresses(tx: Tx, tenant: Tenant, addresses: readonly string[]): Promise<string[]> {
  if (addresses.length === 0) return [];
  const rows = await tx
    .selectFrom("alert_channels")
    .select("target")
    .where("tenant", "=", tenant)
    .where("kind", "=", "email")
    .where("verified_at", "is not", null)
    .where("target", "in", addresses)
    .execute();
  const verified = new Set(rows.map(({ target }) => target));
  return addresses.filter((address) => verified.has(address));
}

/** What a run that is being made has come to so far. */
const resultOf = (tx: Tx, runId: string) =>
  tx
    .selectFrom("report_runs")
    .select("result")
    .where("run_id", "=", runId)
    .where("status", "=", "running")
    .forUpdate()
    .executeTakeFirst();

/** Notes that a run was mailed to one of its recipients. */
export async function noteMailed(tx: Tx, runId: string, address: string, now: Millis): Promise<void> {
  const run = await resultOf(tx, runId);
  if (run === undefined) return;
  const result: RunResult = { ...run.result, sent_to: [...(run.result?.sent_to ?? []), address] };
  await tx
    .updateTable("report_runs")
    .set({ result: JSON.stringify(result), updated_at: rfc3339(now) })
    .where("run_id", "=", runId)
    .execute();
}

/** Writes what became of a run that was taken, beside whom it was mailed to. */
export async function endRun(
  tx: Tx,
  runId: string,
  status: "succeeded" | "failed",
  result: RunResult,
  now: Millis,
): Promise<void> {
  const run = await resultOf(tx, runId);
  await tx
    .updateTable("report_runs")
    .set({
      status,
      result: JSON.stringify({ ...run?.result, ...result }),
      claimed_until: null,
      updated_at: rfc3339(now),
    })
    .where("run_id", "=", runId)
    .where("status", "=", "running")
    .execute();
}

/** Days that runs are listed; what they made is kept for a week. */
export const RUNS_KEPT_DAYS = 400;

/** Removes runs that are over and were asked for more than `RUNS_KEPT_DAYS` ago. @returns how many */
export async function forgetRuns(tx: Tx, now: Millis): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom("report_runs")
    .where("run_id", "<", `run_${firstUlidAt(now - RUNS_KEPT_DAYS * DAY_MS)}`)
    .where("status", "in", ["succeeded", "failed"])
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
