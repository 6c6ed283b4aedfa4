/**
 * DynamoDB's units under the quotas of an account: each table and global index has a rate, and within it each partition key its own, whose
 * traffic one partition serves. A call is admitted while anything is left, and what it took is known afterwards, as in DynamoDB.
 * Partitions stay whole here. DynamoDB splits a hot partition by its sort keys, but only where those don't grow with time, as
 * ours do.
 */
import type { Account, AccountQuota } from "../account.ts";
import { readJsonCall } from "../jsonProtocol.ts";
import { type ApiAnswer, type ApiCall, ServiceError } from "../service.ts";

/** Hash key of a table, and of each global index, with whether the index holds whole items. */
export interface Hashes {
  readonly table: string;
  readonly indexes: ReadonlyMap<string, { readonly hash: string; readonly whole: boolean }>;
}

type Attributes = Readonly<Record<string, unknown>>;
type Args = Readonly<Record<string, unknown>>;

interface Touched {
  readonly table: string;
  /** Empty where a call names no single partition, as Scan does. */
  readonly partition: string;
  readonly write: boolean;
  /** Index that is read. */
  readonly index: string | undefined;
  /** For writes: the item, as far as the call has it. */
  readonly item: Attributes;
  /** How large the request for it is, to share out what a batch took. */
  readonly weight: number;
}

interface Consumed {
  readonly TableName: string;
  readonly CapacityUnits: number;
  readonly Table?: { readonly CapacityUnits: number };
}

const MESSAGE =
  "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.";

const textOf = (value: unknown): string => JSON.stringify(value ?? null);

export class Throughput {
  readonly #account: Account;
  readonly #hashes: ReadonlyMap<string, Hashes>;
  readonly #throttled: (table: string, write: boolean) => void;

  /** @param throttled told of each call that is refused */
  constructor(
    account: Account,
    hashes: ReadonlyMap<string, Hashes>,
    throttled: (table: string, write: boolean) => void,
  ) {
    this.#account = account;
    this.#hashes = hashes;
    this.#throttled = throttled;
  }

  /** Makes the call if there are units left. @throws ServiceError `ThrottlingException` */
  async meter(call: ApiCall, send: (target: string, body: Uint8Array) => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const { action, args } = readJsonCall(call);
    const touched = this.#touched(action, args);
    const refused = touched.filter((one) => !this.#open(one));
    for (const { table, write } of refused) this.#throttled(table, write);
    const target = call.headers["x-amz-target"] ?? "";
    if (refused.length > 0 && (refused.length === touched.length || action !== "BatchWriteItem"))
      throw new ServiceError("ThrottlingException", MESSAGE);
    const left =
      action === "BatchWriteItem" && refused.length > 0 ? without(args, refused) : { kept: args, unprocessed: {} };
    const answer = await send(target, Buffer.from(JSON.stringify({ ...left.kept, ReturnConsumedCapacity: "INDEXES" })));
    if (answer.status !== 200) return answer;
    const { ConsumedCapacity, ...value } = JSON.parse(String(answer.body)) as Record<string, unknown> & {
      ConsumedCapacity?: Consumed | readonly Consumed[];
    };
    const admitted = touched.filter((one) => !refused.includes(one));
    for (const consumed of [ConsumedCapacity ?? []].flat() as Consumed[]) this.#take(consumed, admitted);
    const UnprocessedItems = { ...((value.UnprocessedItems as object | undefined) ?? {}), ...left.unprocessed };
    const body = action === "BatchWriteItem" ? { ...value, UnprocessedItems } : value;
    return { ...answer, body: JSON.stringify(body) };
  }

  #touched(action: string, args: Args): Touched[] {
    const table = String(args.TableName);
    const one = (write: boolean, item: Attributes, of = table): Touched => ({
      table: of,
      write,
      item,
      index: undefined,
      partition: textOf(item[this.#hashes.get(of)?.table ?? ""]),
      weight: textOf(item).length,
    });
    switch (action) {
      case "PutItem":
        return [one(true, args.Item as Attributes)];
      case "UpdateItem":
      case "DeleteItem":
        return [one(true, args.Key as Attributes)];
      case "GetItem":
        return [one(false, args.Key as Attributes)];
      case "Query":
        return [this.#query(table, args)];
      case "BatchWriteItem":
        return Object.entries(args.RequestItems as Record<string, Args[]>).flatMap(([of, requests]) =>
          requests.map(({ PutRequest, DeleteRequest }) =>
            one(
              true,
              ((PutRequest as Args | undefined)?.Item ?? (DeleteRequest as Args | undefined)?.Key) as Attributes,
              of,
            ),
          ),
        );
      case "BatchGetItem":
        return Object.entries(args.RequestItems as Record<string, { Keys: Attributes[] }>).flatMap(([of, { Keys }]) =>
          Keys.map((key) => one(false, key, of)),
        );
      default:
        return [];
    }
  }

  /** The partition that a query reads: the value that its condition gives to the hash key. */
  #query(table: string, args: Args): Touched {
    const index = args.IndexName === undefined ? undefined : String(args.IndexName);
    const hashes = this.#hashes.get(table);
    const hash = index === undefined ? hashes?.table : hashes?.indexes.get(index)?.hash;
    const names = (args.ExpressionAttributeNames ?? {}) as Readonly<Record<string, string>>;
    const condition = String(args.KeyConditionExpression ?? "");
    const value = [...condition.matchAll(/([#\w.]+)\s*=\s*(:\w+)/g)].find(
      ([, name = ""]) => (names[name] ?? name) === hash,
    )?.[2];
    const partition = value === undefined ? "" : textOf((args.ExpressionAttributeValues as Attributes)[value]);
    return { table, partition, write: false, index, item: {}, weight: 1 };
  }

  /** Of what each counts against: its partition and its table. */
  #rates({
    table,
    index,
    partition,
    write,
  }: Pick<Touched, "table" | "index" | "partition" | "write">): [AccountQuota, string][] {
    const place = index === undefined ? table : `${table}/${index}`;
    const whole: [AccountQuota, string] = [write ? "tableWarmWriteUnits" : "tableWarmReadUnits", place];
    if (partition === "") return [whole];
    return [whole, [write ? "partitionWriteUnits" : "partitionReadUnits", `${place} ${partition}`]];
  }

  /** The item's place in each global index that it is written to. A full partition of an index refuses the table's write. */
  #inIndexes({ table, item, write }: Touched): { index: string; partition: string; whole: boolean }[] {
    if (!write) return [];
    return [...(this.#hashes.get(table)?.indexes ?? [])]
      .filter(([, { hash }]) => item[hash] !== undefined)
      .map(([index, { hash, whole }]) => ({ index, partition: textOf(item[hash]), whole }));
  }

  #open(one: Touched): boolean {
    const places = [one, ...this.#inIndexes(one).map((place) => ({ ...place, table: one.table, write: true }))];
    const full = places.flatMap((place) => this.#rates(place)).find(([quota, key]) => !this.#account.has(quota, key));
    if (full !== undefined) this.#account.feel(full[0]);
    return full === undefined;
  }

  /** Charges what a call took of one table, shared out over what it touched. */
  #take(consumed: Consumed, touched: readonly Touched[]): void {
    const here = touched.filter(({ table }) => table === consumed.TableName);
    const all = here.reduce((sum, { weight }) => sum + weight, 0);
    for (const one of here) {
      const share = one.weight / all;
      const units = (consumed.Table?.CapacityUnits ?? consumed.CapacityUnits) * share;
      for (const [quota, key] of this.#rates(one)) this.#account.take(quota, key, units);
      // Its copy in an index costs as much as the item where the index holds all of it; else it is small.
      for (const { index, partition, whole } of this.#inIndexes(one))
        for (const [quota, key] of this.#rates({ table: one.table, index, partition, write: true }))
          this.#account.take(quota, key, whole ? units : 1);
    }
  }
}

/** A batch without the refused items, and those as DynamoDB hands them back. */
function without(
  args: Args,
  refused: readonly Touched[],
): { kept: Args; unprocessed: Readonly<Record<string, unknown>> } {
  const items = new Set(refused.map(({ item }) => item));
  const itemOf = ({ PutRequest, DeleteRequest }: Args) =>
    ((PutRequest as Args | undefined)?.Item ?? (DeleteRequest as Args | undefined)?.Key) as Attributes;
  const split = (keep: boolean) =>
    Object.fromEntries(
      Object.entries(args.RequestItems as Record<string, Args[]>)
        .map(([table, requests]) => [table, requests.filter((request) => items.has(itemOf(request)) !== keep)] as const)
        .filter(([, requests]) => requests.length > 0),
    );
  return { kept: { ...args, RequestItems: split(true) }, unprocessed: split(false) };
}
