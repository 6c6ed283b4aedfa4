import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { test } from "uvu";
import { decodeBody } from "../../../runtime/domain/body/requestBody.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";

/** What a body decodes to, or the code of the refusal. */
function decoded(bytes: Uint8Array, encoding: string, limit?: number): string {
  try {
    return decodeBody(Buffer.from(bytes), encoding, limit).toString();
  } catch (thrown) {
    assert.ok(thrown instanceof TriggersError, String(thrown));
    return thrown.code;
  }
}
const skippable = (content: string, kind = 0): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50 + kind, 0);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, Buffer.from(content)]);
};
const z = (text: string) => zstdCompressSync(text);
const g = (text: string) => gzipSync(text);
const junk = Buffer.from("junk");
const all = (...parts: Uint8Array[]) => Buffer.concat(parts);

const cases: [says: string, encoding: string, bytes: Buffer, result: string][] = [
  ["one frame", "zstd", z("{}"), "{}"],
  ["two frames", "zstd", all(z('{"a":'), z("1}")), '{"a":1}'],
  ["an empty frame", "zstd", z(""), ""],
  ["a skippable frame first", "zstd", all(skippable("abc"), z("{}")), "{}"],
  [
    "skippable frames of any kind, between and behind",
    "zstd",
    all(z("{"), skippable("", 15), z("}"), skippable("x", 7)),
    "{}",
  ],
  ["nothing but a skippable frame", "zstd", skippable("abc"), "invalid_json"],
  ["junk behind a frame", "zstd", all(z("{}"), junk), "invalid_json"],
  ["a zero behind a frame", "zstd", all(z("{}"), Buffer.alloc(1)), "invalid_json"],
  ["half a second frame", "zstd", all(z("{}"), z('{"a":1}').subarray(0, -3)), "invalid_json"],
  ["half a skippable frame", "zstd", all(z("{}"), skippable("abc").subarray(0, -1)), "invalid_json"],
  ["100 frames", "zstd", all(...Array.from({ length: 100 }, () => z("1"))), "1".repeat(100)],
  ["more than 100 frames", "zstd", all(...Array.from({ length: 101 }, () => z("1"))), "invalid_json"],
  ["no bytes", "zstd", Buffer.alloc(0), "invalid_json"],
  ["one member", "gzip", g("{}"), "{}"],
  ["two members", "gzip", all(g('{"a":'), g("1}")), '{"a":1}'],
  ["the older name of gzip", "X-Gzip", g("{}"), "{}"],
  ["junk behind a member", "gzip", all(g("{}"), junk), "invalid_json"],
  ["zeros behind a member", "gzip", all(g("{}"), Buffer.alloc(512)), "invalid_json"],
  ["half a second member", "gzip", all(g("{}"), g("{}").subarray(0, -1)), "invalid_json"],
  ["a first byte of a second member", "gzip", all(g("{}"), g("{}").subarray(0, 1)), "invalid_json"],
  ["no bytes", "gzip", Buffer.alloc(0), "invalid_json"],
  ["another encoding", "br", Buffer.from("{}"), "unsupported_media_type"],
  ["a name of JavaScript's own", "constructor", Buffer.from("{}"), "unsupported_media_type"],
];
for (const [says, encoding, bytes, result] of cases)
  test(`${encoding}: ${says}`, () => assert.equal(decoded(bytes, encoding), result));

test("the refusal of another encoding names the encodings that are accepted", () =>
  assert.throws(() => decodeBody(Buffer.from("{}"), "br"), { headers: { "accept-encoding": "gzip, zstd, identity" } }));

const parts = fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 6 });

test("a body in any number of pieces is all of them, up to the limit", () =>
  fc.assert(
    fc.property(parts, fc.nat(120), fc.constantFrom("gzip", "zstd"), fc.boolean(), (texts, limit, encoding, skips) => {
      const pieces = texts.flatMap((text) => [
        encoding === "gzip" ? g(text) : z(text),
        ...(skips && encoding === "zstd" ? [skippable(text)] : []),
      ]);
      const bytes = all(...pieces);
      const text = Buffer.from(texts.join("")).toString();
      assert.equal(decoded(bytes, encoding), text);
      const bound = Math.max(bytes.length, limit);
      const fits = Buffer.byteLength(text) <= bound;
      assert.equal(decoded(bytes, encoding, bound), fits ? text : "payload_too_large");
    }),
  ));

test("a byte more or less, and nothing is taken", () =>
  fc.assert(
    fc.property(parts, fc.nat(255), fc.nat(), fc.constantFrom("gzip", "zstd"), (texts, byte, cut, encoding) => {
      const bytes = all(...texts.map((text) => (encoding === "gzip" ? g(text) : z(text))));
      assert.equal(decoded(all(bytes, Buffer.from([byte])), encoding), "invalid_json");
      const last = encoding === "gzip" ? g(texts.at(-1)!) : z(texts.at(-1)!);
      const less = bytes.subarray(0, bytes.length - 1 - (cut % (last.length - 1)));
      assert.equal(decoded(less, encoding), "invalid_json");
    }),
  ));

test("a small body that would become a large one is stopped at the limit, in one frame or in many", () => {
  const large = "x".repeat(600_000);
  for (const bytes of [z("x".repeat(50_000_000)), all(z(large), z(large))])
    assert.equal(decoded(bytes, "zstd"), "payload_too_large");
  for (const bytes of [g("x".repeat(50_000_000)), all(g(large), g(large))])
    assert.equal(decoded(bytes, "gzip"), "payload_too_large");
});

test.run();
