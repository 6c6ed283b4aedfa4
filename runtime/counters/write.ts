import { randomBytes } from "node:crypto";
import { collector } from "../aws/collect.ts";
import { beforeEnding } from "../aws/ending.ts";
import type { Log } from "../aws/log.ts";
import { putItem, type Table } from "../aws/tables.ts";
import type { SendPut } from "../domain/usage/counters.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import { usageWriter } from "../domain/usage/usage.ts";

/**
 * Counts facts of usage, in an execution environment. A count that fails is kept and written later: callers only have to log the failure.
 * @throws what the write throws
 */
export type CountUsage = (facts: readonly UsageFact[]) => Promise<void>;

export const putOver =
  (counters: Table): SendPut =>
  ({ TableName: _, Item, ...condition }) =>
    putItem(counters, Item!, condition);

/** Make one per execution environment. */
export function usageOver(counters: Table, log: Log): CountUsage {
  const id = randomBytes(6).toString("base64url");
  const writer = usageWriter(counters.name, putOver(counters), id, Date.now);
  const { collected } = collector({
    flush: writer.flush,
    log,
    now: Date.now,
    after: (ms, run) => void setTimeout(run, ms).unref(),
  });
  beforeEnding(writer.flush);
  return (facts) => {
    writer.add(facts);
    return collected();
  };
}
