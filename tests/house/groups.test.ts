import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "uvu";
import { fails } from "../support/conformance.ts";
import { endToEndGroups, unitProcesses } from "../support/groups.ts";

const files = globSync("tests/**/*.test.ts").sort();
const endToEnd = files.filter((file) => file.startsWith("tests/endToEnd/"));
const textOf = (file: string): string => readFileSync(file, "utf8");

test("every test file runs, and runs once", () => {
  const run = [
    ...[...endToEndGroups(endToEnd, textOf).values()].flat(),
    ...unitProcesses(files.filter((file) => !endToEnd.includes(file))).flat(),
  ];
  assert.deepEqual(run.sort(), files);
});

test("an end-to-end test without a group, or with an unknown one, is refused by name", () => {
  assert.throws(
    () => endToEndGroups(["tests/endToEnd/new.test.ts"], () => 'import { test } from "uvu";'),
    /^Error: tests\/endToEnd\/new\.test\.ts needs a line "\/\/ group: <name>" with one of: shared 1, own platform 2, browser 1, .*, own platform 4$/,
  );
  assert.throws(
    () => endToEndGroups(["tests/endToEnd/new.test.ts"], () => "// group: fast"),
    /own platform 4; "fast" is none of them$/,
  );
});

test("unit tests of a folder and the folders in it share a process, many of them several of the same length", () => {
  const named = (folder: string, count: number) =>
    Array.from({ length: count }, (_, i) => `tests/${folder}/${String(i).padStart(2, "0")}.test.ts`);
  const [api, charts, domain] = [
    named("runtime/api", 14),
    named("runtime/domain/charts", 1),
    named("runtime/domain", 2),
  ];
  assert.deepEqual(unitProcesses(["tests/local/kms.test.ts", ...api, ...charts, ...domain]), [
    ["tests/local/kms.test.ts"],
    api.slice(0, 7),
    api.slice(7),
    [...charts, ...domain],
  ]);
});

/** `test.run();` of uvu at the end of a file, or `sqsConformance(…)`, which runs the tests of a suite. */
const RUNS = /^(?:\w+\.run\(\);|\w+Conformance\()/m;

test("every file named as a test runs its tests, and no other file does", () =>
  assert.deepEqual(
    globSync("tests/**/*.ts")
      .filter((file) => RUNS.test(textOf(file)))
      .sort(),
    files,
  ));

test("a known deviation fails its test once the case passes, or fails with another error", async () => {
  await fails(async () => assert.equal(1, 2), /1 !== 2/);
  await assert.rejects(() => fails(async () => {}, /1 !== 2/), { message: "the case passes: take its deviation away" });
  await assert.rejects(() => fails(async () => assert.equal(1, 3), /1 !== 2/), /did not match/);
});

test.run();
