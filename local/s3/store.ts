import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { defined } from "../../runtime/domain/defined.ts";
import { inTransaction, statementsOf } from "../durable.ts";
import { checkDatabase } from "../integrity.ts";
import { ServiceError } from "../service.ts";

/**
 * Objects of all buckets: each body a file of its own, everything known about it a row in SQLite. Invariant: a row is committed only
 * after its file is written, and a file is removed only after its row, so that every row has its bytes after a SIGKILL. At worst
 * a file is left over, which the next opening removes.
 */
export interface ObjectInfo {
  readonly key: string;
  readonly version: string;
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** Headers to answer with: `content-type`, `content-encoding`, `x-amz-meta-…`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Base64 CRC-32 of the body, big endian. */
  readonly crc32: string;
  /** A delete marker: the key is gone, older versions are not. */
  readonly marker: boolean;
  /** Milliseconds since the epoch before which the version may not be deleted. */
  readonly lockedUntil?: number;
  readonly file: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly truncated: boolean;
}

interface Row {
  key: string;
  version: string;
  size: number;
  etag: string;
  modified: number;
  headers: string;
  crc32: string;
  marker: number;
  locked_until: number | null;
  file: string;
}

/** The version of objects in a bucket without versioning. */
const NULL_VERSION = "null";

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, version TEXT, seq INTEGER, size INTEGER, etag TEXT, modified INTEGER, headers TEXT, crc32 TEXT,
    marker INTEGER, locked_until INTEGER, file TEXT, current INTEGER, PRIMARY KEY (bucket, key, seq)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT, key TEXT, headers TEXT, started INTEGER);
  CREATE TABLE IF NOT EXISTS parts (upload TEXT, number INTEGER, etag TEXT, size INTEGER, file TEXT, PRIMARY KEY (upload, number));
`;

export const crc32Base64 = (body: Buffer): string => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString("base64");
};

const md5 = (body: Buffer): string => createHash("md5").update(body).digest("hex");

export class ObjectStore {
  readonly #folder: string;
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  readonly #prepare: ReturnType<typeof statementsOf>;
  /** Buckets with versioning enabled. */
  readonly #versioned = new Set<string>();
  readonly #buckets = new Set<string>();

  /** @param log told what of an earlier run can't be read @throws StartError when the index is damaged */
  constructor(folder: string, now: () => number, log: (line: string) => void = () => {}) {
    this.#folder = folder;
    this.#now = now;
    mkdirSync(join(folder, "objects"), { recursive: true });
    const index = join(folder, "index.sqlite");
    checkDatabase(index, {
      what: "the objects of all buckets",
      withoutIt:
        'the hourly comparison of table and archive, or { "op": "reconcile" } for older hours, writes the archive again',
      log,
    });
    this.#db = new DatabaseSync(index);
    this.#prepare = statementsOf(this.#db);
    this.#db.exec(SCHEMA);
  }

  addBucket(bucket: string): void {
    this.#buckets.add(bucket);
    mkdirSync(join(this.#folder, "objects", bucket), { recursive: true });
  }

  setVersioning(bucket: string, enabled: boolean): void {
    if (enabled) this.#versioned.add(bucket);
    else this.#versioned.delete(bucket);
  }

  has(bucket: string): boolean {
    return this.#buckets.has(bucket);
  }

  versioned(bucket: string): boolean {
    return this.#versioned.has(bucket);
  }

  buckets(): readonly string[] {
    return [...this.#buckets].sort();
  }

  put(
    bucket: string,
    key: string,
    body: Buffer,
    headers: Readonly<Record<string, string>> = {},
    more: { etag?: string; lockedUntil?: number } = {},
  ): ObjectInfo {
    const file = join(bucket, randomUUID());
    return this.#named(file, body, () =>
      this.#insert(bucket, {
        key,
        version: this.#versioned.has(bucket) ? randomBytes(16).toString("base64url") : NULL_VERSION,
        size: body.length,
        etag: more.etag ?? `"${md5(body)}"`,
        modified: this.#now(),
        headers,
        crc32: crc32Base64(body),
        marker: false,
        ...defined({ lockedUntil: more.lockedUntil }),
        file,
      }),
    );
  }

  /** Writes a file, then what names it; where either fails, on a full disk, nothing is left of it. */
  #named<T>(file: string, body: Buffer, name: () => T): T {
    try {
      writeFileSync(this.#path(file), body);
      return name();
    } catch (thrown) {
      rmSync(this.#path(file), { force: true });
      throw thrown;
    }
  }

  /** The current version, or the one named; a delete marker too. */
  find(bucket: string, key: string, version?: string): ObjectInfo | undefined {
    const row = (
      version === undefined
        ? this.#prepare("SELECT * FROM objects WHERE bucket = ? AND key = ? AND current = 1").get(bucket, key)
        : this.#prepare("SELECT * FROM objects WHERE bucket = ? AND key = ? AND version = ?").get(bucket, key, version)
    ) as Row | undefined;
    return row === undefined ? undefined : toInfo(row);
  }

  read(info: ObjectInfo): Buffer {
    return readFileSync(this.#path(info.file));
  }

  /** Current objects whose key begins with `prefix` and is above `after`, in the order of UTF-8 bytes. */
  list(bucket: string, prefix: string, after: string, limit: number): Page<ObjectInfo> {
    const rows = this.#prepare(
      "SELECT * FROM objects WHERE bucket = ? AND key >= ? AND key > ? AND (? = '' OR key < ?) AND current = 1 AND marker = 0 ORDER BY key LIMIT ?",
    ).all(bucket, prefix, after, prefix, endOf(prefix), limit + 1) as unknown as Row[];
    return { items: rows.slice(0, limit).map(toInfo), truncated: rows.length > limit };
  }

  /** Every version of the keys that begin with `prefix`, newest first within a key. */
  versions(bucket: string, prefix: string): readonly (ObjectInfo & { readonly latest: boolean })[] {
    const rows = this.#prepare(
      "SELECT * FROM objects WHERE bucket = ? AND key >= ? AND (? = '' OR key < ?) ORDER BY key, seq DESC",
    ).all(bucket, prefix, prefix, endOf(prefix)) as unknown as (Row & { current: number })[];
    return rows.map((row) => ({ ...toInfo(row), latest: row.current === 1 }));
  }

  /**
   * Deletes the current object (with versioning: hides it behind a marker), or the version named for good. Harmless when absent.
   * @throws ServiceError `AccessDenied` for a version that Object Lock still holds
   */
  delete(bucket: string, key: string, version?: string): { readonly marker: boolean; readonly version?: string } {
    if (version === undefined && this.#versioned.has(bucket)) {
      const info: ObjectInfo = {
        key,
        version: randomBytes(16).toString("base64url"),
        size: 0,
        etag: "",
        modified: this.#now(),
        headers: {},
        crc32: "",
        marker: true,
        file: "",
      };
      this.#insert(bucket, info);
      return { marker: true, version: info.version };
    }
    const found = this.find(bucket, key, version);
    if (found === undefined) return { marker: false };
    if (found.lockedUntil !== undefined && found.lockedUntil > this.#now())
      throw new ServiceError("AccessDenied", "Access Denied because object protected by object lock.", 403);
    inTransaction(this.#db, () => {
      this.#prepare("DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?").run(bucket, key, found.version);
      this.#prepare(
        "UPDATE objects SET current = 1 WHERE bucket = ? AND key = ? AND seq = (SELECT max(seq) FROM objects WHERE bucket = ? AND key = ?)",
      ).run(bucket, key, bucket, key);
    });
    if (found.file !== "") rmSync(this.#path(found.file), { force: true });
    return { marker: found.marker, version: found.version };
  }

  startUpload(bucket: string, key: string, headers: Readonly<Record<string, string>>): string {
    const id = randomBytes(24).toString("base64url");
    this.#prepare("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)").run(
      id,
      bucket,
      key,
      JSON.stringify(headers),
      this.#now(),
    );
    return id;
  }

  /** @throws ServiceError `NoSuchUpload` */
  upload(id: string, bucket: string, key: string): { readonly headers: Readonly<Record<string, string>> } {
    const row = this.#prepare("SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?").get(id, bucket, key) as
      | { headers: string }
      | undefined;
    if (row === undefined)
      throw new ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        404,
      );
    return { headers: JSON.parse(row.headers) as Record<string, string> };
  }

  putPart(upload: string, bucket: string, number: number, body: Buffer): string {
    const file = join(bucket, `part-${randomUUID()}`);
    const etag = `"${md5(body)}"`;
    const old = this.#prepare("SELECT file FROM parts WHERE upload = ? AND number = ?").get(upload, number) as
      | { file: string }
      | undefined;
    this.#named(file, body, () =>
      this.#prepare("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?)").run(upload, number, etag, body.length, file),
    );
    if (old !== undefined) rmSync(this.#path(old.file), { force: true });
    return etag;
  }

  parts(
    upload: string,
  ): readonly { readonly number: number; readonly etag: string; readonly size: number; readonly file: string }[] {
    return this.#prepare("SELECT number, etag, size, file FROM parts WHERE upload = ? ORDER BY number").all(
      upload,
    ) as never;
  }

  readPart(file: string): Buffer {
    return readFileSync(this.#path(file));
  }

  endUpload(upload: string): void {
    const files = this.parts(upload).map(({ file }) => file);
    inTransaction(this.#db, () => {
      this.#prepare("DELETE FROM parts WHERE upload = ?").run(upload);
      this.#prepare("DELETE FROM uploads WHERE id = ?").run(upload);
    });
    for (const file of files) rmSync(this.#path(file), { force: true });
  }

  /** Uploads begun before this time, milliseconds since the epoch. */
  staleUploads(bucket: string, before: number): readonly string[] {
    return (
      this.#prepare("SELECT id FROM uploads WHERE bucket = ? AND started < ?").all(bucket, before) as { id: string }[]
    ).map(({ id }) => id);
  }

  /** Leaves nothing of removed rows in the log; the files of removed objects are gone already. */
  scrub(): void {
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    this.#db.close();
  }

  #insert(bucket: string, info: ObjectInfo): ObjectInfo {
    let replaced: readonly string[] = [];
    inTransaction(this.#db, () => {
      // Without versioning a new object replaces the old one; versions from the time of versioning stay.
      const old = this.#prepare("SELECT file FROM objects WHERE bucket = ? AND key = ? AND version = ?").all(
        bucket,
        info.key,
        info.version,
      ) as { file: string }[];
      replaced = old.map(({ file }) => file);
      this.#prepare("DELETE FROM objects WHERE bucket = ? AND key = ? AND version = ?").run(
        bucket,
        info.key,
        info.version,
      );
      this.#prepare("UPDATE objects SET current = 0 WHERE bucket = ? AND key = ?").run(bucket, info.key);
      this.#prepare(
        "INSERT INTO objects VALUES (?, ?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM objects WHERE bucket = ? AND key = ?), ?, ?, ?, ?, ?, ?, ?, ?, 1)",
      ).run(
        bucket,
        info.key,
        info.version,
        bucket,
        info.key,
        info.size,
        info.etag,
        info.modified,
        JSON.stringify(info.headers),
        info.crc32,
        info.marker ? 1 : 0,
        info.lockedUntil ?? null,
        info.file,
      );
    });
    for (const file of replaced) if (file !== "") rmSync(this.#path(file), { force: true });
    return info;
  }

  #path(file: string): string {
    return join(this.#folder, "objects", file);
  }
}

/** The least text above every text that begins with `prefix`, good enough for keys without #x10FFFF. */
const endOf = (prefix: string): string => `${prefix}\u{10FFFF}`;

const toInfo = (row: Row): ObjectInfo => ({
  key: row.key,
  version: row.version,
  size: row.size,
  etag: row.etag,
  modified: row.modified,
  headers: JSON.parse(row.headers) as Record<string, string>,
  crc32: row.crc32,
  marker: row.marker === 1,
  ...(row.locked_until === null ? {} : { lockedUntil: row.locked_until }),
  file: row.file,
});
