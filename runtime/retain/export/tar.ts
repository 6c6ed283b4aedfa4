/**
 * Just enough of the tar format (POSIX ustar) to write files of a known size: headers, padding, and the end.
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
 */
import type { Seconds } from "../../domain/time.ts";

const BLOCK = 512;
/** Eleven octal digits. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

/** Bytes that fill up a file's last block. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** What follows the last file. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

/** @param name at most 100 ASCII characters @param size bytes of the file @param modified seconds since the epoch */
export function tarHeader(name: string, size: number, modified: Seconds): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, "ascii");
  header.write(name, 0, 100, "ascii");
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  if (size <= MAX_OCTAL_SIZE) octal(size, 124, 12);
  else {
    // Base 256, marked by the first bit, as GNU tar and its readers have it for large files.
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(modified, 136, 12);
  header.fill(" ", 148, 156);
  header.write("0", 156, "ascii");
  header.write("ustar\0" + "00", 257, "ascii");
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "ascii");
  return header;
}
