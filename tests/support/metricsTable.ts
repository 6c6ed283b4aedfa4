/** The `metrics` table in memory: puts by the number of their writer, queries of a partition, and items by their keys. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { CounterReader } from "../../runtime/counters/read.ts";

type Item = Record<string, AttributeValue>;

export interface MetricsTable extends Pick<CounterReader, "counters"> {
  readonly items: Map<string, Item>;
}

const idOf = ({ pk, sk }: Item): string => `${pk!.S} ${sk!.S}`;

export function metricsTable(): MetricsTable {
  const items = new Map<string, Item>();
  const send = async ({ constructor: { name }, input }: { constructor: { name: string }; input: never }) => {
    if (name === "QueryCommand") return { Items: query(items, input) };
    if (name === "BatchGetItemCommand") return { Responses: { metrics: itemsOf(items, input) } };
    if (name === "DeleteItemCommand") return void items.delete(idOf((input as { Key: Item }).Key));
    if (name !== "PutItemCommand") throw new Error(`the table of this test knows no ${name}`);
    const { Item } = input as { Item: Item };
    const before = items.get(idOf(Item));
    if (before?.n !== undefined && Number(before.n.N) >= Number(Item.n?.N))
      throw Object.assign(new Error("overtaken"), { name: "ConditionalCheckFailedException" });
    items.set(idOf(Item), Item);
    return {};
  };
  return {
    items,
    counters: { name: "metrics", dynamodb: { send } as unknown as CounterReader["counters"]["dynamodb"] },
  };
}

function query(items: ReadonlyMap<string, Item>, input: { ExpressionAttributeValues: Item }): Item[] {
  const { ":pk": pk, ":lo": lo, ":hi": hi, ":tenant": tenant } = input.ExpressionAttributeValues;
  return [...items.values()]
    .filter((item) => item.pk!.S === pk!.S)
    .filter(({ sk }) => (tenant === undefined ? sk!.S! >= lo!.S! && sk!.S! <= hi!.S! : sk!.S!.startsWith(tenant.S!)))
    .sort((a, b) => (a.sk!.S! < b.sk!.S! ? -1 : 1));
}

/** In no particular order, as DynamoDB does. */
const itemsOf = (items: ReadonlyMap<string, Item>, input: { RequestItems: { metrics: { Keys: Item[] } } }): Item[] =>
  input.RequestItems.metrics.Keys.flatMap((key) => {
    const item = items.get(idOf(key));
    return item === undefined ? [] : [item];
  }).reverse();
