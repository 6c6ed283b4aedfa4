import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { TriggersError } from "../errors/errors.ts";

/** Bytes of a request body, encoded and decoded alike. */
export const MAX_BODY_BYTES = 1_000_000;

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json[ \t]*(?:;|$)/i;

/** Whether a body of this `Content-Type` counts as JSON; a missing one does. */
export const isJsonType = (contentType: string | undefined): boolean =>
  contentType === undefined || contentType === "" || JSON_TYPE.test(contentType);

export const tooLarge = (limit = MAX_BODY_BYTES): TriggersError =>
  new TriggersError(
    "payload_too_large",
    `The body exceeds ${limit.toLocaleString("en")} bytes. Split it over several requests.`,
  );

/** What a header value looks like in a message: bounded and printable. */
const shown = (value: string): string => JSON.stringify(value.slice(0, 100));

/** @throws TriggersError `unsupported_media_type` */
export function checkMediaType(contentType: string | undefined): void {
  if (isJsonType(contentType)) return;
  throw new TriggersError(
    "unsupported_media_type",
    `Content-Type must be application/json, not ${shown(contentType!)}.`,
    { headers: { accept: "application/json" } },
  );
}

/** What `Content-Encoding` may name (RFC 9110, 8.4.1: `x-gzip` is gzip). */
const DECODERS: ReadonlyMap<string, (bytes: Buffer, limit: number) => Buffer> = new Map([
  ["", (bytes) => bytes],
  ["identity", (bytes) => bytes],
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["zstd", unzstd],
]);

/**
 * The body's bytes, decompressed: all members of gzip and all frames of zstd, up to the last byte. Never inflated past the
 * limit. @param limit bytes, encoded and decoded alike
 * @throws TriggersError `payload_too_large`, `unsupported_media_type` (another encoding), `invalid_json` (damaged)
 */
export function decodeBody(bytes: Buffer, contentEncoding: string | undefined, limit = MAX_BODY_BYTES): Buffer {
  if (bytes.length > limit) throw tooLarge(limit);
  const encoding = contentEncoding?.trim().toLowerCase() ?? "";
  const decode = DECODERS.get(encoding);
  if (decode === undefined) {
    throw new TriggersError(
      "unsupported_media_type",
      `Content-Encoding must be gzip, zstd or identity, not ${shown(encoding)}.`,
      { headers: { "accept-encoding": "gzip, zstd, identity" } },
    );
  }
  try {
    return decode(bytes, limit);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limit);
    throw new TriggersError("invalid_json", `The body is not ${encoding}.`, { cause });
  }
}

/** What zlib answers when asked for `info`: its types have the buffer only. */
interface Decoded {
  readonly buffer: Buffer;
  /** Bytes of the input that it took. */
  readonly engine: { readonly bytesWritten: number };
}

/** zlib reads members one after the other, and overlooks zeros behind them. */
function gunzip(bytes: Buffer, limit: number): Buffer {
  const { buffer, engine } = gunzipSync(bytes, { maxOutputLength: limit, info: true }) as unknown as Decoded;
  if (engine.bytesWritten < bytes.length) throw new RangeError("something follows the last member");
  return buffer;
}

/** A frame costs a decoder of its own, so a body of nothing but frames would cost seconds. */
const MAX_FRAMES = 100;
/** Bytes of a skippable frame before its content: magic number and length (RFC 8878, 3.1.2). */
const SKIPPABLE_HEAD = 8;

/** zlib decodes the first frame alone, and takes a skippable one for an empty text. */
function unzstd(bytes: Buffer, limit: number): Buffer {
  const parts: Buffer[] = [];
  let left = limit;
  let rest = bytes;
  for (let frames = 0; rest.length > 0; frames += 1) {
    if (frames === MAX_FRAMES) throw new RangeError(`more than ${MAX_FRAMES} frames`);
    const skipped = skippable(rest);
    if (skipped !== undefined) {
      rest = rest.subarray(skipped);
      continue;
    }
    const decoded = zstdDecompressSync(rest, { maxOutputLength: Math.max(1, left), info: true });
    const { buffer, engine } = decoded as unknown as Decoded;
    if (buffer.length > left) throw tooLarge(limit);
    parts.push(buffer);
    left -= buffer.length;
    rest = rest.subarray(engine.bytesWritten);
  }
  if (parts.length === 0) throw new RangeError("no frame");
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Length of the skippable frame that the bytes begin with; undefined when it is another. */
function skippable(bytes: Buffer): number | undefined {
  if (bytes.length < SKIPPABLE_HEAD || bytes.readUInt32LE(0) >>> 4 !== 0x184d2a5) return undefined;
  const length = SKIPPABLE_HEAD + bytes.readUInt32LE(4);
  if (length > bytes.length) throw new RangeError("the text ends inside a skippable frame");
  return length;
}
