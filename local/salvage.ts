import { existsSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** What could be read of one table. */
export interface Salvaged {
  readonly table: string;
  readonly rows: number;
  /** Ranges of row numbers that lie in unreadable pages, both ends included: each may have held so many rows at most. */
  readonly unread: readonly { readonly from: bigint; readonly to: bigint }[];
}

type Row = Record<string, SQLInputValue> & { readonly row: bigint };

/** Row numbers are whole and not negative in all tables of the state. */
const LAST = 2n ** 53n;
/** Broken places of one table; with more of them the rest is left. */
const PLACES = 10_000;
/** Places that are tried in what was skipped, to find good rows between two broken pages. */
const TRIES = 32n;

/**
 * Copies the rows of a damaged SQLite file that can be read into a new one, which takes its place; the damaged one, with its log, is kept beside it as
 * `<path>.damaged`. For tables whose rows have numbers: a row is found by its number as long as the pages on the way to it are good.
 * @returns undefined when even the list of tables is unreadable: then the file stays as it was
 */
export function salvage(path: string): readonly Salvaged[] | undefined {
  const copy = `${path}.salvaged`;
  rmSync(copy, { force: true });
  const from = new DatabaseSync(path, { readOnly: true });
  const to = new DatabaseSync(copy);
  let found: Salvaged[];
  try {
    to.exec("PRAGMA synchronous = OFF; BEGIN");
    const tables = from
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")
      .all() as { name: string; sql: string }[];
    let numbers: readonly bigint[] | undefined;
    const hints = () => {
      numbers ??= numbersIn(
        from,
        tables.map(({ name }) => name),
      );
      return numbers;
    };
    found = tables.map(({ name, sql }) => {
      to.exec(sql);
      return copyRows(from, to, name, hints);
    });
    to.exec("COMMIT");
  } catch {
    rmSync(copy, { force: true });
    return undefined;
  } finally {
    from.close();
    to.close();
  }
  for (const end of ["-wal", "-shm", ""])
    if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${path}.damaged${end}`);
  renameSync(copy, path);
  return found;
}

const quoted = (table: string): string => `"${table.replaceAll('"', '""')}"`;

/** Numbers of one table, from each of its ends, that serve as hints. */
const HINTS = 20_000;

/**
 * Row numbers that can be read in any of the tables, in order. Tables of the state share their numbers, such as a message's, so
 * what one still tells leads to rows of another whose first and last pages are both broken.
 */
function numbersIn(from: DatabaseSync, tables: readonly string[]): readonly bigint[] {
  const found = new Set<bigint>();
  for (const table of tables)
    for (const order of ["ASC", "DESC"]) {
      try {
        const read = from.prepare(`SELECT rowid AS row FROM ${quoted(table)} ORDER BY rowid ${order} LIMIT ${HINTS}`);
        read.setReadBigInts(true);
        for (const { row } of read.iterate() as IterableIterator<{ row: bigint }>) found.add(row);
      } catch {
        // What came before the broken page is a hint all the same.
      }
    }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

/** @param hints numbers that may lead to rows where trying does not */
function copyRows(from: DatabaseSync, to: DatabaseSync, table: string, hints: () => readonly bigint[]): Salvaged {
  const name = quoted(table);
  const read = from.prepare(`SELECT rowid AS row, * FROM ${name} WHERE rowid >= ? ORDER BY rowid`);
  read.setReadBigInts(true);
  const first = from.prepare(`SELECT rowid AS row FROM ${name} WHERE rowid >= ? ORDER BY rowid LIMIT 1`);
  first.setReadBigInts(true);
  let rows = 0;
  const unread: { readonly from: bigint; readonly to: bigint }[] = [];
  function keep({ row: _, ...values }: Row): void {
    const columns = Object.keys(values).map((column) => `"${column}"`);
    const marks = columns.map(() => "?").join();
    to.prepare(`INSERT OR IGNORE INTO ${name} (${columns.join()}) VALUES (${marks})`).run(...Object.values(values));
    rows += 1;
  }
  /** Keeps all rows from here to the first that can't be read. @returns the number that is next then; undefined at the end */
  function keepFrom(start: bigint): bigint | undefined {
    let next = start;
    try {
      for (const row of read.iterate(start) as IterableIterator<Row>) {
        // A broken page may name any number: only what goes on in order is a row.
        if (row.row < next || row.row > LAST) return next;
        keep(row);
        next = row.row + 1n;
      }
      return undefined;
    } catch {
      const row = numberFrom(next);
      return typeof row === "bigint" ? row : next;
    }
  }
  /** Number of the first row from here; undefined behind the last row, false where the pages are unreadable. */
  function numberFrom(at: bigint): bigint | undefined | false {
    try {
      const row = (first.get(at) as { row: bigint } | undefined)?.row;
      return row === undefined || (row >= at && row <= LAST) ? row : false;
    } catch {
      return false;
    }
  }
  const leadsOn = (at: bigint): boolean => numberFrom(at) !== false;
  /** The first number behind a broken place from which rows can be read again; undefined where there is none. */
  function behind(broken: bigint): bigint | undefined {
    let bad = broken;
    let good: bigint | undefined;
    for (let step = 1n; good === undefined && broken + step <= LAST; step *= 2n)
      if (leadsOn(broken + step)) good = broken + step;
      else bad = broken + step;
    const end = good ?? bad;
    for (let nth = 1n; nth < TRIES; nth += 1n) {
      const at = broken + ((end - broken) * nth) / TRIES;
      if (at <= broken || !leadsOn(at)) continue;
      good = at;
      bad = broken + ((end - broken) * (nth - 1n)) / TRIES;
      break;
    }
    const most = good ?? LAST;
    const hint = hints().find((number) => number > broken && number < most && leadsOn(number));
    if (hint !== undefined) [good, bad] = [hint, broken];
    if (good === undefined) return undefined;
    while (good - bad > 1n) {
      const middle: bigint = bad + (good - bad) / 2n;
      if (leadsOn(middle)) good = middle;
      else bad = middle;
    }
    return good;
  }
  let start: bigint | undefined = 0n;
  while (start !== undefined) {
    const broken = keepFrom(start);
    if (broken === undefined) break;
    start = unread.length < PLACES ? behind(broken) : undefined;
    unread.push({ from: broken, to: start === undefined ? LAST : start - 1n });
  }
  return { table, rows, unread };
}
