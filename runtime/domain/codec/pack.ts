import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CodecError } from "./codecError.ts";

/**
 * The packed form of a request's events: one zstd frame (with checksum) over
 *   varint count, count x varint byte length, the raw JSON bytes of each event in order.
 * It is made once at ingest and carried unchanged through queue, table and delivery.
 */

const LEVEL = 1;
const MAX_UNPACKED = 2_000_000;

const varintLength = (n: number): number => (n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x200000 ? 3 : 4);

function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value;
  let position = at;
  while (rest >= 0x80) {
    target[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[position++] = rest;
  return position;
}

/** Packs the raw JSON bytes of 1 to 1,000 events. */
export function pack(events: readonly Uint8Array[]): Buffer {
  let size = varintLength(events.length);
  for (const event of events) size += varintLength(event.length) + event.length;
  const plain = Buffer.allocUnsafe(size);
  let at = writeVarint(plain, 0, events.length);
  for (const event of events) at = writeVarint(plain, at, event.length);
  for (const event of events) {
    plain.set(event, at);
    at += event.length;
  }
  return zstdCompressSync(plain, {
    // With the size known, zstd begins with tables that fit it. Otherwise it prepares for a long text.
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The events' raw bytes, as views on one buffer. @throws CodecError `corrupt` when it is not a pack */
export function unpack(packed: Uint8Array): Buffer[] {
  let plain: Buffer;
  try {
    plain = zstdDecompressSync(packed, { maxOutputLength: MAX_UNPACKED });
  } catch (cause) {
    throw new CodecError("corrupt", "the packed events are not a whole zstd frame", { cause });
  }
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = plain[at++];
      if (byte === undefined) throw new CodecError("corrupt", "the packed events end inside a length");
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new CodecError("corrupt", "a length in the packed events is too long");
  };
  const count = varint();
  if (count > plain.length) throw new CodecError("corrupt", "the packed events count more than they hold");
  const lengths: number[] = [];
  for (let i = 0; i < count; i += 1) lengths.push(varint());
  const events = lengths.map((length) => {
    if (at + length > plain.length) throw new CodecError("corrupt", "the packed events end inside an event");
    const event = plain.subarray(at, at + length);
    at += length;
    return event;
  });
  if (at !== plain.length) throw new CodecError("corrupt", "the packed events hold more than they count");
  return events;
}
