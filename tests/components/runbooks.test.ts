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
}

/** Everything that an operator reads: pages, remedies of rules and findings. */
const read = ["README.md", ...globSync(["docs/**/*.md", "operations/**/*.ts", "policies/*.ts"], { cwd: root })];
test("pages and remedies name settings that exist", () =>
  assert.deepEqual(
    read.flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/triggers:(?!components)([A-Za-z]+)/g)]
        .map(([, key]) => key!)
        .filter((key) => !(key in settingsSchema.shape))
        .map((key) => `${file}: ${key}`),
    ),
    [],
  ));

test("pages say of a message as many tries as its queue allows", () => {
  const tries = resources.flatMap(({ name, inputs: { redrivePolicy } }) =>
    typeof redrivePolicy === "string"
      ? [`${name} ${(JSON.parse(redrivePolicy) as { maxReceiveCount: number }).maxReceiveCount}`]
      : [],
  );
  assert.deepEqual(
    [...new Set(tries.filter((one) => !one.endsWith(" 1000")))],
    ["jobs-queue 5"],
    "the pages below say 1,000 for every queue but jobs",
  );
  for (const page of pages)
    for (const sentence of readFileSync(join(root, page), "utf8").split(/(?<=\.)\s/))
      if (sentence.includes("dead-letter queue"))
        for (const [, count] of sentence.matchAll(/([\w,]+) (?:tries|times)\b/g))
          assert.ok(["1,000", "5"].includes(count!), `${page}: ${count}`);
});

test("the errors that availability.md tells apart are texts of the code", () => {
  const code = globSync("runtime/**/*.ts", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"));
  const line = /^2\. (.+)$/m.exec(readFileSync(join(root, "docs/runbooks/availability.md"), "utf8"))![1]!;
  const texts = [...line.matchAll(/`([^`]+)`/g)]
    .map(([, text]) => text!)
    .filter((text) => text.includes(" ") && !text.startsWith("pulumi"));
  assert.ok(texts.length >= 4);
  for (const text of texts) {
    const spelt = text.replace(/^sqs /, "service} ").replace(/ \d+$/, ` ${"$"}{status}`);
    assert.ok(
      code.some((one) => one.includes(spelt)),
      `nothing says "${text}"`,
    );
  }
});

test.run();
