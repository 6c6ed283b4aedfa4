import { addOnce, deleteItem, getItem, queryAll, type Table, updateItem } from "../aws/tables.ts";
import type { Item } from "../domain/codec/fields.ts";
import { mapDefined } from "../domain/defined.ts";
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
import { type Millis, secondsOf } from "../domain/time.ts";
import { readable } from "./readable.ts";

/** The items of problems in the events table. */

/** Failures of one subscription and cause, together. */
export interface Failures extends Cause {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly attempts: number;
  /** Those whose deliveries had not failed like this before. */
  readonly events: number;
  /** Of the first and the last attempt, milliseconds. */
  readonly first_at: Millis;
  readonly last_at: Millis;
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

const keyOf = (tenant: Tenant, subscriptionId: string, cause: Cause) => ({
  pk: { S: problemPartition(tenant) },
  sk: { S: problemSortKey(subscriptionId, cause) },
});

export function problemsIn(table: Table, now: () => Millis): Problems {
  return {
    async failed({ tenant, subscription_id, attempts, events, first_at, last_at, sample_delivery_id, well, ...cause }) {
      const key = keyOf(tenant, subscription_id, cause);
      const old = await addOnce(table, key, {
        UpdateExpression: `SET v = :v, said = if_not_exists(said, :open), said_at = if_not_exists(said_at, :last),
            first_at = if_not_exists(first_at, :first), last_at = :last, sample_id = :sample, expires_at = :x
            ${well ? ", well_at = :last" : ""} ADD failures :n, events :e`,
        ExpressionAttributeValues: {
          ":v": { N: "1" },
          ":open": { S: "open" satisfies ProblemState },
          ":first": { N: String(first_at) },
          ":last": { N: String(last_at) },
          ":sample": { S: sample_delivery_id },
          ":x": { N: String(secondsOf(now()) + PROBLEM_KEPT_SECONDS) },
          ":n": { N: String(attempts) },
          ":e": { N: String(events) },
        },
        ReturnValues: "ALL_OLD",
      });
      const [before] = readable(old?.pk === undefined ? [] : [old], decodeProblem);
      if (before === undefined || before.said === "open" || stateOf(before, last_at) !== "resolved") return;
      // What was acknowledged before it resolved was acknowledged then, not now.
      await say(table, key, "open", last_at, before.said_at);
    },

    async well(tenant, subscriptionId) {
      const problems = await readProblems(table, tenant, subscriptionId);
      await Promise.all(
        problems.map(async (problem) => {
          if (problem.well_at !== undefined && problem.well_at >= problem.last_at) return;
          await updateItem(table, keyOf(tenant, subscriptionId, problem), {
            UpdateExpression: "SET well_at = :now",
            ConditionExpression: "last_at <= :now",
            ExpressionAttributeValues: { ":now": { N: String(now()) } },
          });
        }),
      );
    },
  };
}

/** @param saidBefore when that was said which this is to replace; undefined to replace any. @returns false where it is not there */
async function say(table: Table, key: Item, state: ProblemState, at: Millis, saidBefore?: number): Promise<boolean> {
  const said = await updateItem(table, key, {
    UpdateExpression: "SET said = :said, said_at = :at",
    ConditionExpression: saidBefore === undefined ? "attribute_exists(pk)" : "said_at = :before",
    ExpressionAttributeValues: {
      ":said": { S: state },
      ":at": { N: String(at) },
      ...(saidBefore === undefined ? {} : { ":before": { N: String(saidBefore) } }),
    },
  });
  return said !== undefined;
}

/** Says what a person decides of a problem. @returns false where there is no such problem */
export const sayOfProblem = (
  events: Table,
  tenant: Tenant,
  { subscription_id, ...cause }: Cause & { readonly subscription_id: string },
  state: ProblemState,
  now: Millis,
): Promise<boolean> => say(events, keyOf(tenant, subscription_id, cause), state, now);

/** Items of a tenant's problems. @param subscriptionId of this subscription alone */
export const problemItems = (events: Table, tenant: Tenant, subscriptionId?: string): Promise<Item[]> =>
  queryAll(events, {
    KeyConditionExpression: subscriptionId === undefined ? "pk = :pk" : "pk = :pk AND begins_with(sk, :of)",
    ExpressionAttributeValues: {
      ":pk": { S: problemPartition(tenant) },
      ...(subscriptionId === undefined ? {} : { ":of": { S: problemsOfSubscription(subscriptionId) } }),
    },
    consistency: "strong",
  });

/** A tenant's problems. @param subscriptionId of this subscription alone */
export const readProblems = async (events: Table, tenant: Tenant, subscriptionId?: string): Promise<Problem[]> =>
  readable(await problemItems(events, tenant, subscriptionId), decodeProblem);

/** Removes a problem. @param item of `problemItems` */
export async function removeProblem(events: Table, { pk, sk }: Item): Promise<void> {
  await deleteItem(events, { pk: pk!, sk: sk! });
}

/** A problem by what its id names, or undefined. */
export async function findProblem(
  events: Table,
  tenant: Tenant,
  { subscription_id, ...cause }: Cause & { readonly subscription_id: string },
): Promise<Problem | undefined> {
  return mapDefined(await getItem(events, keyOf(tenant, subscription_id, cause), "strong"), decodeProblem);
}
