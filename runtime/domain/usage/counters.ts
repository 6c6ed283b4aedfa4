import { createHash } from "node:crypto";
import type { AttributeValue, PutItemCommandInput } from "@aws-sdk/client-dynamodb";
import { packRows, type Rows, rowIn } from "../metrics/facts.ts";
import { addSums } from "../metrics/sums.ts";
import type { Millis, Seconds } from "../time.ts";

/**
 * Counters that many execution environments add to at once, each in items of its own.
 *
 * Invariant: an item belongs to one writer, which alone knows what is in it, and holds all that this writer has counted there
 * so far. Putting it twice, or again after a failure, changes nothing; a put that was overtaken by a later one is refused by
 * its number. So each fact counts once, without a mark on it, and readers add items up.
 */

/** Attribute names with what is to be added. */
export type Tally = Map<string, number>;

export const add = (tally: Tally, name: string, n: number): void => {
  if (n !== 0) tally.set(name, (tally.get(name) ?? 0) + n);
};

/** What is to be added to the counters of a partition and a start. */
export interface Counters {
  /** Stands for all of its shards. */
  readonly pk: string;
  /** The start, with `#` at its end: what follows in the sort key tells writers apart. */
  readonly sk: string;
  /** Seconds since the epoch. */
  readonly expiry: Seconds;
  readonly tally: ReadonlyMap<string, number>;
  /** The counts of the metrics (domain/metrics/facts.ts), packed in one attribute of the item. */
  readonly rows?: Rows;
}

/** What the writer needs of DynamoDB: puts one item. */
export type SendPut = (input: PutItemCommandInput) => Promise<unknown>;

/** A partition takes 1,000 units a second: writers are spread over so many. */
const SHARDS = 16;
/** Names of counters in one item: about 20 KB, so that one more event type does not cost hundreds of units. */
const NAMES = 400;
/** Rows in one item: about as much. */
const ROWS_EACH = 500;
const hasNames = ({ tally }: Chunk): boolean => tally.size >= NAMES;
const hasRows = ({ rows }: Chunk): boolean => rows.size >= ROWS_EACH;
const PUTS_AT_ONCE = 32;
/** Milliseconds without a change after which an item is closed. A later count begins another item. */
const KEEP_MS = 90_000;
/** Items whose puts have failed are kept to be put again, up to so many. */
const MAX_KEPT = 10_000;

/** Where the counters of a partition are. */
export const shardsOf = (pk: string): string[] => Array.from({ length: SHARDS }, (_, shard) => `${pk}#${shard}`);

/** The shard that a writer counts in. */
export const shardOfWriter = (writer: string): number =>
  createHash("md5").update(writer).digest().readUInt32BE(0) % SHARDS;

/** The attribute that holds rows. */
export const ROWS = "rows";
/** Attributes that are no counters. */
const RESERVED = new Set(["pk", "sk", "n", "expires_at", ROWS]);
/** Whether an attribute counts something; older items hold their writers' marks too. */
export const isCounter = (name: string): boolean => !RESERVED.has(name) && !name.startsWith("w#");

/** Part of a writer's counters of a partition and a start. */
interface Chunk {
  readonly id: number;
  readonly tally: Tally;
  readonly rows: Rows;
  changed: boolean;
}

interface Own extends Omit<Counters, "tally" | "rows"> {
  readonly chunks: Chunk[];
  readonly places: Map<string, Chunk>;
  readonly rowPlaces: Map<string, Chunk>;
  touchedAt: Millis;
}

export interface CounterWriter {
  /** Adds to what is to be written; nothing leaves yet. */
  add(counters: readonly Counters[]): void;
  /**
   * Puts every item that has changed. What fails is put again the next time.
   * @throws the first failure, after everything was tried
   */
  flush(): Promise<void>;
}

/**
 * @param writer unique to the execution environment, short: it is in the key of every item
 * @param now milliseconds
 */
export function counterWriter(table: string, send: SendPut, writer: string, now: () => Millis): CounterWriter {
  const shard = shardOfWriter(writer);
  const items = new Map<string, Own>();
  let chunks = 0;
  let number = 0;
  let last: Promise<void> = Promise.resolve();

  const chunkFor = (own: Own, places: Map<string, Chunk>, name: string, isFull: (chunk: Chunk) => boolean): Chunk => {
    const known = places.get(name);
    if (known !== undefined) return known;
    let chunk = own.chunks.find((each) => !isFull(each));
    if (chunk === undefined) {
      // Ids are never used again: an item that was left alone keeps what is in it.
      chunks += 1;
      chunk = { id: chunks, tally: new Map(), rows: new Map(), changed: true };
      own.chunks.push(chunk);
    }
    places.set(name, chunk);
    return chunk;
  };

  const putOf = ({ pk, sk, expiry }: Own, { id, tally, rows }: Chunk): PutItemCommandInput => {
    number += 1;
    const n: AttributeValue = { N: String(number) };
    return {
      TableName: table,
      Item: {
        pk: { S: `${pk}#${shard}` },
        sk: { S: `${sk}${writer}.${id}` },
        n,
        expires_at: { N: String(expiry) },
        ...Object.fromEntries([...tally].map(([name, count]) => [name, { N: String(count) }])),
        ...(rows.size === 0 ? {} : { [ROWS]: { B: packRows(rows) } }),
      },
      ConditionExpression: "attribute_not_exists(n) OR n < :n",
      ExpressionAttributeValues: { ":n": n },
    };
  };

  async function put(own: Own, chunk: Chunk): Promise<void> {
    chunk.changed = false;
    try {
      await send(putOf(own, chunk));
    } catch (error) {
      // This put, or a later one, arrived although its answer did not.
      if ((error as Error).name === "ConditionalCheckFailedException") return;
      chunk.changed = true;
      throw error;
    }
  }

  async function flushAll(): Promise<void> {
    const waiting = [...items.values()].flatMap((own) =>
      own.chunks.filter(({ changed }) => changed).map((chunk) => ({ own, chunk })),
    );
    const failures: unknown[] = [];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await put(next.own, next.chunk).catch((error) => failures.push(error));
    };
    await Promise.all(Array.from({ length: Math.min(PUTS_AT_ONCE, waiting.length) }, work));
    for (const [id, own] of items) {
      const settled = own.chunks.every(({ changed }) => !changed) && now() - own.touchedAt > KEEP_MS;
      if (settled || items.size > MAX_KEPT) items.delete(id);
    }
    if (failures.length > 0) throw failures[0];
  }

  return {
    add(counters) {
      for (const { tally, rows, ...key } of counters) {
        const id = `${key.pk} ${key.sk}`;
        const own = items.get(id) ?? { ...key, chunks: [], places: new Map(), rowPlaces: new Map(), touchedAt: 0 };
        items.set(id, own);
        own.touchedAt = now();
        for (const [name, n] of tally) {
          const chunk = chunkFor(own, own.places, name, hasNames);
          add(chunk.tally, name, n);
          chunk.changed = true;
        }
        for (const [name, sums] of rows ?? []) {
          const chunk = chunkFor(own, own.rowPlaces, name, hasRows);
          addSums(rowIn(chunk.rows, name), sums);
          chunk.changed = true;
        }
      }
    },
    flush() {
      // One after the other, so that an item's puts keep their order.
      const flushed = last.then(flushAll);
      last = flushed.catch(() => undefined);
      return flushed;
    },
  };
}
