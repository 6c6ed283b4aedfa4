import { createHash } from "node:crypto";
import type { AttributeValue, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";

/**
 * Counters in wide items: an item of a partition and a start holds many counters, each an attribute, and an update adds to
 * all that an invocation touched.
 *
 * Invariant: an update is applied at most once however often it is sent. The item remembers, per writer (one execution
 * environment), the number of its last update (`w#<writer>`), and the condition refuses a number that is not above it.
 */

/** Attribute names with what is to be added. */
export type Tally = Map<string, number>;

export const add = (tally: Tally, name: string, n: number): void => {
  if (n !== 0) tally.set(name, (tally.get(name) ?? 0) + n);
};

/** What is to be added to one item, or to the pages that it has grown into. */
export interface Counters {
  readonly pk: string;
  /** Sort key of the first page: the start, with `#` at its end. Further pages follow it. */
  readonly sk: string;
  /** Seconds since the epoch. */
  readonly expires_at: number;
  readonly tally: Tally;
}

/** What the writer needs of DynamoDB: `(input) => client.send(new UpdateItemCommand(input))`. */
export type SendUpdate = (input: UpdateItemCommandInput) => Promise<{
  readonly ConsumedCapacity?: { readonly CapacityUnits?: number | undefined } | undefined;
}>;

/** DynamoDB allows 300 operators and 4 KB in an update expression. */
const CLAUSES = 180;
/** An item that costs this many write units (KB) is full: its keys go on to pages by hash, eight times as many a level. */
const FULL_UNITS = 48;
const MAX_LEVEL = 5;

/** The updates that add a tally to its item, in the order in which they must be sent. */
function updatesOf(
  table: string,
  { pk, sk, expires_at, tally }: Counters,
  writer: { readonly id: string; next(): number },
): UpdateItemCommandInput[] {
  const entries = [...tally];
  const updates: UpdateItemCommandInput[] = [];
  for (let from = 0; from < entries.length; from += CLAUSES) {
    const names: Record<string, string> = { "#w": `w#${writer.id}`, "#x": "expires_at" };
    const values: Record<string, AttributeValue> = {
      ":w": { N: String(writer.next()) },
      ":x": { N: String(expires_at) },
    };
    const clauses = entries.slice(from, from + CLAUSES).map(([name, n], i) => {
      names[`#${i}`] = name;
      values[`:${i}`] = { N: String(n) };
      return `#${i} :${i}`;
    });
    updates.push({
      TableName: table,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: `SET #w = :w, #x = :x ADD ${clauses.join(", ")}`,
      ConditionExpression: "attribute_not_exists(#w) OR #w < :w",
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ReturnConsumedCapacity: "TOTAL",
    });
  }
  return updates;
}

const pageOf = (name: string, level: number): string => {
  if (level === 0) return "";
  const owner = name.slice(0, name.lastIndexOf("#") + 1);
  const hash = createHash("md5").update(owner).digest().readUInt32BE(0);
  return `${level}.${hash % 8 ** level}`;
};

/** Writes an invocation's counters. Make one per execution environment and call it once at an invocation's end. */
export interface CounterWriter {
  /** @throws the first failure, after everything was tried; what was written stays written */
  write(counters: readonly Counters[]): Promise<void>;
}

/** @param writer unique to the execution environment, short: it is stored in every item it adds to */
export function counterWriter(table: string, send: SendUpdate, writer: string): CounterWriter {
  let number = 0;
  const next = () => ++number;
  const levels = new Map<string, number>();

  async function sendAll(updates: readonly UpdateItemCommandInput[], full: () => void): Promise<void> {
    for (const update of updates) {
      try {
        const { ConsumedCapacity } = await send(update);
        if ((ConsumedCapacity?.CapacityUnits ?? 0) > FULL_UNITS) full();
      } catch (error) {
        // The number was seen before: an earlier try of this update arrived although its answer did not.
        if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
      }
    }
  }

  return {
    async write(counters) {
      const jobs = counters.flatMap(({ tally, ...item }) => {
        const id = `${item.pk} ${item.sk}`;
        const level = levels.get(id) ?? 0;
        const full = () => levels.set(id, Math.min(level + 1, MAX_LEVEL));
        const pages = Map.groupBy(tally, ([name]) => pageOf(name, level));
        return [...pages].map(([page, entries]) =>
          sendAll(
            updatesOf(table, { ...item, sk: `${item.sk}${page}`, tally: new Map(entries) }, { id: writer, next }),
            full,
          ),
        );
      });
      // Only the current hour and minute keep growing: older levels would pile up in a long-lived environment.
      if (levels.size > 1_000) levels.clear();
      const failed = (await Promise.allSettled(jobs)).find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
  };
}
