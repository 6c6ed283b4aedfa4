import { randomUUID } from "node:crypto";
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { TriggersError } from "../domain/errors/errors.ts";
import type { Deps } from "./deps.ts";

/**
 * How many of a customer's test calls are under way at once, wherever they run: each holds two functions for as long as the
 * endpoint takes. A slot is an item of the events table, taken by a condition and given back; one whose holder died is free
 * once no call can last any longer.
 */
const TEST_SLOTS = 2;
/** Longer than a test's five seconds and its way there and back. */
const LEASE_MS = 10_000;
const KEEP_SECONDS = 3_600;

/**
 * Does the work in a free slot of the customer's.
 * @throws TriggersError `rate_limited` when none is free
 */
export async function inTestSlot<T>(deps: Deps, customerId: string, work: () => Promise<T>): Promise<T> {
  const holder = randomUUID();
  for (let slot = 0; slot < TEST_SLOTS; slot += 1) {
    if (!(await take(deps, customerId, slot, holder))) continue;
    try {
      return await work();
    } finally {
      await giveBack(deps, customerId, slot, holder);
    }
  }
  throw new TriggersError("rate_limited", `${TEST_SLOTS} tests at a time; repeat when one of them is over.`, {
    headers: { "retry-after": "1" },
  });
}

const keyOf = (customerId: string, slot: number) => ({ pk: { S: `${customerId}#tests` }, sk: { S: `slot#${slot}` } });

async function take({ dynamodb, env, now }: Deps, customerId: string, slot: number, holder: string): Promise<boolean> {
  const at = now();
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: env.EVENTS_TABLE,
        Key: keyOf(customerId, slot),
        UpdateExpression: "SET holder = :me, held_until = :until, expires_at = :x",
        ConditionExpression: "attribute_not_exists(held_until) OR held_until <= :now",
        ExpressionAttributeValues: {
          ":me": { S: holder },
          ":until": { N: String(at + LEASE_MS) },
          ":now": { N: String(at) },
          ":x": { N: String(Math.floor(at / 1_000) + KEEP_SECONDS) },
        },
      }),
    );
    return true;
  } catch (error) {
    if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
    return false;
  }
}

/** What can't be given back ends by itself. */
async function giveBack({ dynamodb, env, log }: Deps, customerId: string, slot: number, holder: string): Promise<void> {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: env.EVENTS_TABLE,
        Key: keyOf(customerId, slot),
        UpdateExpression: "REMOVE held_until",
        ConditionExpression: "holder = :me",
        ExpressionAttributeValues: { ":me": { S: holder } },
      }),
    );
  } catch (error) {
    log("warn", "api.test_slot_not_given_back", { customer_id: customerId, error: String(error) });
  }
}
