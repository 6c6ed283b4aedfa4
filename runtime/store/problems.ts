import { GetItemCommand, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../aws/clients.ts";
import type { Item } from "../domain/codec/index.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import {
  type Cause,
  decodeProblem,
  PROBLEM_KEPT_SECONDS,
  type Problem,
  type ProblemState,
  problemPartition,
  problemSortKey,
  problemsOfSubscription,
  stateOf,
} from "../domain/problem.ts";

/** The items of problems in the events table. */

/** Failures of one subscription and cause, together. */
export interface Failures extends Cause {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly attempts: number;
  /** Those whose deliveries had not failed like this before. */
  readonly events: number;
  /** Of the first and the last attempt, milliseconds. */
  readonly first_at: number;
  readonly last_at: number;
  readonly sample_delivery_id: string;
  /** The endpoint answered other posts of the same moment well: nothing else will tell that it does. */
  readonly well: boolean;
}

export interface Problems {
  /** Adds failures to their problem; one that had been resolved opens again. */
  failed(failures: Failures): Promise<void>;
  /** Notes that a subscription's endpoint, which had failed, answers well. */
  well(tenant: Tenant, subscriptionId: string): Promise<void>;
}

const isRefused = (error: unknown): boolean => (error as Error).name === "ConditionalCheckFailedException";
const keyOf = (tenant: Tenant, subscriptionId: string, cause: Cause) => ({
  pk: { S: problemPartition(tenant) },
  sk: { S: problemSortKey(subscriptionId, cause) },
});

export function problemsIn(dynamodb: Dynamodb, table: string, now: () => number): Problems {
  return {
    async failed({ tenant, subscription_id, attempts, events, first_at, last_at, sample_delivery_id, well, ...cause }) {
      const key = keyOf(tenant, subscription_id, cause);
      const { Attributes } = await dynamodb.send(
        new UpdateItemCommand({
          TableName: table,
          Key: key,
          UpdateExpression: `SET v = :v, said = if_not_exists(said, :open), said_at = if_not_exists(said_at, :last),
            first_at = if_not_exists(first_at, :first), last_at = :last, sample_id = :sample, expires_at = :x
            ${well ? ", well_at = :last" : ""} ADD failures :n, events :e`,
          ExpressionAttributeValues: {
            ":v": { N: "1" },
            ":open": { S: "open" satisfies ProblemState },
            ":first": { N: String(first_at) },
            ":last": { N: String(last_at) },
            ":sample": { S: sample_delivery_id },
            ":x": { N: String(Math.floor(now() / 1_000) + PROBLEM_KEPT_SECONDS) },
            ":n": { N: String(attempts) },
            ":e": { N: String(events) },
          },
          ReturnValues: "ALL_OLD",
        }),
      );
      if (Attributes?.pk === undefined) return;
      const before = decodeProblem(Attributes);
      if (before.said === "open" || stateOf(before, last_at) !== "resolved") return;
      // What was acknowledged before it resolved was acknowledged then, not now.
      await say(dynamodb, table, key, "open", last_at, before.said_at);
    },

    async well(tenant, subscriptionId) {
      const problems = await problemItems(dynamodb, table, tenant, subscriptionId);
      await Promise.all(
        problems.map(decodeProblem).map(async (problem) => {
          if (problem.well_at !== undefined && problem.well_at >= problem.last_at) return;
          try {
            await dynamodb.send(
              new UpdateItemCommand({
                TableName: table,
                Key: keyOf(tenant, subscriptionId, problem),
                UpdateExpression: "SET well_at = :now",
                ConditionExpression: "last_at <= :now",
                ExpressionAttributeValues: { ":now": { N: String(now()) } },
              }),
            );
          } catch (error) {
            if (!isRefused(error)) throw error;
          }
        }),
      );
    },
  };
}

/** @param saidBefore when that was said which this is to replace; undefined for whatever was said. @returns false where it is not there */
async function say(
  dynamodb: Dynamodb,
  table: string,
  key: Item,
  state: ProblemState,
  at: number,
  saidBefore?: number,
): Promise<boolean> {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: "SET said = :said, said_at = :at",
        ConditionExpression: saidBefore === undefined ? "attribute_exists(pk)" : "said_at = :before",
        ExpressionAttributeValues: {
          ":said": { S: state },
          ":at": { N: String(at) },
          ...(saidBefore === undefined ? {} : { ":before": { N: String(saidBefore) } }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return false;
  }
}

/** Says what a person decides of a problem. @returns false where there is no such problem */
export const sayOfProblem = (
  dynamodb: Dynamodb,
  table: string,
  tenant: Tenant,
  { subscription_id, ...cause }: Cause & { readonly subscription_id: string },
  state: ProblemState,
  now: number,
): Promise<boolean> => say(dynamodb, table, keyOf(tenant, subscription_id, cause), state, now);

/** Items of a tenant's problems. @param subscriptionId of this subscription alone */
export async function problemItems(
  dynamodb: Dynamodb,
  table: string,
  tenant: Tenant,
  subscriptionId?: string,
): Promise<Item[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page: { Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined } = await dynamodb.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: subscriptionId === undefined ? "pk = :pk" : "pk = :pk AND begins_with(sk, :of)",
        ExpressionAttributeValues: {
          ":pk": { S: problemPartition(tenant) },
          ...(subscriptionId === undefined ? {} : { ":of": { S: problemsOfSubscription(subscriptionId) } }),
        },
        ConsistentRead: true,
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}

/** A problem by what its id names, or undefined. */
export async function findProblem(
  dynamodb: Dynamodb,
  table: string,
  tenant: Tenant,
  { subscription_id, ...cause }: Cause & { readonly subscription_id: string },
): Promise<Problem | undefined> {
  const { Item: item } = await dynamodb.send(
    new GetItemCommand({ TableName: table, Key: keyOf(tenant, subscription_id, cause), ConsistentRead: true }),
  );
  return item === undefined ? undefined : decodeProblem(item);
}
