import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writevSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/**
 * An append-only log in segments. Invariant: a record whose `flushed()` promise has resolved is in the operating system's hands,
 * so a SIGKILL cannot take it back; a record cut off by one is recognised by its checksum and dropped at the next opening.
 * Records of one turn of the event loop are written together (group commit). Segments leave from the oldest on only, so that
 * a record that cancels an earlier one never leaves before it.
 */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Length of the payload, CRC-32 of the payload, both little endian. */
const HEADER_BYTES = 8;

/** Where a payload lies. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

export class Journal {
  readonly #folder: string;
  #files = new Map<number, { descriptor: number; size: number }>();
  #current = 0;
  #kept = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flush: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Reads every record in the order of writing, then stands ready to append. Payloads are views: copy what is kept. */
  open(record: (payload: Buffer, place: Place) => void): void {
    const numbers = readdirSync(this.#folder)
      .filter((name) => /^\d+\.log$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
    for (const number of numbers) {
      const bytes = readFileSync(this.#path(number));
      let at = 0;
      while (at + HEADER_BYTES <= bytes.length) {
        const length = bytes.readUInt32LE(at);
        const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
        if (payload.length < length || crc32(payload) !== bytes.readUInt32LE(at + 4)) break;
        record(payload, { segment: number, offset: at + HEADER_BYTES, length });
        at += HEADER_BYTES + length;
      }
      if (at < bytes.length) truncateSync(this.#path(number), at);
      this.#files.set(number, { descriptor: openSync(this.#path(number), "a+"), size: at });
    }
    this.#current = numbers.at(-1) ?? 0;
    if (numbers.length === 0) this.#begin(0);
  }

  /** Adds one record; it is written before this turn of the event loop ends. The parts are kept by reference until then. */
  append(...parts: readonly Uint8Array[]): Place {
    let length = 0;
    let checksum = 0;
    for (const part of parts) {
      length += part.length;
      checksum = crc32(part, checksum);
    }
    if (this.#size() > SEGMENT_BYTES) {
      this.#write();
      this.#begin(this.#current + 1);
    }
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32LE(length, 0);
    header.writeUInt32LE(checksum, 4);
    const place = { segment: this.#current, offset: this.#size() + HEADER_BYTES, length };
    this.#pending.push(header, ...parts);
    this.#pendingBytes += HEADER_BYTES + length;
    this.#flush ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#flush = undefined;
        try {
          this.#write();
          resolve();
        } catch (cause) {
          reject(cause);
        }
      });
    });
    return place;
  }

  /** Resolves when everything appended so far has been written. @throws the file system's error, such as a full disk */
  flushed(): Promise<void> {
    return this.#flush ?? Promise.resolve();
  }

  read(place: Place): Buffer {
    if (this.#pending.length > 0) this.#write();
    const bytes = Buffer.allocUnsafe(place.length);
    readSync(this.#files.get(place.segment)!.descriptor, bytes, 0, place.length, place.offset);
    return bytes;
  }

  get bytes(): number {
    let sum = this.#pendingBytes;
    for (const file of this.#files.values()) sum += file.size;
    return sum;
  }

  /** The oldest segment, or undefined while there is only the one being written. */
  oldest(): number | undefined {
    const first = this.#files.keys().next().value;
    return first === this.#current ? undefined : first;
  }

  /** Forgets the oldest segment. The caller has appended again whatever in it still counts. */
  dropOldest(): void {
    const oldest = this.oldest();
    if (oldest === undefined) return;
    this.#write();
    closeSync(this.#files.get(oldest)!.descriptor);
    this.#files.delete(oldest);
    rmSync(this.#path(oldest));
  }

  /** Begins a new segment: what is appended from here on stays when `dropBefore` drops all older ones. */
  roll(): void {
    this.#write();
    this.#begin(this.#current + 1);
    this.#kept = this.#current;
  }

  /** Forgets everything from before the last `roll`. What came after it is written first. */
  dropBefore(): void {
    this.#write();
    for (let oldest = this.oldest(); oldest !== undefined && oldest < this.#kept; oldest = this.oldest())
      this.dropOldest();
  }

  /** Forgets every record. */
  clear(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    this.roll();
    this.dropBefore();
  }

  close(): void {
    this.#write();
    for (const file of this.#files.values()) closeSync(file.descriptor);
    this.#files.clear();
  }

  #size(): number {
    return (this.#files.get(this.#current)?.size ?? 0) + this.#pendingBytes;
  }

  #write(): void {
    const file = this.#files.get(this.#current);
    if (file === undefined || this.#pending.length === 0) return;
    const parts = this.#pending;
    const bytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    for (let at = 0; at < parts.length; at += 1000) {
      const some = parts.slice(at, at + 1000);
      const expected = some.reduce((sum, part) => sum + part.length, 0);
      const written = writevSync(file.descriptor, some);
      if (written !== expected) throw new Error(`wrote ${written} of ${expected} bytes to ${this.#folder}`);
    }
    file.size += bytes;
  }

  #begin(number: number): void {
    this.#current = number;
    this.#files.set(number, { descriptor: openSync(this.#path(number), "a+"), size: 0 });
  }

  #path(number: number): string {
    return join(this.#folder, `${String(number).padStart(8, "0")}.log`);
  }
}
