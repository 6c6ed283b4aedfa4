import { DatabaseSync, type StatementSync } from "node:sqlite";
import { helpers } from "./dynalite.ts";
import type { Done, Item, ItemStore, Range, Store, SubStore, TableDescription, TableStore } from "./dynaliteTypes.ts";
import { Rows } from "./rows.ts";

/**
 * Tables, items and index entries in SQLite, as dynalite's actions ask for them. Invariant: an item, its index entries and its expiry change in
 * one transaction, which is committed before the change is answered. Calls are synchronous, so an action runs whole before the next:
 * conditions hold without locks.
 *
 * An index entry's key ends with the item's own key: dynalite's has six hexadecimal digits of a hash there, so that of items with the same index
 * key some would hide others.
 */
const MAX_ITEM_BYTES = 409_600;

const SCHEMA = `
  PRAGMA page_size = 8192;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = ON;
  PRAGMA cache_size = -65536;
  PRAGMA mmap_size = 268435456;
  PRAGMA wal_autocheckpoint = 8000;
  CREATE TABLE IF NOT EXISTS tables (name TEXT PRIMARY KEY, description TEXT);
  CREATE TABLE IF NOT EXISTS spaces (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
`;

/** Each table and each index is a SQLite table of its own. */
const spaceSchema = (id: number): string => `
  CREATE TABLE IF NOT EXISTS space_${id} (id INTEGER PRIMARY KEY, k TEXT NOT NULL, v TEXT NOT NULL, expires INTEGER);
  CREATE UNIQUE INDEX IF NOT EXISTS space_${id}_k ON space_${id} (k);
  CREATE INDEX IF NOT EXISTS space_${id}_e ON space_${id} (expires) WHERE expires IS NOT NULL;
`;

interface Space {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly del: StatementSync;
  readonly due: StatementSync;
  readonly ranges: Map<string, StatementSync>;
  readonly id: number;
}

/** One for all, since making its stack costs more than the look-up. */
const NOT_FOUND = Object.assign(new Error("not found"), { name: "NotFoundError" });

/** Actions run one after the other as it is. */
const lock: SubStore<never>["lock"] = (_key, work) => work((done) => done);

export class SqliteStore implements Store {
  readonly options = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0, maxItemSize: MAX_ITEM_BYTES };
  readonly tableDb: TableStore;
  readonly #db: DatabaseSync;
  readonly #tables = new Map<string, TableDescription>();
  readonly #spaces = new Map<string, Space>();
  readonly #itemStores = new Map<string, ItemStore>();
  /** Attribute with the expiry, by table. */
  readonly #expiry = new Map<string, string>();
  #open = false;

  constructor(file: string, identity: { readonly accountId: string; readonly region: string }) {
    this.#db = new DatabaseSync(file);
    this.#db.exec(SCHEMA);
    for (const { name, description } of this.#db.prepare("SELECT name, description FROM tables").all() as {
      name: string;
      description: string;
    }[]) {
      this.#tables.set(name, JSON.parse(description) as TableDescription);
    }
    this.tableDb = this.#tableStore(identity);
  }

  getTable(name: string, checkStatus: boolean | Done<TableDescription>, done?: Done<TableDescription>): void {
    const answer = typeof checkStatus === "function" ? checkStatus : done!;
    const table = this.#tables.get(name);
    if (table !== undefined) {
      answer(null, table);
      return;
    }
    const message = `Requested resource not found${checkStatus === true ? "" : `: Table: ${name} not found`}`;
    answer(
      Object.assign(new Error(message), {
        statusCode: 400,
        body: { __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message },
      }),
    );
  }

  getItemDb(table: string): ItemStore {
    let store = this.#itemStores.get(table);
    if (store === undefined) {
      store = this.#itemStore(table);
      this.#itemStores.set(table, store);
    }
    return store;
  }

  /** Read alone: an item's own `put` and `del` keep the entries. */
  getIndexDb(_kind: string, table: string, index: string): ItemStore {
    const space = this.#space(indexSpace(table, index));
    const nothing = (_key: string, ...rest: unknown[]) => (rest.at(-1) as Done<void>)(null);
    return {
      get: (key, done) => this.#get(space, key, done),
      put: nothing,
      del: nothing,
      ...this.#ranges(space),
      lock,
    };
  }

  /** Items put from now on expire by this attribute, in seconds since the epoch. */
  setExpiry(table: string, attribute: string | undefined): void {
    if (attribute === undefined) this.#expiry.delete(table);
    else this.#expiry.set(table, attribute);
  }

  /** Up to `limit` items that expired before `now` and after `old`, seconds since the epoch. */
  expired(table: string, old: number, now: number, limit: number): readonly Item[] {
    const rows = this.#space(itemSpace(table)).due.all(old, now, limit) as { v: string }[];
    return rows.map(({ v }) => JSON.parse(v) as Item);
  }

  /**
   * Writes the open changes to the file.
   * @throws Error when that fails: then all of them are undone, and the next turn begins anew
   */
  commit(): void {
    if (!this.#open) return;
    this.#open = false;
    // On a full disk SQLite may have undone everything already, at the statement that found it full.
    if (!this.#db.isTransaction) throw new Error("the changes of this turn could not be written");
    try {
      this.#db.exec("COMMIT");
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw cause;
    }
  }

  /** Overwrites what deleted rows have left behind in the log. */
  scrub(): void {
    this.commit();
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    this.commit();
    this.#db.close();
  }

  #begin(): void {
    if (this.#open) return;
    this.#db.exec("BEGIN");
    this.#open = true;
  }

  #space(name: string): Space {
    let space = this.#spaces.get(name);
    if (space === undefined) {
      this.commit();
      this.#db.prepare("INSERT OR IGNORE INTO spaces (name) VALUES (?)").run(name);
      const { id } = this.#db.prepare("SELECT id FROM spaces WHERE name = ?").get(name) as { id: number };
      this.#db.exec(spaceSchema(id));
      const table = `space_${id}`;
      space = {
        id,
        get: this.#db.prepare(`SELECT v FROM ${table} WHERE k = ?`),
        put: this.#db.prepare(
          `INSERT INTO ${table} (k, v, expires) VALUES (?, ?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v, expires = excluded.expires`,
        ),
        del: this.#db.prepare(`DELETE FROM ${table} WHERE k = ?`),
        due: this.#db.prepare(`SELECT v FROM ${table} WHERE expires > ? AND expires < ? ORDER BY expires LIMIT ?`),
        ranges: new Map(),
      };
      this.#spaces.set(name, space);
    }
    return space;
  }

  #get(space: Space, key: string, done: Done<Item>): void {
    const row = space.get.get(key) as { v: string } | undefined;
    if (row === undefined) done(NOT_FOUND);
    else done(null, JSON.parse(row.v) as Item);
  }

  #ranges(space: Space) {
    const stream = (range: Range) => new Rows(() => this.#range(space, range));
    return { texts: (range: Range) => this.#texts(space, range), createValueStream: stream, createKeyStream: stream };
  }

  *#range(space: Space, range: Range): Generator<Item> {
    for (const text of this.#texts(space, range)) yield JSON.parse(text) as Item;
  }

  *#texts(space: Space, { gt, gte, lt, lte, reverse = false, limit = -1 }: Range): Generator<string> {
    const bounds: [string, string][] = [];
    // Keys of index entries go on after what dynalite knows of them: with "/" and the item's key.
    if (gt !== undefined) bounds.push(["k > ?", `${gt}/~`]);
    else if (gte !== undefined) bounds.push(["k >= ?", gte]);
    if (lt !== undefined) bounds.push(["k < ?", lt]);
    else if (lte !== undefined) bounds.push(["k <= ?", lte]);
    const sql = `SELECT v FROM space_${space.id}${bounds.length === 0 ? "" : ` WHERE ${bounds.map(([one]) => one).join(" AND ")}`} ORDER BY k ${reverse ? "DESC" : "ASC"} LIMIT ?`;
    let statement = space.ranges.get(sql);
    // A statement can't be run while it is being iterated over.
    space.ranges.delete(sql);
    statement ??= this.#db.prepare(sql);
    for (const row of statement.iterate(...bounds.map(([, value]) => value), limit))
      yield (row as unknown as { v: string }).v;
    space.ranges.set(sql, statement);
  }

  #itemStore(name: string): ItemStore {
    const space = this.#space(itemSpace(name));
    return {
      get: (key, done) => this.#get(space, key, done),
      put: (key, item, done) => {
        this.#begin();
        this.#index(name, space, key, item);
        space.put.run(key, JSON.stringify(item), this.#expiryOf(name, item));
        done(null);
      },
      del: (key, done) => {
        this.#begin();
        this.#index(name, space, key, undefined);
        space.del.run(key);
        done(null);
      },
      ...this.#ranges(space),
      lock,
    };
  }

  #expiryOf(table: string, item: Item): number | null {
    const attribute = this.#expiry.get(table);
    const value = attribute === undefined ? undefined : item[attribute]?.N;
    return value === undefined ? null : Math.floor(Number(value));
  }

  /** Brings the entries of every index in line with the item's change. */
  #index(name: string, space: Space, key: string, after: Item | undefined): void {
    const table = this.#tables.get(name)!;
    const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
    if (indexes.length === 0) return;
    const row = space.get.get(key) as { v: string } | undefined;
    const before = row === undefined ? undefined : (JSON.parse(row.v) as Item);
    const { puts, deletes } = helpers.getIndexActions(indexes, before, after, table);
    for (const { index, key: entry } of deletes) this.#space(indexSpace(name, index)).del.run(`${entry}/${key}`);
    for (const { index, key: entry, item } of puts)
      this.#space(indexSpace(name, index)).put.run(`${entry}/${key}`, JSON.stringify(item), null);
  }

  #tableStore({ accountId, region }: { accountId: string; region: string }): TableStore {
    return {
      awsAccountId: accountId,
      awsRegion: region,
      get: (key, done) => {
        const table = this.#tables.get(key);
        if (table === undefined) done(NOT_FOUND);
        else done(null, table);
      },
      put: (key, table, done) => {
        this.#tables.set(key, table);
        this.#begin();
        this.#db.prepare("INSERT OR REPLACE INTO tables VALUES (?, ?)").run(key, JSON.stringify(table));
        done(null);
      },
      del: (key, done) => {
        this.#tables.delete(key);
        this.#begin();
        this.#db.prepare("DELETE FROM tables WHERE name = ?").run(key);
        done(null);
      },
      createValueStream: () => new Rows(() => this.#tables.values()),
      createKeyStream: () => new Rows(() => [...this.#tables.keys()].sort()),
      lock,
    };
  }
}

const itemSpace = (table: string): string => `item ${table}`;
const indexSpace = (table: string, index: string): string => `index ${table} ${index}`;
