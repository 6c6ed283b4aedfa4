import { BatchGetItemCommand, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import pLimit from "p-limit";
import type { Dynamodb } from "../aws/clients.ts";
import type { Item } from "../domain/codec/index.ts";

/**
 * The stored events as others read them: the management API for a customer's questions, the job function for replays,
 * exports and erasures. Every function takes the tenant from its caller, and every key begins with it.
 */
export interface Store {
  readonly dynamodb: Dynamodb;
  readonly s3: S3Client;
  readonly eventsTable: string;
  readonly payloadBucket: string;
}

/** One page of a query. */
export interface QueryPage {
  readonly items: readonly Item[];
  /** Items looked at, before a filter expression left some out. */
  readonly scanned: number;
  /** Where the next page begins; undefined at the end. */
  readonly next: Item | undefined;
}

export async function queryPage(store: Store, input: Omit<QueryCommandInput, "TableName">): Promise<QueryPage> {
  const { Items, ScannedCount, LastEvaluatedKey } = await store.dynamodb.send(
    new QueryCommand({ TableName: store.eventsTable, ...input }),
  );
  return { items: Items ?? [], scanned: ScannedCount ?? 0, next: LastEvaluatedKey };
}

/** Everything a query finds, page after page. */
export async function queryAll(store: Store, input: Omit<QueryCommandInput, "TableName">): Promise<Item[]> {
  const items: Item[] = [];
  let next: Item | undefined;
  do {
    const page: QueryPage = await queryPage(store, { ...input, ...(next && { ExclusiveStartKey: next }) });
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined);
  return items;
}

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** DynamoDB answers at most this many items a BatchGetItem. */
const BATCH_GET = 100;
const RETRY_MS = 20;

/** The items of these distinct keys that exist, in no particular order. @param projection attribute names by placeholder */
export async function getItems(
  store: Store,
  keys: readonly ItemKey[],
  projection: { readonly expression: string; readonly names: Record<string, string> } | undefined = undefined,
): Promise<Item[]> {
  const groups: ItemKey[][] = [];
  for (let from = 0; from < keys.length; from += BATCH_GET) groups.push(keys.slice(from, from + BATCH_GET));
  const found = await mapConcurrently(groups, 8, async (group) => {
    const items: Item[] = [];
    let rest: Item[] = group.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
    for (let wait = RETRY_MS; rest.length > 0; wait *= 2) {
      const { Responses, UnprocessedKeys } = await store.dynamodb.send(
        new BatchGetItemCommand({
          RequestItems: {
            [store.eventsTable]: {
              Keys: rest,
              ...(projection && {
                ProjectionExpression: projection.expression,
                ExpressionAttributeNames: projection.names,
              }),
            },
          },
        }),
      );
      const items_ = Responses?.[store.eventsTable] ?? [];
      items.push(...items_);
      rest = UnprocessedKeys?.[store.eventsTable]?.Keys ?? [];
      // A 16 MB answer leaves keys without being overloaded; an answer without any item says that it is.
      if (rest.length > 0 && items_.length === 0) await new Promise((done) => setTimeout(done, Math.min(wait, 1_000)));
    }
    return items;
  });
  return found.flat();
}

/** Like `Promise.all` over `items.map(work)`, with at most `width` at a time. */
export const mapConcurrently = <T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> => pLimit(width).map(items, (item) => work(item));
