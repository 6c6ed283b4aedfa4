import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { type AuditEntry, findTampering, GENESIS, hashOf } from "../../../runtime/domain/auditChain.ts";
import { canonicalJson } from "../../../runtime/domain/canonicalJson.ts";
import { readJson } from "../../../runtime/domain/json.ts";

const CUSTOMER = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** A whole chain of this many entries. */
function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const unsigned = {
      seq,
      at: new Date(seq * 1_000).toISOString(),
      actor: { type: "key", key_id: "key_1", name: "ci" } as const,
      action: "subscription.update",
      object: `sub_${seq}`,
      source_ip: "198.51.100.7",
      outcome: "ok",
      details: { version: seq },
      prev_hash: entries.at(-1)?.hash ?? GENESIS,
    };
    entries.push({ ...unsigned, hash: hashOf(CUSTOMER, unsigned) });
  }
  return entries;
}
const headOf = (entries: readonly AuditEntry[]) => ({
  seq: entries.length,
  hash: entries.at(-1)?.hash ?? GENESIS,
});
const whole = chainOf(5);
const head = headOf(whole);
const without = (seq: number) => whole.filter((entry) => entry.seq !== seq);
const swapped = [whole[0]!, whole[2]!, whole[1]!, whole[3]!, whole[4]!];
const changed = whole.map((entry) => (entry.seq === 3 ? { ...entry, outcome: "forbidden" } : entry));
const renumbered = [whole[0]!, { ...whole[2]!, seq: 2 }, { ...whole[1]!, seq: 3 }, whole[3]!, whole[4]!];

const findings: [says: string, entries: readonly AuditEntry[], found: ReturnType<typeof findTampering>][] = [
  ["a log as it was written is whole", whole, undefined],
  [
    "a log without entries is whole only when none was written",
    [],
    { seq: 1, finding: "missing", message: "entry 1 is missing; the log has 5" },
  ],
  ["a changed entry is found", changed, { seq: 3, finding: "changed", message: "entry 3 is not what was written" }],
  ["a removed entry is found", without(3), { seq: 3, finding: "missing", message: "entry 3 is missing" }],
  ["the first entry's removal is found", without(1), { seq: 1, finding: "missing", message: "entry 1 is missing" }],
  [
    "the newest entry's removal is found",
    without(5),
    { seq: 5, finding: "missing", message: "entry 5 is missing; the log has 5" },
  ],
  [
    "two swapped entries are found",
    swapped,
    { seq: 2, finding: "out_of_order", message: "entry 3 stands where 2 belongs" },
  ],
  [
    "swapped entries are found though they swapped numbers too",
    renumbered,
    { seq: 2, finding: "out_of_order", message: "entry 2 does not follow 1" },
  ],
];
for (const [says, entries, found] of findings) {
  test(says, () => assert.deepEqual(findTampering(CUSTOMER, entries, head), found));
}

test("an entry forged with a hash of its own does not fit the next one", () => {
  const { hash: _, ...unsigned } = { ...whole[2]!, outcome: "forbidden" };
  const forged = { ...unsigned, hash: hashOf(CUSTOMER, unsigned) };
  const entries = whole.map((entry) => (entry.seq === 3 ? forged : entry));
  assert.deepEqual(findTampering(CUSTOMER, entries, head), {
    seq: 4,
    finding: "out_of_order",
    message: "entry 4 does not follow 3",
  });
});

test("a forged newest entry differs from what the log remembers", () => {
  const { hash: _, ...unsigned } = { ...whole[4]!, outcome: "forbidden" };
  const entries = [...whole.slice(0, 4), { ...unsigned, hash: hashOf(CUSTOMER, unsigned) }];
  assert.equal(findTampering(CUSTOMER, entries, head)?.message, "entry 5 is not the newest the log remembers");
});

test("entries of one customer don't verify as another's", () =>
  assert.equal(findTampering("cus_other", whole, head)?.finding, "changed"));

test("any change of any member is found", () =>
  fc.assert(
    fc.property(
      fc.nat(4),
      fc.constantFrom("at", "action", "object", "source_ip", "outcome", "prev_hash", "hash"),
      fc.string(),
      (at, member, value) => {
        fc.pre(whole[at]![member as "at"] !== value);
        const entries = whole.map((entry, i) => (i === at ? { ...entry, [member]: value } : entry));
        assert.notEqual(findTampering(CUSTOMER, entries, head), undefined);
      },
    ),
    { numRuns: 300 },
  ));

test("canonical JSON does not depend on the order of members, and reads back as the same value", () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalJson(reversed), canonicalJson(value));
      assert.equal(canonicalJson(readJson(canonicalJson(value))), canonicalJson(value));
    }),
    { numRuns: 300 },
  ));

test.run();
