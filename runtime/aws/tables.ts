import { BatchGetItemCommand, BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import type { Item } from "../domain/codec/index.ts";
import type { Dynamodb } from "./clients.ts";

/** DynamoDB takes this much in one call. */
const MAX_PUTS = 25;
const MAX_GETS = 100;
const TRIES = 6;
const FIRST_PAUSE_MS = 20;

const pause = (tried: number) => new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tried - 1)));
const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/**
 * Puts items with distinct keys, whatever is there; what DynamoDB leaves unprocessed again, with growing pauses.
 * @throws Error when some are still unprocessed after six tries, or a call is refused
 */
export async function putAll(dynamodb: Dynamodb, table: string, items: readonly Item[]): Promise<void> {
  await Promise.all(
    chunks(items, MAX_PUTS).map(async (chunk) => {
      let requests = chunk.map((Item) => ({ PutRequest: { Item } }));
      for (let tried = 1; requests.length > 0; tried += 1) {
        const { UnprocessedItems } = await dynamodb.send(
          new BatchWriteItemCommand({ RequestItems: { [table]: requests } }),
        );
        requests = (UnprocessedItems?.[table] ?? []) as typeof requests;
        if (requests.length === 0) return;
        if (tried === TRIES) throw new Error(`${requests.length} items were still not written after ${TRIES} tries`);
        await pause(tried);
      }
    }),
  );
}

export interface Key {
  readonly pk: string;
  readonly sk: string;
}
export const keyText = ({ pk, sk }: Key): string => `${pk}\n${sk}`;

/**
 * Reads the items of distinct keys, strongly consistent.
 * @param attributes names to read; all when left out
 * @returns those that exist, by `keyText`
 * @throws Error when some are still unprocessed after six tries, or a call is refused
 */
export async function getAll(
  dynamodb: Dynamodb,
  table: string,
  keys: readonly Key[],
  attributes?: readonly string[],
): Promise<Map<string, Item>> {
  const found = new Map<string, Item>();
  const projection =
    attributes === undefined
      ? {}
      : {
          ProjectionExpression: attributes.map((_, i) => `#${i}`).join(", "),
          ExpressionAttributeNames: Object.fromEntries(attributes.map((name, i) => [`#${i}`, name])),
        };
  await Promise.all(
    chunks(keys, MAX_GETS).map(async (chunk) => {
      let waiting: Item[] = chunk.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
      for (let tried = 1; waiting.length > 0; tried += 1) {
        const { Responses, UnprocessedKeys } = await dynamodb.send(
          new BatchGetItemCommand({
            RequestItems: { [table]: { Keys: waiting, ConsistentRead: true, ...projection } },
          }),
        );
        for (const item of Responses?.[table] ?? []) found.set(keyText({ pk: item.pk!.S!, sk: item.sk!.S! }), item);
        waiting = (UnprocessedKeys?.[table]?.Keys ?? []) as Item[];
        if (waiting.length === 0) return;
        if (tried === TRIES) throw new Error(`${waiting.length} items were still not read after ${TRIES} tries`);
        await pause(tried);
      }
    }),
  );
  return found;
}
