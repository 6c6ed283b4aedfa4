import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { TriggersError } from "./errors.ts";

/** Bytes of a request body, encoded and decoded alike. */
export const MAX_BODY_BYTES = 1_000_000;

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json[ \t]*(?:;|$)/i;

/** Whether a body of this `Content-Type` counts as JSON; a missing one does. */
export const isJsonType = (contentType: string | undefined): boolean =>
  contentType === undefined || contentType === "" || JSON_TYPE.test(contentType);

export const tooLarge = (): TriggersError =>
  new TriggersError("payload_too_large", "The body exceeds 1,000,000 bytes. Split it over several requests.");

/** What a header value looks like in a message: bounded and printable. */
const shown = (value: string): string => JSON.stringify(value.slice(0, 100));

/** @throws TriggersError `unsupported_media_type` */
export function checkMediaType(contentType: string | undefined): void {
  if (isJsonType(contentType)) return;
  throw new TriggersError(
    "unsupported_media_type",
    `Content-Type must be application/json, not ${shown(contentType!)}.`,
  );
}

/**
 * The body's bytes, decompressed. A compressed body is never inflated past the limit.
 * @throws TriggersError `payload_too_large`, `unsupported_media_type` (another encoding), `invalid_json` (damaged)
 */
export function decodeBody(bytes: Buffer, contentEncoding: string | undefined): Buffer {
  if (bytes.length > MAX_BODY_BYTES) throw tooLarge();
  const encoding = contentEncoding?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return bytes;
  if (encoding !== "gzip" && encoding !== "zstd") {
    throw new TriggersError(
      "unsupported_media_type",
      `Content-Encoding must be gzip, zstd or identity, not ${shown(encoding)}.`,
    );
  }
  try {
    const bound = { maxOutputLength: MAX_BODY_BYTES };
    return encoding === "gzip" ? gunzipSync(bytes, bound) : zstdDecompressSync(bytes, bound);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new TriggersError("invalid_json", `The body is not ${encoding}.`, { cause });
  }
}
