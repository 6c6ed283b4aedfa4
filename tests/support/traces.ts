import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** Base64 of at least what a short value takes, as queues and tables keep packed events. */
const BASE64 = /[A-Za-z0-9+/]{24,}={0,2}/g;
const GZIP = Buffer.from([0x1f, 0x8b, 0x08]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const MAX_DEPTH = 4;

function* unpacked(bytes: Buffer, magic: Buffer, unpack: (from: Buffer) => Buffer): Generator<Buffer> {
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    try {
      yield unpack(bytes.subarray(at));
    } catch {
      // Bytes that only look like the beginning of something packed.
    }
  }
}

/** Whether the bytes hold one of the texts, as they are or in base64, gzip or zstd within one another. */
function holds(bytes: Buffer, texts: readonly string[], depth = 0): boolean {
  if (texts.some((text) => bytes.includes(text))) return true;
  if (depth === MAX_DEPTH) return false;
  const inner = [
    ...unpacked(bytes, GZIP, (from) => gunzipSync(from)),
    ...unpacked(bytes, ZSTD, (from) => zstdDecompressSync(from)),
  ];
  for (const [run] of bytes.toString("latin1").matchAll(BASE64)) inner.push(Buffer.from(run, "base64"));
  return inner.some((each) => holds(each, texts, depth + 1));
}

/**
 * The files of a state folder in which one of the texts is found, by their place in it. Files of PostgreSQL are searched
 * as they are: nothing in them is packed.
 */
export function tracesIn(folder: string, texts: readonly string[]): string[] {
  return globSync("**/*", { cwd: folder })
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true)
    .filter((name) => holds(readFileSync(join(folder, name)), texts, name.startsWith("rds") ? MAX_DEPTH : 0))
    .sort();
}
