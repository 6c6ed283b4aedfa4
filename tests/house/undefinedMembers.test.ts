import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");

/** Except for the policy pack and the SDK, which are published alone. `x === undefined ? {} : { x }`, over one line or several. */
const byHand = /([\w.?]+) === undefined\s*\?\s*\{\}\s*:\s*\{\s*(?:\w+: )?\1,?\s*\}/;

test("members that may be undefined are left out by `defined`, not by a condition each", () => {
  const files = globSync(
    "{cli,components,console/src,docs/site/src,program,runtime,local,loadtest,operations,tests}/**/*.{ts,tsx}",
    {
      cwd: root,
    },
  ).filter((file) => file !== "tests/house/undefinedMembers.test.ts");
  assert.deepEqual(
    files.filter((file) => byHand.test(readFileSync(join(root, file), "utf8"))),
    [],
  );
});

test("the check sees a condition", () => {
  for (const text of ["...(x === undefined ? {} : { x })", "...(a.b === undefined\n ? {}\n : { c: a.b })"])
    assert.ok(byHand.test(text), text);
});

test.run();
