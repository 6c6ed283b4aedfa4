import type { Dynalite, Item, QueryTable } from "./dynaliteTypes.ts";

/**
 * One page of Query or Scan, in place of dynalite's: that one takes each number apart in arbitrary precision to know its size, which
 * cost as much as reading the item. Sizes here are as AWS documents them, names in full.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
const PAGE_BYTES = 1_048_576;
const READ_UNIT_BYTES = 4_096;

function valueBytes(value: Item[string]): number {
  for (const type in value) {
    const content = value[type];
    switch (type) {
      case "S":
        return Buffer.byteLength(content as string);
      case "N":
        return Math.ceil((content as string).length / 2) + 1;
      case "B":
        return Math.ceil(((content as string).length * 3) / 4);
      case "SS":
      case "NS":
      case "BS":
        return (content as string[]).reduce((sum, one) => sum + valueBytes({ [type[0]!]: one }), 0);
      case "L":
        return (content as Item[string][]).reduce((sum, one) => sum + 1 + valueBytes(one), 3);
      case "M":
        return 3 + Object.keys(content as Item).length + itemBytes(content as Item);
    }
  }
  return 1;
}

function itemBytes(item: Item): number {
  let sum = 0;
  for (const name in item) sum += Buffer.byteLength(name) + valueBytes(item[name]!);
  return sum;
}

/** A page whose items are answered as they are stored, without being put into words again. */
export class WholePage {
  readonly #head: object;
  readonly #items: readonly string[];

  /** @param items each as JSON */
  constructor(head: object, items: readonly string[]) {
    this.#head = head;
    this.#items = items;
  }

  json(): string {
    return `${JSON.stringify(this.#head).slice(0, -1)},"Items":[${this.#items.join(",")}]}`;
  }
}

/** @param dynalite for its filters and projections, and for what is seldom asked: items that an index holds only in part, units by index */
export function pageReader(dynalite: Dynalite): QueryTable {
  const seldom = dynalite.queryTable;
  return (store, table, data, range, isLocal, fromTable, keyNames, done) => {
    if (fromTable || data.ReturnConsumedCapacity === "INDEXES") {
      seldom(store, table, data, range, isLocal, fromTable, keyNames, done);
      return;
    }
    const source =
      data.IndexName === undefined
        ? store.getItemDb(data.TableName)
        : store.getIndexDb(isLocal ? "local" : "global", data.TableName, data.IndexName);
    // Where a dynalite of its own runs in the same process, its stores come here too.
    if (!("texts" in source)) {
      seldom(store, table, data, range, isLocal, fromTable, keyNames, done);
      return;
    }
    const texts: string[] = [];
    let items: Item[] = [];
    let bytes = 0;
    let full = false;
    for (const text of source.texts(range)) {
      const item = JSON.parse(text) as Item;
      texts.push(text);
      items.push(item);
      bytes += itemBytes(item);
      full = bytes >= PAGE_BYTES || items.length === data.Limit;
      if (full) break;
    }
    const last = items.at(-1);
    const units = Math.ceil(bytes / READ_UNIT_BYTES) * (data.ConsistentRead ? 1 : 0.5);
    const head = {
      ScannedCount: items.length,
      ...(full && { LastEvaluatedKey: Object.fromEntries(keyNames.map((name) => [name, last![name]])) }),
      ...(data.ReturnConsumedCapacity === "TOTAL" && {
        ConsumedCapacity: { CapacityUnits: units, TableName: data.TableName },
      }),
    };
    const { _filter: filter, _projection: projection, QueryFilter, ScanFilter } = data;
    const older = QueryFilter ?? ScanFilter;
    const paths = projection?.paths ?? data.AttributesToGet;
    if (!filter && !older && !paths && data.Select !== "COUNT") {
      done(null, new WholePage({ ...head, Count: items.length }, texts));
      return;
    }
    if (filter) items = items.filter((item) => dynalite.matchesExprFilter(item, filter.expression));
    else if (older) items = items.filter((item) => dynalite.matchesFilter(item, older, data.ConditionalOperator));
    if (paths) items = items.map((item) => dynalite.mapPaths(paths, item));
    done(null, { ...head, Count: items.length, ...(data.Select !== "COUNT" && { Items: items }) });
  };
}
