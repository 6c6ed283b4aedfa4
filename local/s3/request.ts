import { createHash } from "node:crypto";
import { byName } from "../byName.ts";
import { type ApiCall, ServiceError } from "../service.ts";
import { crc32Base64 } from "./store.ts";

/** An S3 call taken apart: which bucket and key, by path (`/bucket/key`) or by host (`bucket.localhost`). */
export interface S3Request {
  readonly method: string;
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: ApiCall["headers"];
  readonly body: Buffer;
}

export const refuse = (code: string, message: string, status = 400): ServiceError =>
  new ServiceError(code, message, status);

/** The part of the host in front of `localhost` or of the endpoint's own host. */
function bucketOfHost(host: string | undefined): string | undefined {
  const name = (host ?? "").replace(/:\d+$/, "");
  return /^(.+)\.(localhost|s3\.[a-z0-9-]+\.amazonaws\.com|s3\.amazonaws\.com)$/.exec(name)?.[1];
}

export function readRequest(call: ApiCall): S3Request {
  // Not by `URL`, which would fold "." and ".." in keys.
  const question = call.url.indexOf("?");
  const path = decodeURIComponent(question < 0 ? call.url : call.url.slice(0, question)).slice(1);
  const query = new URLSearchParams(question < 0 ? "" : call.url.slice(question));
  const ofHost = bucketOfHost(call.headers.host);
  const end = path.indexOf("/");
  const bucket = ofHost ?? (end < 0 ? path : path.slice(0, end));
  const key = ofHost === undefined ? (end < 0 ? "" : path.slice(end + 1)) : path;
  return { method: call.method, bucket, key, query, headers: call.headers, body: call.body };
}

/**
 * The bytes to store: chunked framing removed, checksums verified.
 * @throws ServiceError `BadDigest`, `IncompleteBody` or `NotImplemented` for a checksum algorithm that is not known
 */
export function readBody({ headers, body }: S3Request): Buffer {
  let trailers: Record<string, string | undefined> = {};
  let bytes = body;
  if ((headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-")) {
    const decoded = decodeChunks(body);
    bytes = decoded.body;
    trailers = decoded.trailers;
    const expected = headers["x-amz-decoded-content-length"];
    if (expected !== undefined && Number(expected) !== bytes.length)
      throw refuse("IncompleteBody", "The request body terminated unexpectedly.");
  }
  const md5 = headers["content-md5"];
  if (md5 !== undefined && md5 !== createHash("md5").update(bytes).digest("base64"))
    throw refuse("BadDigest", "The Content-MD5 you specified did not match what we received.");
  for (const [name, value] of Object.entries({ ...headers, ...trailers })) {
    const algorithm = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.exec(name)?.[1];
    if (algorithm === undefined || value === undefined) continue;
    if (algorithm === "crc32c" || algorithm === "crc64nvme")
      throw refuse("NotImplemented", `The local platform does not verify ${name}.`, 501);
    const actual = algorithm === "crc32" ? crc32Base64(bytes) : createHash(algorithm).update(bytes).digest("base64");
    if (actual !== value)
      throw refuse("BadDigest", `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`);
  }
  return bytes;
}

/** `aws-chunked`: `<hex length>[;signature]\r\n<bytes>\r\n` …, then trailers. */
function decodeChunks(framed: Buffer): { body: Buffer; trailers: Record<string, string> } {
  const parts: Buffer[] = [];
  const trailers: Record<string, string> = byName();
  let at = 0;
  for (;;) {
    const end = framed.indexOf("\r\n", at);
    if (end < 0) throw refuse("IncompleteBody", "The request body terminated unexpectedly.");
    const length = Number.parseInt(framed.toString("latin1", at, end), 16);
    at = end + 2;
    if (!Number.isFinite(length) || at + length > framed.length)
      throw refuse("IncompleteBody", "The request body terminated unexpectedly.");
    if (length === 0) break;
    parts.push(framed.subarray(at, at + length));
    at += length + 2;
  }
  for (const line of framed.toString("latin1", at).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { body: Buffer.concat(parts), trailers };
}

/** Headers of the request that are stored and returned with the object. */
export function storedHeaders(headers: ApiCall["headers"]): Record<string, string> {
  const kept: Record<string, string> = { "content-type": headers["content-type"] ?? "binary/octet-stream" };
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (
      /^(cache-control|content-disposition|content-language|expires|x-amz-meta-.+|x-amz-tagging|x-amz-server-side-encryption.*)$/.test(
        name,
      )
    )
      kept[name] = value;
  }
  const encoding = (headers["content-encoding"] ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "" && one !== "aws-chunked");
  if (encoding.length > 0) kept["content-encoding"] = encoding.join(", ");
  return kept;
}
