import type { SQSRecord } from "aws-lambda";
import { errorText, type Log } from "../aws/log.ts";
import { decodeCalls } from "../domain/codec/index.ts";
import { type Failure, failuresAt } from "../domain/failure.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import type { Phase } from "./phase.ts";

/**
 * Counts the requests that ingest answered without making a batch. A failed count must not bring its message back, because that
 * would count it twice: `countUsage` keeps it for later.
 * @returns the records that are accepted requests, and the unreadable ones
 */
export async function countCalls(
  records: readonly SQSRecord[],
  ports: { countUsage(facts: readonly UsageFact[]): Promise<void>; readonly log: Log },
): Promise<{ readonly requests: readonly SQSRecord[]; readonly failed: readonly Failure<Phase>[] }> {
  const facts: UsageFact[] = [];
  const failed: Failure<Phase>[] = [];
  const requests = records.filter((record) => {
    try {
      const told = decodeCalls(record.body);
      if (told === undefined) return true;
      facts.push(...told.calls.map((call) => ({ kind: "called" as const, tenant: told.tenant, ...call })));
    } catch (error) {
      failed.push(...failuresAt("decode", [record], error));
    }
    return false;
  });
  if (facts.length > 0) {
    try {
      await ports.countUsage(facts);
    } catch (error) {
      ports.log("warn", "route.usage_not_counted_yet", { error: errorText(error) });
    }
  }
  return { requests, failed };
}
