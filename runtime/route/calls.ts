import type { SQSRecord } from "aws-lambda";
import { errorText, type Log } from "../aws/log.ts";
import { decodeCalls } from "../domain/codec/index.ts";
import { type Failure, failuresAt } from "../domain/failure.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import type { Phase } from "./phase.ts";

/**
 * Counts what ingest answered without a batch. A count never brings its message back, or it would be counted twice: what fails to be
 * written is kept by `countUsage`, for later.
 * @returns the records that are accepted requests, and those that can't be read
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
