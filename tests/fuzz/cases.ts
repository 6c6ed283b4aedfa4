import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Dice } from "./random.ts";

/** Random requests of `POST /events`: bodies grown from a corpus by mutation, headers from what breaks servers. */
export interface Case {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body before it was compressed; undefined when what was sent is no longer that. */
  readonly plain: Buffer | undefined;
}

const TOKENS = [
  ...'{}[],:"\\0123456789.eE+-truefalsn ',
  ...["\u0000", "\u001f", "\u007f", "\u0085", "\u2028", "\ufeff", "\ufffd", "é", "😀", "\r\n", "\t"],
  ...[
    '"a":',
    '"event_type":',
    '"__proto__":',
    '"constructor":',
    '"\\u0061":',
    "{}",
    "[]",
    "null",
    "1e999",
    "-0",
    "1.0e+05",
  ],
  ...[
    '"\\ud800"',
    '"\\udc00\\ud800"',
    "\\u0000",
    '{"a":1,"a":2}',
    "//",
    "/**/",
    "NaN",
    "Infinity",
    "'",
    "`",
    "<script>",
    "\\x41",
  ],
].map((token) => Buffer.from(token));
const BYTES = [0x00, 0x0a, 0x22, 0x5c, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xed, 0xef, 0xf4, 0xf5, 0xff];

/** Changes the bytes in one of the ways that find faults in parsers. */
function mutate(body: Buffer, dice: Dice, corpus: readonly Buffer[]): Buffer {
  const at = dice.below(body.length + 1);
  const upTo = Math.min(body.length, at + dice.below(8));
  switch (dice.below(8)) {
    case 0:
      return Buffer.concat([body.subarray(0, at), dice.pick(TOKENS), body.subarray(at)]);
    case 1:
      return Buffer.concat([body.subarray(0, at), dice.pick(TOKENS), body.subarray(upTo)]);
    case 2:
      return Buffer.concat([body.subarray(0, at), body.subarray(upTo)]);
    case 3: {
      const copy = Buffer.from(body);
      if (copy.length > 0) copy[at % copy.length] = dice.oneIn(2) ? dice.pick(BYTES) : dice.below(256);
      return copy;
    }
    case 4:
      return body.subarray(0, at);
    case 5:
      return Buffer.concat([body, body.subarray(at)]);
    case 6: {
      const other = dice.pick(corpus);
      const from = dice.below(other.length + 1);
      return Buffer.concat([body.subarray(0, at), other.subarray(from, from + dice.below(64))]);
    }
    default:
      return Buffer.concat([Buffer.from("["), body, Buffer.from(","), dice.pick(corpus), Buffer.from("]")]);
  }
}

/** Now and then something that no mutation reaches. */
function extreme(dice: Dice): Buffer {
  const n = 1 + dice.below(dice.oneIn(20) ? 200_000 : 2_000);
  switch (dice.below(8)) {
    case 0:
      return Buffer.from(dice.pick(["[", "{", '{"a":', '"', "\\", "[{},"]).repeat(n));
    case 1:
      return Buffer.from(`${'{"a":'.repeat(n)}1${"}".repeat(n)}`);
    case 2:
      return Buffer.from(`{${Array.from({ length: n }, (_, i) => `"n${i % (1 + dice.below(n))}":${i}`).join(",")}}`);
    case 3:
      return Buffer.from(`[${Array(n).fill("{}").join(",")}]`);
    case 4:
      return Buffer.from(
        `{"event_type":"${dice.pick(["x", "é", "😀", "\\u00e9", "\\ud83d"]).repeat(dice.below(600))}"}`,
      );
    case 5:
      return Buffer.from(`{"a":${dice.pick(["1", "-", "0.", "1e"])}${"9".repeat(n)}}`);
    case 6:
      return Buffer.alloc(dice.oneIn(10) ? 1_000_001 : n, dice.pick([0x20, 0x00, 0xff, 0x5b]));
    default:
      return Buffer.from(Array.from({ length: Math.min(n, 4_000) }, () => dice.below(256)));
  }
}

const NAMES = [
  "content-type",
  "content-encoding",
  "idempotency-key",
  "x-triggers-identity",
  "x-triggers-body-fault",
  "x-triggers-content-type",
  "x-triggers-request-id",
  "traceparent",
  "x-amz-content-sha256",
  "content-length",
  "cookie",
  "__proto__",
  "constructor",
];
const VALUES = [
  "",
  " ",
  "application/json",
  "application/json;",
  "APPLICATION/JSON",
  "application/+json",
  "application/a+json;charset=x",
  "text/plain",
  "gzip",
  "zstd",
  "identity",
  "gzip,zstd",
  "br",
  "deflate",
  "payload_too_large",
  "internal",
  "not_found",
  "toString",
  "eyJhIjoxfQ",
  "bnVsbA",
  "e30",
  "null",
  "\u00e9",
  "a\u0000b",
  "{}",
  "%0d%0aset-cookie:a=b",
  "00-00000000000000000000000000000000-0000000000000000-00",
];
const URIS = [
  "/events",
  "/events",
  "/events",
  "/events",
  "/events",
  "/events",
  "/events",
  "/health",
  "/docs",
  "/events/",
  "/Events",
  "//events",
  "/events/..",
  "/%65vents",
  "/\u0000",
  "/".repeat(2_000),
];
const METHODS = [
  "POST",
  "POST",
  "POST",
  "POST",
  "POST",
  "POST",
  "POST",
  "POST",
  "GET",
  "PUT",
  "DELETE",
  "PATCH",
  "HEAD",
  "OPTIONS",
  "post",
  "",
];

/** @param keys authorizations to choose from, the first of them good */
export function nextCase(dice: Dice, corpus: readonly Buffer[], keys: readonly string[]): Case {
  let plain = dice.oneIn(100) ? extreme(dice) : dice.pick(corpus);
  for (let rounds = dice.oneIn(3) ? 0 : dice.below(5); rounds > 0; rounds -= 1) plain = mutate(plain, dice, corpus);
  const headers: Record<string, string> = { "content-type": "application/json" };
  const key = dice.oneIn(20) ? dice.pick(keys) : keys[0]!;
  if (key !== "") headers.authorization = key;
  let known: Buffer | undefined = plain;
  let body = plain;
  if (dice.oneIn(25)) {
    const gzip = dice.oneIn(2);
    body = gzip ? gzipSync(plain, { level: 1 }) : zstdCompressSync(plain);
    headers["content-encoding"] = gzip ? "gzip" : "zstd";
    if (dice.oneIn(3)) {
      body = mutate(body, dice, corpus);
      known = undefined;
    }
  }
  if (dice.oneIn(8)) headers["idempotency-key"] = dice.oneIn(4) ? dice.pick(VALUES) : `key ${dice.below(500)}`;
  for (let more = dice.oneIn(4) ? 1 + dice.below(3) : 0; more > 0; more -= 1) {
    const name = dice.pick(NAMES);
    Object.defineProperty(headers, name, {
      value: dice.oneIn(30) ? "x".repeat(dice.below(20_000)) : dice.pick(VALUES),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    if (name === "content-encoding") known = undefined;
  }
  return {
    method: dice.oneIn(12) ? dice.pick(METHODS) : "POST",
    uri: dice.oneIn(12) ? dice.pick(URIS) : "/events",
    headers,
    body,
    plain: known,
  };
}
