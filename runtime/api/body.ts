import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { TriggersError } from "../domain/errors.ts";
import { checkJson } from "../domain/jsonText.ts";

/** Bytes of a request body, encoded and decoded, unless a route says otherwise. */
export const MAX_BODY_BYTES = 1_000_000;
const MAX_DEPTH = 64;

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

const invalid = (message: string, path = "") =>
  new TriggersError("invalid_request", message, { details: [{ path, message }] });

/** @throws TriggersError `unsupported_media_type` unless JSON; a missing `Content-Type` counts as JSON */
export function checkMediaType(contentType: string | undefined): void {
  if (contentType === undefined || contentType === "" || JSON_TYPE.test(contentType)) return;
  throw new TriggersError("unsupported_media_type", `Content-Type must be application/json, not "${contentType}".`);
}

/** The decoded body. @throws TriggersError `unsupported_media_type`, `payload_too_large`, `invalid_request` */
export function decodeBody(bytes: Uint8Array, encoding: string | undefined, limit = MAX_BODY_BYTES): Uint8Array {
  const tooLarge = () =>
    new TriggersError("payload_too_large", `The body exceeds ${limit.toLocaleString("en")} bytes.`);
  if (bytes.length > limit) throw tooLarge();
  const name = (encoding ?? "identity").trim().toLowerCase();
  if (name === "" || name === "identity") return bytes;
  if (name !== "gzip" && name !== "zstd") {
    throw new TriggersError(
      "unsupported_media_type",
      `Content-Encoding must be gzip, zstd or identity, not "${name}".`,
    );
  }
  try {
    const options = { maxOutputLength: limit };
    return name === "gzip" ? gunzipSync(bytes, options) : zstdDecompressSync(bytes, options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new TriggersError("invalid_json", `The body is not ${name}.`, { cause });
  }
}

/** JSON of a management call. @throws TriggersError `invalid_json` with the position, `invalid_request` */
export function parseJson(bytes: Uint8Array): unknown {
  checkJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const text = new TextDecoder("utf-8").decode(bytes); // skips a byte order mark
  const value: unknown = JSON.parse(text);
  checkDepth(value);
  // PostgreSQL's text holds every character but this one.
  if (text.includes("\\u0000")) throw invalid("Strings may not contain the character U+0000.");
  return value;
}

function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw invalid(`The body is nested deeper than ${MAX_DEPTH} levels.`);
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
}
