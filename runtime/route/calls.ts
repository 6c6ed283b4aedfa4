import type { SQSRecord } from "aws-lambda";
import { decodeCalls } from "../domain/codec.ts";
import type { UsageFact } from "../domain/usage.ts";
import type { RoutePorts } from "./route.ts";

/**
 * Counts what ingest answered without a batch. A message that comes again is counted again.
 * @returns the records that are accepted requests
 */
export async function countCalls(
  records: readonly SQSRecord[],
  ports: Pick<RoutePorts, "countUsage">,
  failures: Map<string, unknown>,
): Promise<readonly SQSRecord[]> {
  const facts: UsageFact[] = [];
  const ids: string[] = [];
  const rest = records.filter(({ messageId, body }) => {
    try {
      const told = decodeCalls(body);
      if (told === undefined) return true;
      facts.push(...told.calls.map((call) => ({ kind: "called" as const, tenant: told.tenant, ...call })));
      ids.push(messageId);
    } catch (error) {
      failures.set(messageId, error);
    }
    return false;
  });
  if (facts.length > 0) {
    try {
      await ports.countUsage(facts);
    } catch (error) {
      for (const id of ids) failures.set(id, error);
    }
  }
  return rest;
}
