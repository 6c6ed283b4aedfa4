import { randomBytes, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { constants, crc32, gzip } from "node:zlib";
import type { Clock } from "../clock.ts";
import type { DurableFile } from "../durable.ts";
import type { OldJournal } from "../oldJournal.ts";
import { ServiceError } from "../service.ts";
import type { StreamSettings } from "./declared.ts";
import { evaluatePrefix, formatTime } from "./prefix.ts";

/**
 * One delivery stream. Invariant: a record that was answered as taken is in the file until the object that holds it is in the
 * bucket; a crash between the two delivers it again, as Firehose may. Buffers hold numbers of records, not bytes.
 */
const compress = promisify(gzip);
const LEAST_BUFFER_MS = 1_000;
const RETRY_MS = 5_000;
/** Milliseconds that Firehose retries a delivery for before it gives the records up. */
const GIVE_UP_MS = 24 * 3_600_000;

/** The records of all streams that are not delivered yet. */
export const RECORDS =
  "CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, stream TEXT, at INTEGER, sum INTEGER, data BLOB)";

export const INSERT_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?, ?)";

interface Buffered {
  readonly seq: number;
  readonly at: number;
}

interface Partition {
  readonly keys: ReadonlyMap<string, string>;
  records: Buffered[];
  bytes: number;
  cancel(): void;
}

/** Where objects go. @throws when the bucket can't take it now */
export type PutObject = (bucket: string, key: string, body: Buffer, headers: Readonly<Record<string, string>>) => void;

/** The number of the next record, over all streams of a file. */
export interface Numbers {
  next: number;
}

export class DeliveryStream {
  settings: StreamSettings;
  /** Set by tests alone: the bucket takes nothing. */
  broken: { readonly giveUpAfterMs: number } | undefined;
  /** Records given up. */
  lost = 0;
  readonly #file: DurableFile;
  /** With its region. */
  readonly #name: string;
  readonly #numbers: Numbers;
  readonly #put: PutObject;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #partitions = new Map<string, Partition>();
  readonly #delivering = new Set<Promise<void>>();
  #waiting = 0;
  #closed = false;

  /** @param name with its region */
  constructor(
    settings: StreamSettings,
    { file, name, numbers }: { readonly file: DurableFile; readonly name: string; readonly numbers: Numbers },
    put: PutObject,
    clock: Clock,
    log: (line: string) => void,
  ) {
    this.settings = settings;
    this.#file = file;
    this.#name = name;
    this.#numbers = numbers;
    this.#put = put;
    this.#clock = clock;
    this.#log = log;
    const rows = file.all("SELECT seq, at, sum, data FROM records WHERE stream = ? ORDER BY seq", name);
    const found: { record: Buffered; data: Buffer }[] = [];
    let damaged = 0;
    for (const { seq, at, sum, data } of rows as IterableIterator<Row>) {
      numbers.next = Math.max(numbers.next, seq + 1);
      if (crc32(data) === sum) found.push({ record: { seq, at }, data: Buffer.from(data) });
      else damaged += 1;
    }
    for (const { record, data } of found) this.#buffer(record, data);
    if (damaged > 0)
      log(
        `stream ${settings.name}: ${damaged} damaged ${damaged === 1 ? "record" : "records"} in ${file.path} passed over; the hourly comparison of table and archive puts their events back`,
      );
  }

  /**
   * Resolves once the record is on disk.
   * @returns its id
   * @throws ServiceError `ServiceUnavailableException` when it can't be written
   */
  async take(data: Buffer): Promise<string> {
    const seq = this.#numbers.next++;
    const at = this.#clock.now();
    try {
      await this.#file.durable(() => this.#file.run(INSERT_RECORD, seq, this.#name, at, crc32(data), data));
    } catch (cause) {
      throw new ServiceError(
        "ServiceUnavailableException",
        `The stream can't be written: ${(cause as Error).message}`,
        503,
      );
    }
    this.#buffer({ seq, at }, data);
    return randomBytes(48).toString("base64");
  }

  /** Delivers everything that is buffered now. */
  async flush(): Promise<void> {
    for (const key of [...this.#partitions.keys()]) this.#begin(key);
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
  }

  /** Records that are buffered. */
  get buffered(): number {
    return this.#waiting;
  }

  /** Resolves when no delivery is under way. */
  async settled(): Promise<void> {
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#partitions.values()) cancel();
    await this.settled();
  }

  #buffer(record: Buffered, data: Buffer): void {
    this.#waiting += 1;
    const keys = this.#keysOf(data);
    const id = keys === undefined ? "\0failed" : JSON.stringify([...keys.values()]);
    let partition = this.#partitions.get(id);
    if (partition === undefined) {
      const due = record.at + Math.max(LEAST_BUFFER_MS, this.settings.bufferMs);
      partition = {
        keys: keys ?? new Map(),
        records: [],
        bytes: 0,
        cancel: this.#clock.at(due, () => this.#begin(id)),
      };
      this.#partitions.set(id, partition);
    }
    partition.records.push(record);
    partition.bytes += data.length;
    if (partition.bytes >= this.settings.bufferBytes) this.#begin(id);
  }

  /** Values of the partition keys, or undefined when the record does not give them all. */
  #keysOf(data: Buffer): Map<string, string> | undefined {
    const values = new Map<string, string>();
    if (this.settings.keys === undefined) return values;
    let parsed: unknown;
    for (const [name, path] of this.settings.keys) {
      let value: unknown = path.length === 1 ? leadingMember(data, path[0]!) : undefined;
      if (value === undefined) {
        try {
          parsed ??= JSON.parse(data.toString("utf8"));
        } catch {
          return undefined;
        }
        value = path.reduce<unknown>((at, member) => (at as Record<string, unknown> | null)?.[member], parsed);
      }
      if ((typeof value !== "string" && typeof value !== "number") || value === "") return undefined;
      values.set(name, String(value));
    }
    return values;
  }

  #begin(id: string): void {
    const partition = this.#partitions.get(id);
    if (partition === undefined || this.#closed) return;
    this.#partitions.delete(id);
    partition.cancel();
    const work = this.#deliver(partition, id === "\0failed").finally(() => this.#delivering.delete(work));
    this.#delivering.add(work);
  }

  async #deliver({ keys, records }: Partition, failed: boolean): Promise<void> {
    const { bucket, prefix, errorPrefix, delimiter, gzip: zipped, extension, name } = this.settings;
    const at = records[0]!.at;
    const values = { at, keys, random: () => randomUUID().slice(0, 11) };
    const folder = failed
      ? evaluatePrefix(errorPrefix, { ...values, errorType: "metadata-extraction-failed" })
      : evaluatePrefix(prefix, values);
    const key = `${folder}${name}-1-${formatTime("yyyy-MM-dd-HH-mm-ss", at)}-${randomUUID()}${failed ? "" : extension}`;
    const parts: Buffer[] = [];
    for (const record of records) {
      const data = this.#read(record);
      if (data === undefined) continue;
      parts.push(failed ? this.#complaint(record, data) : data);
      if (delimiter && !failed) parts.push(LINE_FEED);
    }
    const plain = Buffer.concat(parts);
    // The fastest level: on one machine the time is worth more than the bytes.
    const body = zipped && !failed ? await compress(plain, { level: constants.Z_BEST_SPEED }) : plain;
    const began = this.#clock.now();
    for (;;) {
      try {
        if (this.broken !== undefined) throw new Error("the bucket takes nothing");
        this.#put(bucket, key, body, { "content-type": "application/octet-stream" });
        break;
      } catch (thrown) {
        if (this.#closed) return;
        if (this.#clock.now() - began >= (this.broken?.giveUpAfterMs ?? GIVE_UP_MS)) {
          this.#log(`stream ${name}: ${records.length} records could not be delivered to ${bucket} and are lost`);
          this.lost += records.length;
          break;
        }
        this.#log(`stream ${name}: ${String((thrown as Error).message)}, trying again in ${RETRY_MS / 1000} s`);
        await new Promise<void>((resolve) => this.#clock.at(this.#clock.now() + RETRY_MS, resolve));
      }
    }
    this.#settle(records);
  }

  #complaint(record: Buffered, data: Buffer): Buffer {
    const now = this.#clock.now();
    return Buffer.from(
      `${JSON.stringify({
        attemptsMade: 1,
        arrivalTimestamp: record.at,
        errorCode: "DynamicPartitioning.MetadataExtractionFailed",
        errorMessage: "Partitioning key value is missing or the record is no JSON object.",
        attemptEndingTimestamp: now,
        rawData: data.toString("base64"),
      })}\n`,
    );
  }

  #read({ seq }: Buffered): Buffer | undefined {
    const row = this.#file.get("SELECT data FROM records WHERE seq = ?", seq) as Pick<Row, "data"> | undefined;
    return row === undefined ? undefined : Buffer.from(row.data);
  }

  #settle(records: readonly Buffered[]): void {
    this.#waiting -= records.length;
    this.#file.change(() => {
      for (const { seq } of records) this.#file.run("DELETE FROM records WHERE seq = ?", seq);
    });
  }
}

/** The records that a stream's journal of state version 1 holds. */
export function recordsOf(journal: OldJournal): readonly { readonly at: number; readonly data: Buffer }[] {
  const RECORD = 1;
  const HEAD_BYTES = 17;
  const found = new Map<number, { at: number; data: Buffer }>();
  for (const payload of journal.records) {
    if (payload[0] === RECORD)
      found.set(payload.readDoubleLE(1), { at: payload.readDoubleLE(9), data: payload.subarray(HEAD_BYTES) });
    else for (let at = 1; at < payload.length; at += 8) found.delete(payload.readDoubleLE(at));
  }
  return [...found.values()];
}

interface Row {
  readonly seq: number;
  readonly at: number;
  readonly sum: number;
  readonly data: Uint8Array;
}

const LINE_FEED = Buffer.from("\n");
const LOOKED_AT_BYTES = 512;

/**
 * A text member among the first, scalar members of a JSON object, without parsing the rest of a large record. That the rest is JSON
 * is then not checked.
 */
function leadingMember(data: Buffer, name: string): string | undefined {
  const head = data.toString("latin1", 0, LOOKED_AT_BYTES);
  const scalar = /\s*"((?:[^"\\])*)"\s*:\s*(?:"([^"\\]*)"|-?[\d.eE+-]+|true|false|null)\s*,/y;
  let at = /^\s*\{/.exec(head)?.[0].length;
  while (at !== undefined) {
    scalar.lastIndex = at;
    const match = scalar.exec(head);
    if (match === null) return undefined;
    if (match[1] === name) return match[2] === undefined ? undefined : Buffer.from(match[2], "latin1").toString("utf8");
    at = scalar.lastIndex;
  }
  return undefined;
}
