import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { tenantOf } from "../../../runtime/domain/identity/identity.ts";
import { MAX_EVENTS_PER_REQUEST, newUlid, offsetOf, timeOf, ulidAt, ulidIn } from "../../../runtime/domain/ids.ts";
import { shardOf } from "../../../runtime/domain/shards.ts";

const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
const random = fc.uint8Array({ minLength: 10, maxLength: 10 });

test("a ULID tells when it was made", () =>
  fc.assert(fc.property(time, random, (ms, bytes) => timeOf(newUlid(ms, 1, () => bytes)) === ms)));

test("the ULIDs of one request are consecutive, in order, and share a shard, for any random numbers", () =>
  fc.assert(
    fc.property(time, random, fc.integer({ min: 1, max: MAX_EVENTS_PER_REQUEST }), (ms, bytes, count) => {
      const first = newUlid(ms, count, () => bytes);
      const last = ulidAt(first, count - 1);
      assert.equal(offsetOf(first, last, count), count - 1);
      assert.equal(shardOf("cus_1", last), shardOf("cus_1", first));
      assert.ok(count === 1 || last > first);
    }),
  ));

test("the random part of a ULID writes its bytes in Crockford's base 32", () =>
  fc.assert(
    fc.property(random, (bytes) => {
      bytes[8]! &= 0x80; // what `count` leaves of the low bits
      bytes[9] = 0;
      const number = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
      const digits = "0123456789abcdefghijklmnopqrstuv";
      const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
      const expected = [...number.toString(32).padStart(16, "0")]
        .map((digit) => crockford[digits.indexOf(digit)])
        .join("");
      assert.equal(newUlid(0, 1, () => bytes).slice(10), expected);
    }),
  ));

test("no two ids of a millisecond are the same, however many are made", () => {
  const made = Array.from({ length: 5_000 }, () => newUlid(1_000).slice(0, -3));
  assert.equal(new Set(made).size, made.length);
});

test("a ULID outside the request's run has no offset", () => {
  const first = newUlid(1_000, 10);
  assert.equal(offsetOf(first, ulidAt(first, 9), 9), -1);
  assert.equal(offsetOf(first, newUlid(1_000), 10), -1);
});

test("an id of another type is not taken for this one", () => {
  assert.equal(ulidIn("evt", "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV"), undefined);
  assert.equal(ulidIn("evt", "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
});

test("a tenant is no ULID, which the compiler sees", () => {
  const tenant = tenantOf({ customer_id: "cus_1", environment: "live" });
  // @ts-expect-error: takes a ULID
  assert.throws(() => ulidAt(tenant, 40_000), RangeError);
});

test.run();
