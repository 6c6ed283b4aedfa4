import assert from "node:assert/strict";
import { test } from "uvu";
import { unsupported } from "../../policies/platform.ts";

const behaviour: [says: string, runtime: string, today: string, fault: string | undefined][] = [
  ["a runtime with more than a year of support is accepted", "nodejs24.x", "2026-11-25", undefined],
  [
    "one whose support ends within a year is not",
    "nodejs24.x",
    "2027-06-01",
    "support of runtime nodejs24.x ends on 2028-04-30",
  ],
  ["an unknown one is not", "python2.7", "2026-11-25", "runtime python2.7 is not one of nodejs22.x, nodejs24.x"],
];
for (const [says, runtime, today, fault] of behaviour)
  test(says, () => assert.equal(unsupported(runtime, new Date(today)), fault));

test.run();
