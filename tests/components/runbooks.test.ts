import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import { settingsSchema } from "../../components/stack/settings.ts";
import { exampleGraph } from "../../program/graph.ts";

const root = join(import.meta.dirname, "../..");
const pages = globSync("docs/runbooks/*.md", { cwd: root }).sort();
const resources = [...(await exampleGraph("prod")).resources, ...(await exampleGraph("prod-us-west-2")).resources];
const named = resources
  .map(({ inputs }) => /docs\/runbooks\/[a-z0-9-]+\.md/.exec(String(inputs.alarmDescription ?? ""))?.[0])
  .filter((page) => page !== undefined);

test("every alarm's page exists, and every page has an alarm", () =>
  assert.deepEqual([...new Set(named)].sort(), pages));

for (const page of pages) {
  const text = readFileSync(join(root, page), "utf8");
  test(`${page} says when it rings, what it means, how to find out and what to do`, () =>
    assert.deepEqual(
      ["**It rings when** ", "**It means:** ", "## Find out", "## Do"].filter((part) => !text.includes(part)),
      [],
    ));
  test(`${page} names settings that exist`, () =>
    assert.deepEqual(
      [...text.matchAll(/triggers:([A-Za-z]+)/g)]
        .map(([, key]) => key!)
        .filter((key) => !(key in settingsSchema.shape)),
      [],
    ));
}

test.run();
