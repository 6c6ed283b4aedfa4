import { existsSync, readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type Salvaged, salvage } from "./salvage.ts";
import { StartError } from "./startError.ts";

/** Whether a SQLite file of the state can be trusted: asked before it is opened for good. */
export interface Kept {
  /** What the file holds, as a line for the person watching begins. @example "the queues" */
  readonly what: string;
  /** What it means to go on without its content. */
  readonly withoutIt: string;
  /** Whether the good rows go on without the damaged ones: each row shows by itself whether it is whole. */
  readonly row?: string;
  log(line: string): void;
}

/** A check of every page of a file up to this size takes part of a second. */
const CHECKED_BYTES = 256 * 1024 * 1024;
/** Of SQLite's result codes, those that mean damage: CORRUPT, NOTADB. Source: sqlite.org/rescode.html. */
const DAMAGE = new Set([11, 26]);

/**
 * Reports how much is missing at the end of the file's log, and refuses a file whose structure is broken.
 * @throws StartError with the file and what to do
 */
export function checkDatabase(path: string, kept: Kept): void {
  const { what, withoutIt, log } = kept;
  if (!existsSync(path)) return;
  const lost = damagedLogBytes(`${path}-wal`);
  if (lost > 0)
    log(
      `${what}: the last ${lost} bytes of ${path}-wal can't be read and are passed over; if more than the last moment is in them, put back a copy, or else ${withoutIt}`,
    );
  const db = new DatabaseSync(path);
  let broken: Error | undefined;
  try {
    // Reading any page tells whether it is a database at all.
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    if (statSync(path).size > CHECKED_BYTES) return;
    const found = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (found.quick_check !== "ok")
      throw Object.assign(new Error(found.quick_check.split("\n").at(-1)), { errcode: 11 });
  } catch (cause) {
    if (!DAMAGE.has(((cause as { errcode?: number }).errcode ?? 0) & 0xff)) throw cause;
    broken = cause as Error;
  } finally {
    db.close();
  }
  if (broken === undefined) return;
  const salvaged = kept.row === undefined ? undefined : salvage(path);
  if (salvaged !== undefined) {
    log(toldOf(path, kept, broken, salvaged));
    return;
  }
  throw new StartError(
    `${path}, which holds ${what}, is damaged: ${broken.message}.\nPut back a copy of it if there is one. Or move it away, with the -wal beside it, and start again: this part of the state begins empty then, and ${withoutIt}.`,
    { cause: broken },
  );
}

/** Which parts of a damaged file are kept and which are dropped, and what to do about it. */
function toldOf(path: string, { what, withoutIt, row = "rows" }: Kept, cause: Error, salvaged: readonly Salvaged[]) {
  const kept = salvaged.reduce((sum, { rows }) => sum + rows, 0);
  const places = salvaged.flatMap(({ table, unread }) => unread.map(({ from, to }) => `${table} ${from} to ${to}`));
  const dropped =
    places.length === 0
      ? "none is known to be missing"
      : `what was in ${places.length === 1 ? "this range" : "these ranges"} of row numbers can't be read: ${places.slice(0, MOST_PLACES).join(", ")}${places.length > MOST_PLACES ? " and more" : ""}`;
  return `${what}: ${path} is damaged (${cause.message}); ${kept} ${row} could be read and go on, ${dropped}. The damaged file is kept as ${path}.damaged: put back a copy if there is one; without what is missing, ${withoutIt}`;
}

const MOST_PLACES = 20;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const swap = (word: number): number =>
  (word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24);
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * How many bytes of a write-ahead log were written in its latest generation and can't be read. What lies behind the valid frames is of an
 * earlier generation and no longer counts; a frame of the latest one with a wrong checksum, or a part of one, is damage, or a
 * write that a kill cut off. Source: sqlite.org/fileformat2.html, "The Write-Ahead Log".
 */
export function damagedLogBytes(path: string): number {
  if (!existsSync(path)) return 0;
  if (statSync(path).size > CHECKED_BYTES) return 0;
  const bytes = readFileSync(path);
  if (bytes.length < HEADER_BYTES) return bytes.length;
  const bigEndian = (bytes.readUInt32BE(0) & 1) === 1;
  const frameBytes = FRAME_HEADER_BYTES + bytes.readUInt32BE(8);
  const salts = bytes.subarray(16, 24);
  // Frames begin at multiples of eight bytes. Words in the other order than this machine's are turned one by one.
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const turned = bigEndian === LITTLE_ENDIAN;
  const word = (at: number): number => (turned ? swap(words[at]!) : words[at]!);
  const sum = (from: number, to: number, before: readonly [number, number]): [number, number] => {
    let [a, b] = before;
    for (let at = from >>> 2; at < to >>> 2; at += 2) {
      a = (a + word(at) + b) | 0;
      b = (b + word(at + 1) + a) | 0;
    }
    return [a >>> 0, b >>> 0];
  };
  const holds = (at: number, [a, b]: readonly [number, number]) =>
    bytes.readUInt32BE(at) === a && bytes.readUInt32BE(at + 4) === b;
  let running = sum(0, 24, [0, 0]);
  if (!holds(24, running)) return bytes.length;
  let at = HEADER_BYTES;
  const latest = (frame: number) =>
    frame + FRAME_HEADER_BYTES <= bytes.length && bytes.subarray(frame + 8, frame + 16).equals(salts);
  while (at + frameBytes <= bytes.length && latest(at)) {
    running = sum(at, at + 8, running);
    running = sum(at + FRAME_HEADER_BYTES, at + frameBytes, running);
    if (!holds(at + 16, running)) break;
    at += frameBytes;
  }
  let end = at;
  for (let frame = at; frame < bytes.length; frame += frameBytes)
    if (latest(frame)) end = Math.min(frame + frameBytes, bytes.length);
  return end - at;
}
