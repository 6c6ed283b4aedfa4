import assert from "node:assert/strict";
import { suite } from "uvu";
import { defined } from "../../../runtime/domain/defined.ts";
import type { ShardRule } from "../../../runtime/domain/shards.ts";
import { keepShards, NOTICE_MS, problemsOf } from "../../../runtime/subscriptions/shardHistory.ts";
import { startDatabase, type TestDatabase } from "../../support/database.ts";

const test = suite("rules of partitions over deployments");
const NOW = Date.parse("2027-01-10T00:00:00Z");
const HOUR = 3_600_000;
let database: TestDatabase;
test.before(async () => {
  database = await startDatabase();
});
test.after(() => database.close());

const rule = (ms: number, shards = 16, customers?: string[]): ShardRule => ({
  from: new Date(NOW + ms).toISOString(),
  shards,
  ...defined({ customers }),
});
const begun = rule(-HOUR);
const changed = (text: string) => [
  `the rule from ${begun.from} has begun, or is about to: it must stay as it was, ${text}`,
];

const rows: [says: string, before: ShardRule[], wanted: ShardRule[], fresh: boolean, problems: string[]][] = [
  ["no rules, as ever", [], [], false, []],
  ["a rule a day ahead", [], [rule(NOTICE_MS)], false, []],
  [
    "a rule less than a day ahead",
    [],
    [rule(NOTICE_MS - 1)],
    false,
    ["the rule from 2027-01-10T23:59:59.999Z is new and begins too soon: 2027-01-11T00:00:00.000Z or later"],
  ],
  ["any rule of a deployment without events", [], [rule(-HOUR), rule(HOUR)], true, []],
  ["the same rules again", [begun], [begun], false, []],
  ["a rule after one that has begun", [begun], [begun, rule(2 * NOTICE_MS, 32)], false, []],
  [
    "one that has begun, with another number",
    [begun],
    [rule(-HOUR, 32)],
    false,
    [
      ...changed(JSON.stringify(begun)),
      "the rule from 2027-01-09T23:00:00.000Z is new and begins too soon: 2027-01-11T00:00:00.000Z or later",
    ],
  ],
  ["one that has begun, taken away", [begun], [], false, changed(JSON.stringify(begun))],
  [
    "one about to begin, taken away",
    [rule(HOUR)],
    [],
    false,
    [
      `the rule from ${rule(HOUR).from} has begun, or is about to: it must stay as it was, ${JSON.stringify(rule(HOUR))}`,
    ],
  ],
  ["one that begins later, taken away", [rule(HOUR + 1)], [], false, []],
  [
    "one that has begun, for another customer",
    [rule(-HOUR, 16, ["a"])],
    [rule(-HOUR, 16, ["b"])],
    false,
    [
      `the rule from ${begun.from} has begun, or is about to: it must stay as it was, ${JSON.stringify(rule(-HOUR, 16, ["a"]))}`,
      `the rule from ${begun.from} is new and begins too soon: 2027-01-11T00:00:00.000Z or later`,
    ],
  ],
];
for (const [says, before, wanted, fresh, problems] of rows)
  test(`${says}: ${problems.length === 0 ? "fine" : "refused"}`, () =>
    assert.deepEqual(problemsOf(before, wanted, NOW, fresh), problems));

test("each deployment is compared with the one before, and one that is refused changes nothing", async () => {
  const keep = (wanted: ShardRule[], now = NOW, fresh = false) => keepShards(database.db, wanted, now, fresh);
  await keep([], NOW, true);
  const next = rule(2 * NOTICE_MS);
  await keep([next]);
  await keep([next], NOW + 3 * NOTICE_MS);
  await assert.rejects(keep([], NOW + 3 * NOTICE_MS), {
    message: `eventShards: the rule from ${next.from} has begun, or is about to: it must stay as it was, ${JSON.stringify(next)}`,
  });
  await keep([next, rule(9 * NOTICE_MS, 32, ["cus_1"])], NOW + 3 * NOTICE_MS);
  await assert.rejects(keep([next, rule(9 * NOTICE_MS, 32, ["cus_2"])], NOW + 9 * NOTICE_MS), /cus_1/);
});

test.run();
