/** The shapes that dynalite and our store of its items hand each other. */

/** An item as the JSON protocol carries it: `{ name: { S: "…" } }`. */
export type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface KeySchemaElement {
  readonly AttributeName: string;
  readonly KeyType: "HASH" | "RANGE";
}
export interface SecondaryIndex {
  readonly IndexName: string;
  readonly KeySchema: readonly KeySchemaElement[];
}
export interface TableDescription {
  readonly TableName: string;
  readonly KeySchema: readonly KeySchemaElement[];
  readonly GlobalSecondaryIndexes?: readonly SecondaryIndex[];
  readonly LocalSecondaryIndexes?: readonly SecondaryIndex[];
}

export type Done<T> = (error: Error | null, value?: T) => void;

/** Bounds of a range of keys, as LevelDB names them. `limit` -1: all. */
export interface Range {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Items in order, as events `data` and `end`, until destroyed. */
export interface ValueStream extends NodeJS.EventEmitter {
  destroy(): void;
}

export interface SubStore<T> {
  get(key: string, done: Done<T>): void;
  put(key: string, value: T, done: Done<void>): void;
  del(key: string, done: Done<void>): void;
  createValueStream(range: Range): ValueStream;
  createKeyStream(range: Range): ValueStream;
  lock(key: string, work: (release: (done: (...args: never[]) => void) => (...args: never[]) => void) => void): void;
}

export interface ItemStore extends SubStore<Item> {
  /** Items in order, as JSON; nothing may be asked of the store before they were taken, or left. */
  texts(range: Range): Iterable<string>;
}

export interface TableStore extends SubStore<TableDescription> {
  readonly awsAccountId: string;
  readonly awsRegion: string;
}

export interface Store {
  readonly options: {
    readonly createTableMs: number;
    readonly deleteTableMs: number;
    readonly updateTableMs: number;
    readonly maxItemSize: number;
  };
  readonly tableDb: TableStore;
  getTable(name: string, checkStatus: boolean | Done<TableDescription>, done?: Done<TableDescription>): void;
  getItemDb(table: string): ItemStore;
  getIndexDb(kind: string, table: string, index: string): ItemStore;
}

/** Arguments of Query and Scan as dynalite's checks leave them. */
export interface QueryArguments {
  readonly TableName: string;
  readonly IndexName?: string;
  readonly Limit?: number;
  readonly Select?: string;
  readonly ConsistentRead?: boolean;
  readonly ReturnConsumedCapacity?: string;
  readonly ConditionalOperator?: string;
  readonly QueryFilter?: unknown;
  readonly ScanFilter?: unknown;
  readonly AttributesToGet?: unknown;
  readonly _filter?: { readonly expression: unknown };
  readonly _projection?: { readonly paths: unknown };
}

/**
 * Answers one page.
 * @param fromTable the index lacks attributes that the query asks for, and the items of the table have them
 * @param keyNames attributes of the key from which the next page goes on
 */
export type QueryTable = (
  store: Store,
  table: TableDescription,
  data: QueryArguments,
  range: Range,
  isLocal: boolean | undefined,
  fromTable: boolean,
  keyNames: readonly string[],
  done: Done<unknown>,
) => void;

export type Action = (store: Store, args: unknown, done: Done<unknown>) => void;

export interface Dynalite {
  queryTable: QueryTable;
  matchesExprFilter(item: Item, expression: unknown): boolean;
  matchesFilter(item: Item, filter: unknown, operator: string | undefined): boolean;
  mapPaths(paths: unknown, item: Item): Item;
  /** Entries that an item's change puts into and takes out of indexes. */
  getIndexActions(
    indexes: readonly SecondaryIndex[],
    before: Item | undefined,
    after: Item | undefined,
    table: TableDescription,
  ): { puts: { index: string; key: string; item: Item }[]; deletes: { index: string; key: string }[] };
}
