import { createRequire } from "node:module";

/**
 * The parts of dynalite that know DynamoDB: checks of arguments with AWS's messages, expressions, and what each action does. They ask
 * a store for tables, items and index entries; ours is `storage.ts`, in place of dynalite's LevelDB.
 */
const require = createRequire(import.meta.url);

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
  getItemDb(table: string): SubStore<Item>;
  getIndexDb(kind: string, table: string, index: string): SubStore<Item>;
}

export type Action = (store: Store, args: unknown, done: Done<unknown>) => void;

interface Validation {
  readonly types: unknown;
  readonly custom: unknown;
}
interface Validations {
  checkTypes(args: unknown, types: unknown): unknown;
  checkValidations(args: unknown, types: unknown, custom: unknown, store: Store): void;
}

interface Helpers {
  /** Entries that an item's change puts into and takes out of indexes. */
  getIndexActions(
    indexes: readonly SecondaryIndex[],
    before: Item | undefined,
    after: Item | undefined,
    table: TableDescription,
  ): { puts: { index: string; key: string; item: Item }[]; deletes: { index: string; key: string }[] };
}

export const helpers = require("dynalite/db") as Helpers;
const validations = require("dynalite/validations") as Validations;

/** Answered here; each a file of dynalite's. */
const ACTIONS = [
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DescribeTable",
  "GetItem",
  "ListTables",
  "PutItem",
  "Query",
  "Scan",
  "UpdateItem",
] as const;

const lowerFirst = (name: string): string => name[0]!.toLowerCase() + name.slice(1);

const loaded = new Map(
  ACTIONS.map((name) => [
    name as string,
    {
      run: require(`dynalite/actions/${lowerFirst(name)}`) as Action,
      validation: require(`dynalite/validations/${lowerFirst(name)}`) as Validation,
    },
  ]),
);

/** A refusal of dynalite's: what DynamoDB would answer. */
export interface Refusal extends Error {
  readonly statusCode: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Checks the arguments, then acts. @throws Refusal, or hands one to `done` */
export function perform(store: Store, action: string, args: unknown, done: Done<unknown>): void {
  const { run, validation } = loaded.get(action)!;
  const checked = validations.checkTypes(args, validation.types);
  validations.checkValidations(checked, validation.types, validation.custom, store);
  run(store, checked, done);
}

export const isKnown = (action: string): boolean => loaded.has(action);
