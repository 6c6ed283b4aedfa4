import type { SQSRecord } from "aws-lambda";
import { errorText, type Log } from "../aws/log.ts";
import { decodeCalls } from "../domain/codec/index.ts";
import type { UsageFact } from "../domain/usage/fact.ts";

/**
 * Counts what ingest answered without a batch. A message that comes again is counted again, so it does not: a count that can't
 * be written now is kept by who counts.
 * @returns the records that are accepted requests
 */
export async function countCalls(
  records: readonly SQSRecord[],
  ports: { readonly countUsage: (facts: readonly UsageFact[]) => Promise<void>; readonly log: Log },
  failures: Map<string, unknown>,
): Promise<readonly SQSRecord[]> {
  const facts: UsageFact[] = [];
  const rest = records.filter(({ messageId, body }) => {
    try {
      const told = decodeCalls(body);
      if (told === undefined) return true;
      facts.push(...told.calls.map((call) => ({ kind: "called" as const, tenant: told.tenant, ...call })));
    } catch (error) {
      failures.set(messageId, error);
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
  return rest;
}
