import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { checkDatabase, type Kept } from "./integrity.ts";

/**
 * A stand-in's state in one SQLite file, changed in groups: what one turn of the event loop asks for is one transaction.
 * Invariant: a change that `durable` has confirmed is with the operating system, so it survives a SIGKILL. A group is written
 * whole or left out whole, after a full disk too. docs/decisions/durable-state.md has the figures.
 */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  PRAGMA secure_delete = ON;
`;
/** How soon changes that could not be written are tried again, milliseconds. */
const RETRY_MS = 1_000;

/** The statements of a database by their text, each prepared when it is first asked for. */
export function statementsOf(db: DatabaseSync): (sql: string) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (sql) => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement;
  };
}

/** Makes changes together, or none of them. */
export function inTransaction(db: DatabaseSync, run: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    run();
    db.exec("COMMIT");
  } catch (cause) {
    // On a full disk SQLite has undone it already.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw cause;
  }
}

interface Change {
  run(): void;
  /** Who waits for it, and is told when it could not be made. Changes without one are tried until they are made. */
  refuse?(cause: Error): void;
}

export class DurableFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #what: string;
  readonly #log: (line: string) => void;
  readonly #prepare: (sql: string) => StatementSync;
  #pending: Change[] = [];
  #scheduled: Promise<void> | undefined;
  #failure: Error | undefined;
  #retry: NodeJS.Timeout | undefined;

  /**
   * @param schema statements that create missing tables
   * @throws StartError when SQLite finds the file damaged; the file system's error, such as a full disk
   */
  constructor(path: string, schema: string, kept: Kept) {
    this.path = path;
    this.#what = kept.what;
    this.#log = kept.log;
    mkdirSync(dirname(path), { recursive: true });
    checkDatabase(path, kept);
    this.#db = new DatabaseSync(path);
    this.#prepare = statementsOf(this.#db);
    try {
      this.#db.exec(PRAGMAS);
      this.#db.exec(schema);
    } catch (cause) {
      this.#db.close();
      throw cause;
    }
  }

  /** Reads at once; changes that are still to be written are written first. */
  all(sql: string, ...values: SQLInputValue[]): IterableIterator<unknown> {
    this.#settle();
    return this.#prepare(sql).iterate(...values);
  }

  get(sql: string, ...values: SQLInputValue[]): unknown {
    this.#settle();
    return this.#prepare(sql).get(...values);
  }

  /** One statement of a change, or of the setting up. */
  run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepare(sql).run(...values);
  }

  /** Makes a change that nobody waits for: with this turn's others, or later, as soon as it can be written. */
  change(run: () => void): void {
    this.#add({ run });
  }

  /** Resolves when the change is safe from a kill. @throws Error when it failed for good, such as for a full disk */
  durable(run: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#add({ run, refuse: reject });
      void this.#scheduled!.then(resolve);
    });
  }

  /** Resolves when this turn's changes have been written, or could not be. */
  flushed(): Promise<void> {
    return this.#scheduled ?? Promise.resolve();
  }

  /** Makes changes at once. @throws Error when they can't be written */
  now(run: () => void): void {
    this.#settle();
    inTransaction(this.#db, run);
  }

  /** Why the last group could not be written; undefined when it could. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Leaves no deleted bytes on the disk, and gives back the space of a backlog. */
  scrub(): void {
    this.#settle();
    const { freelist_count: free } = this.#db.prepare("PRAGMA freelist_count").get() as { freelist_count: number };
    const { page_count: pages } = this.#db.prepare("PRAGMA page_count").get() as { page_count: number };
    if (free > MANY_PAGES && free > pages / 2) this.#db.exec("VACUUM");
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#settle();
    this.#db.close();
  }

  #add(change: Change): void {
    this.#pending.push(change);
    this.#scheduled ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#scheduled = undefined;
        this.#write();
        resolve();
      });
    });
  }

  #settle(): void {
    if (this.#pending.length > 0) this.#write();
  }

  #write(): void {
    const changes = this.#pending;
    if (changes.length === 0 && this.#failure === undefined) return;
    this.#pending = [];
    try {
      inTransaction(this.#db, () => {
        for (const { run } of changes) run();
        // An empty transaction would succeed on a full disk too, so it writes the file's header.
        if (changes.length === 0) this.#db.exec("PRAGMA user_version = 1");
      });
      this.#recovered();
    } catch (thrown) {
      const cause = thrown as Error;
      this.#pending = [...changes.filter(({ refuse }) => refuse === undefined), ...this.#pending];
      this.#failed(cause);
      for (const { refuse } of changes) refuse?.(cause);
    }
  }

  #failed(cause: Error): void {
    if (this.#failure === undefined) {
      const remedy = isFull(cause) ? "free some room on its disk" : "see that it can be written";
      this.#log(
        `${this.#what} can't be written to ${this.path}: ${cause.message}; ${remedy}, nothing more is accepted meanwhile`,
      );
    }
    this.#failure = cause;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#write(), RETRY_MS);
    this.#retry.unref();
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    clearTimeout(this.#retry);
    this.#log(`${this.#what} can be written again`);
  }
}

const MANY_PAGES = 16_384;
/** Of SQLite's result codes. Source: sqlite.org/rescode.html. */
const FULL = 13;

const codeOf = (cause: unknown): number => ((cause as { errcode?: number }).errcode ?? 0) & 0xff;
const isFull = (cause: unknown): boolean =>
  codeOf(cause) === FULL || (cause as NodeJS.ErrnoException).code === "ENOSPC";
