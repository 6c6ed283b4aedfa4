import { randomBytes, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { Clock } from "../clock.ts";
import { Journal, type Place } from "../journal.ts";
import type { StreamSettings } from "./declared.ts";
import { evaluatePrefix, formatTime } from "./prefix.ts";

/**
 * One delivery stream. Invariant: a record that was answered as taken is in the journal until the object that holds it is in the
 * bucket; a crash between the two delivers it again, as Firehose may. Buffers hold places in the journal, not bytes.
 */
const compress = promisify(gzip);
const LEAST_BUFFER_MS = 1_000;
const RETRY_MS = 5_000;
/** Firehose keeps trying for so long and then gives the records up. */
const GIVE_UP_MS = 24 * 3_600_000;
const RECORD = 1;
const DELIVERED = 2;

interface Buffered {
  readonly seq: number;
  place: Place;
  readonly at: number;
}

interface Partition {
  readonly keys: ReadonlyMap<string, string>;
  records: Buffered[];
  bytes: number;
  cancel: () => void;
}

/** Where objects go. @throws when the bucket can't take it now */
export type PutObject = (bucket: string, key: string, body: Buffer, headers: Readonly<Record<string, string>>) => void;

const HEAD_BYTES = 17;

export class DeliveryStream {
  settings: StreamSettings;
  /** Set by tests alone: the bucket takes nothing. */
  broken: { readonly giveUpAfterMs: number } | undefined;
  /** Records given up. */
  lost = 0;
  readonly #journal: Journal;
  readonly #put: PutObject;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #partitions = new Map<string, Partition>();
  /** Records not delivered yet, by segment of the journal. */
  readonly #waiting = new Map<number, number>();
  readonly #delivering = new Set<Promise<void>>();
  #next: number;
  #closed = false;

  constructor(settings: StreamSettings, folder: string, put: PutObject, clock: Clock, log: (line: string) => void) {
    this.settings = settings;
    this.#put = put;
    this.#clock = clock;
    this.#log = log;
    this.#journal = new Journal(folder);
    const found = new Map<number, Buffered & { readonly data: Buffer }>();
    this.#next = 1;
    this.#journal.open((payload, place) => {
      if (payload[0] === RECORD) {
        const seq = payload.readDoubleLE(1);
        this.#next = Math.max(this.#next, seq + 1);
        found.set(seq, { seq, place, at: payload.readDoubleLE(9), data: payload.subarray(HEAD_BYTES) });
      } else for (let at = 1; at < payload.length; at += 8) found.delete(payload.readDoubleLE(at));
    });
    for (const { data, ...record } of found.values()) this.#buffer(record, data);
  }

  /** Resolves once the record cannot be lost. @returns its id */
  async take(data: Buffer): Promise<string> {
    const seq = this.#next++;
    const at = this.#clock.now();
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head[0] = RECORD;
    head.writeDoubleLE(seq, 1);
    head.writeDoubleLE(at, 9);
    this.#buffer({ seq, at, place: this.#journal.append(head, data) }, data);
    await this.#journal.flushed();
    return randomBytes(48).toString("base64");
  }

  /** Delivers everything that is buffered now. */
  async flush(): Promise<void> {
    for (const key of [...this.#partitions.keys()]) this.#begin(key);
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
  }

  /** Records that are buffered. */
  get buffered(): number {
    let sum = 0;
    for (const count of this.#waiting.values()) sum += count;
    return sum;
  }

  /** Writes what waits anew and drops the rest, the bytes of delivered records with it. */
  async scrub(): Promise<void> {
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
    this.#journal.roll();
    this.#waiting.clear();
    for (const { records } of this.#partitions.values()) {
      for (const record of records) {
        record.place = this.#journal.append(this.#journal.read(record.place));
        this.#waiting.set(record.place.segment, (this.#waiting.get(record.place.segment) ?? 0) + 1);
      }
    }
    this.#journal.dropBefore();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#partitions.values()) cancel();
    while (this.#delivering.size > 0) await Promise.all(this.#delivering);
    this.#journal.close();
  }

  #buffer(record: Buffered, data: Buffer): void {
    this.#waiting.set(record.place.segment, (this.#waiting.get(record.place.segment) ?? 0) + 1);
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
      const data = this.#journal.read(record.place).subarray(HEAD_BYTES);
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

  #settle(records: readonly Buffered[]): void {
    const done = Buffer.allocUnsafe(1 + 8 * records.length);
    done[0] = DELIVERED;
    records.forEach(({ seq, place }, i) => {
      done.writeDoubleLE(seq, 1 + 8 * i);
      this.#waiting.set(place.segment, this.#waiting.get(place.segment)! - 1);
    });
    this.#journal.append(done);
    for (
      let oldest = this.#journal.oldest();
      oldest !== undefined && (this.#waiting.get(oldest) ?? 0) === 0;
      oldest = this.#journal.oldest()
    ) {
      this.#waiting.delete(oldest);
      this.#journal.dropOldest();
    }
  }
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
