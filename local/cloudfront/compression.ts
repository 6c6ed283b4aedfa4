/** Compression at the edge. Source: CloudFront Developer Guide, "Serve compressed files". */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { LRUCache } from "lru-cache";
import { defined } from "../../runtime/domain/defined.ts";
import type { GeneratedResponse } from "./viewerFunction.ts";

/** Of the types that CloudFront compresses, those that a bucket of pages may hold. */
const COMPRESSED =
  /^(text\/(css|html|javascript|plain|xml)|application\/(javascript|json|manifest\+json|xml|wasm|font-woff)|image\/svg\+xml|font\/(ttf|otf))/;
const LEAST_BYTES = 1_000;
const MOST_BYTES = 10_000_000;

/** What was compressed, by what it is and how. */
const made = new LRUCache<string, Buffer>({
  maxSize: 64_000_000,
  sizeCalculation: ({ length }) => Math.max(1, length),
});

/** @param accepts the viewer's `Accept-Encoding` */
export function compressed(answer: GeneratedResponse, accepts: string | undefined): GeneratedResponse {
  const { headers, body, status } = answer;
  const size = Buffer.byteLength(body);
  const etag = headers.etag;
  const can = COMPRESSED.test(headers["content-type"] ?? "") && size >= LEAST_BYTES && size <= MOST_BYTES;
  if (status !== 200 || !can || headers["content-encoding"] !== undefined) return answer;
  const coding = (["br", "gzip"] as const).find((each) => new RegExp(`\\b${each}\\b`).test(accepts ?? ""));
  if (coding === undefined) return answer;
  const key = `${coding} ${etag}`;
  const known = etag === undefined ? undefined : made.get(key);
  const bytes = Buffer.from(body);
  const packed =
    known ??
    (coding === "br"
      ? brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
      : gzipSync(bytes));
  if (etag !== undefined) made.set(key, packed);
  // The tag is of the object as it is: CloudFront makes it a weak one.
  const weak = etag === undefined || etag.startsWith("W/") ? etag : `W/${etag}`;
  return {
    status,
    headers: {
      ...headers,
      "content-encoding": coding,
      vary: "Accept-Encoding",
      ...defined({ etag: weak }),
    },
    body: packed,
  };
}
