import { randomBytes } from "node:crypto";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "../domain/codec/fields.ts";
import { defined } from "../domain/defined.ts";
import type { Dynamodb } from "./clients.ts";

/**
 * Access to DynamoDB's tables: nobody else sends its commands. Each table has one room that knows its keys and attributes:
 * `store` the events, `keys` the API keys, `counters` the metrics; a stage calls that room (tests/house/imports.test.ts).
 */

export interface Table {
  readonly dynamodb: Dynamodb;
  readonly name: string;
}

/**
 * `strong`: every write that was answered before is seen. `eventual`: those of the last second may be missing, at half the
 * price; an index knows nothing else.
 */
export type Consistency = "strong" | "eventual";

const consistent = (consistency: Consistency) => (consistency === "strong" ? { ConsistentRead: true } : {});

/** What must hold for a write. */
export type Condition = Pick<
  UpdateItemCommandInput,
  "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;
export type Change = Omit<UpdateItemCommandInput, "TableName" | "Key">;

/** Whether DynamoDB refused a write since its condition did not hold. */
const isRefused = (error: unknown): boolean => (error as Error).name === "ConditionalCheckFailedException";

/** What a write comes to, or undefined where its condition did not hold. */
async function unlessRefused<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isRefused(error)) return undefined;
    throw error;
  }
}

/** DynamoDB takes so many keys, and so many items to write, in one call. */
const MAX_GETS = 100;
const MAX_PUTS = 25;
const TRIES = 6;
const FIRST_PAUSE_MS = 20;

/**
 * The one policy for what DynamoDB leaves unprocessed: it is asked for again after a pause. The pause starts at 20 ms and doubles
 * after each answer that made no progress.
 * @param ask does a part of the group, and returns the rest
 * @returns what is left of each group that was not done: after six answers in a row without progress, or when a call was refused
 */
async function untilDone<T>(
  all: readonly T[],
  size: number,
  done: string,
  ask: (group: readonly T[]) => Promise<readonly T[]>,
): Promise<{ readonly rest: readonly T[]; readonly error: Error }[]> {
  const groups = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
  const doAll = async (group: readonly T[]) => {
    let rest = group;
    try {
      for (let tried = 1; ; tried += 1) {
        const left = await ask(rest);
        if (left.length === 0) return [];
        if (left.length < rest.length) tried = 1;
        rest = left;
        if (tried === TRIES) throw new Error(`${left.length} items were still not ${done} after ${TRIES} tries`);
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tried - 1)));
      }
    } catch (error) {
      return [{ rest, error: error as Error }];
    }
  };
  return (await Promise.all(groups.map(doAll))).flat();
}

export async function getItem(table: Table, key: Item, consistency: Consistency): Promise<Item | undefined> {
  const { Item: found } = await table.dynamodb.send(
    new GetItemCommand({ TableName: table.name, Key: key, ...consistent(consistency) }),
  );
  return found;
}

/**
 * The items of these distinct keys that exist, in no particular order.
 * @param attributes names to read; all when left out
 * @throws Error when some are still unprocessed after six tries, or a call is refused
 */
export async function getItems(
  table: Table,
  keys: readonly Item[],
  consistency: Consistency,
  attributes?: readonly string[],
): Promise<Item[]> {
  const found: Item[] = [];
  const how = { ...consistent(consistency), ...projectionOf(attributes) };
  const [failure] = await untilDone(keys, MAX_GETS, "read", async (group) => {
    const { Responses, UnprocessedKeys } = await table.dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [table.name]: { Keys: [...group], ...how } } }),
    );
    found.push(...(Responses?.[table.name] ?? []));
    return UnprocessedKeys?.[table.name]?.Keys ?? [];
  });
  if (failure !== undefined) throw failure.error;
  return found;
}

/** Reads only these attributes; their names may be reserved words. */
export const projectionOf = (attributes: readonly string[] | undefined) =>
  attributes === undefined
    ? {}
    : {
        ProjectionExpression: attributes.map((_, i) => `#p${i}`).join(", "),
        ExpressionAttributeNames: Object.fromEntries(attributes.map((name, i) => [`#p${i}`, name])),
      };

/** A key condition: everything in a partition between two sort keys, both inclusive. */
export const between = (pk: string, lo: string, hi: string) => ({
  KeyConditionExpression: "pk = :pk AND sk BETWEEN :lo AND :hi",
  ExpressionAttributeValues: { ":pk": { S: pk }, ":lo": { S: lo }, ":hi": { S: hi } } satisfies Item,
});

export interface Query extends Omit<QueryCommandInput, "TableName" | "ConsistentRead"> {
  readonly consistency: Consistency;
}

/** One page of a query. */
export interface Page {
  readonly items: readonly Item[];
  /** Items looked at, before a filter expression left some out. */
  readonly scanned: number;
  /** Where the next page begins; undefined at the end. */
  readonly next: Item | undefined;
}

export async function queryPage(table: Table, { consistency, ...query }: Query): Promise<Page> {
  const { Items, ScannedCount, LastEvaluatedKey } = await table.dynamodb.send(
    new QueryCommand({ TableName: table.name, ...query, ...consistent(consistency) }),
  );
  return { items: Items ?? [], scanned: ScannedCount ?? 0, next: LastEvaluatedKey };
}

/** What a query finds, page after page. */
export async function* queryPages(table: Table, query: Query): AsyncGenerator<readonly Item[]> {
  let next: Item | undefined;
  do {
    const page = await queryPage(table, { ...query, ...defined({ ExclusiveStartKey: next }) });
    yield page.items;
    next = page.next;
  } while (next !== undefined);
}

/** Everything a query finds. */
export async function queryAll(table: Table, query: Query): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of queryPages(table, query)) items.push(...page);
  return items;
}

/** @returns false when the condition did not hold */
export async function putItem(table: Table, item: Item, condition: Condition = {}): Promise<boolean> {
  const put = new PutItemCommand({ TableName: table.name, Item: item, ...condition });
  return (await unlessRefused(table.dynamodb.send(put))) !== undefined;
}

/**
 * Puts items with distinct keys, over existing ones too.
 * @returns by position, why it was not put; undefined where it was
 */
export async function putEach(table: Table, items: readonly Item[]): Promise<(Error | undefined)[]> {
  const requests = items.map((item) => ({ PutRequest: { Item: item } }));
  const failures = await untilDone(requests, MAX_PUTS, "written", async (group) => {
    const { UnprocessedItems } = await table.dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [table.name]: [...group] } }),
    );
    return (UnprocessedItems?.[table.name] ?? []) as typeof requests;
  });
  const keyOf = ({ pk, sk }: Item) => JSON.stringify([pk, sk]);
  const failed = new Map(
    failures.flatMap(({ rest, error }) => rest.map(({ PutRequest }) => [keyOf(PutRequest.Item), error] as const)),
  );
  return failed.size === 0 ? items.map(() => undefined) : items.map((item) => failed.get(keyOf(item)));
}

/** Puts items as `putEach` does. @throws Error of the first that was not put */
export async function putItems(table: Table, items: readonly Item[]): Promise<void> {
  const error = (await putEach(table, items)).find((each) => each !== undefined);
  if (error !== undefined) throw error;
}

/** @returns the attributes that `ReturnValues` asks for, none by default; undefined when the condition did not hold */
export async function updateItem(table: Table, key: Item, change: Change): Promise<Item | undefined> {
  const update = new UpdateItemCommand({ TableName: table.name, Key: key, ...change });
  const answer = await unlessRefused(table.dynamodb.send(update));
  return answer && (answer.Attributes ?? {});
}

/** The name that a write leaves in its item as `write_id`, by which it is known when it is sent a second time. */
export const newWriteId = () => ({ S: randomBytes(9).toString("base64url") });

/**
 * A condition that a write's own result breaks: where the answer of a call is lost it is sent again, and what it wrote would refuse it as
 * another's. So such a write leaves its name in the item, by which the second call is known, and does the same once more.
 * @param still must hold then besides
 */
function named(condition: Condition, still: string | undefined) {
  const write = newWriteId();
  const own = still === undefined ? "write_id = :write" : `(write_id = :write AND ${still})`;
  return {
    write,
    condition: {
      ...condition,
      ConditionExpression: `(${condition.ConditionExpression}) OR ${own}`,
      ExpressionAttributeValues: { ...condition.ExpressionAttributeValues, ":write": write },
    },
  };
}

/**
 * Puts an item under a condition that it breaks.
 * @param still what must hold of it when it is put a second time
 * @returns false when another's write made the condition false
 */
export function putOnce(table: Table, item: Item, expected: Condition, still?: string): Promise<boolean> {
  const { write, condition } = named(expected, still);
  return putItem(table, { ...item, write_id: write }, condition);
}

/**
 * Updates an item under a condition that the update breaks.
 * @param change begins with `SET`, and comes to the same when it is made twice
 * @returns as `updateItem` does, undefined only when another's write made the condition false
 */
export function updateOnce(table: Table, key: Item, change: Change): Promise<Item | undefined> {
  const { condition } = named(change, undefined);
  return updateItem(table, key, { ...change, ...condition, UpdateExpression: withWriteId(change) });
}

/**
 * Adds to an item, once also where the call is sent again since its answer was lost.
 * @param change begins with `SET`
 * @returns the attributes that `ReturnValues` asks for; undefined when the first call had added it
 */
export function addOnce(table: Table, key: Item, change: Change): Promise<Item | undefined> {
  return updateItem(table, key, {
    ...change,
    UpdateExpression: withWriteId(change),
    ConditionExpression: "attribute_not_exists(write_id) OR write_id <> :write",
    ExpressionAttributeValues: { ...change.ExpressionAttributeValues, ":write": newWriteId() },
  });
}

const withWriteId = ({ UpdateExpression }: Change): string =>
  UpdateExpression!.replace(/^SET /, "SET write_id = :write, ");

/** @returns the attributes that `ReturnValues` asks for, none by default; undefined when the condition did not hold */
export async function deleteItem(
  table: Table,
  key: Item,
  how: Condition & Pick<DeleteItemCommandInput, "ReturnValues"> = {},
): Promise<Item | undefined> {
  const remove = new DeleteItemCommand({ TableName: table.name, Key: key, ...how });
  const answer = await unlessRefused(table.dynamodb.send(remove));
  return answer && (answer.Attributes ?? {});
}

/** Resolves when DynamoDB knows the table. */
export async function askTable(table: Table): Promise<void> {
  await table.dynamodb.send(new DescribeTableCommand({ TableName: table.name }));
}
