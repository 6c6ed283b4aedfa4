import { randomBytes } from "node:crypto";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { UsageFact } from "../domain/usage/fact.ts";
import { usageWriter } from "../domain/usage/usage.ts";
import type { Dynamodb } from "./clients.ts";
import { collector } from "./collect.ts";
import { beforeEnding } from "./ending.ts";
import type { Log } from "./log.ts";

/**
 * Counts facts of usage, in an execution environment. What can't be written now is kept and written later: a failure needs
 * to be told, and nothing else.
 * @throws what the write throws
 */
export type CountUsage = (facts: readonly UsageFact[]) => Promise<void>;

/** Make one per execution environment. */
export function usageOver(dynamodb: Dynamodb, table: string, log: Log): CountUsage {
  const id = randomBytes(6).toString("base64url");
  const writer = usageWriter(table, (input) => dynamodb.send(new PutItemCommand(input)), id, Date.now);
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
