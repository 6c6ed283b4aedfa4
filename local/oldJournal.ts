import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/**
 * The journals of state version 1: records of a length, a CRC-32 and a payload, in segments. They are read once, into the files
 * that hold the state now. A record that can't be read is passed over, and the next good one is looked for.
 */
const HEADER_BYTES = 8;

export interface OldJournal {
  /** Payloads in the order of writing. */
  readonly records: readonly Buffer[];
  /** Bytes that hold no record. */
  readonly damagedBytes: number;
  /** Forgets the journal, once its content has been taken over. */
  remove(): void;
}

/** @returns undefined when the folder holds no journal */
export function readOldJournal(folder: string): OldJournal | undefined {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d{8}\.log$/.test(name)) : [];
  if (names.length === 0) return undefined;
  const records: Buffer[] = [];
  let damagedBytes = 0;
  for (const name of names.sort()) {
    const bytes = readFileSync(join(folder, name));
    for (let at = 0; at < bytes.length; ) {
      const payload = recordAt(bytes, at);
      if (payload === undefined) {
        damagedBytes += 1;
        at += 1;
      } else {
        records.push(payload);
        at += HEADER_BYTES + payload.length;
      }
    }
  }
  const remove = () => {
    for (const name of names) rmSync(join(folder, name));
  };
  return { records, damagedBytes, remove };
}

function recordAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + HEADER_BYTES + length;
  if (length === 0 || end > bytes.length) return undefined;
  const payload = bytes.subarray(at + HEADER_BYTES, end);
  return crc32(payload) === bytes.readUInt32LE(at + 4) ? payload : undefined;
}

/** Tells what a journal has lost. @param what it holds, as the line begins */
export function sayDamage(what: string, { damagedBytes }: OldJournal, log: (line: string) => void): void {
  if (damagedBytes > 0)
    log(
      `${what}: ${damagedBytes} bytes of its journal could not be read and are passed over; events that were routed before are in the archive, and "put_back" brings them back from there`,
    );
}
