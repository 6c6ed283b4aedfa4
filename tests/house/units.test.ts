import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");

/** A time of our own that is said to be a number and not in which unit: `created_at: number`, `now?: number`. */
const withoutUnit = /\b(?:now|until|[a-z]+(?:_[a-z]+)*_at)\??: number\b/;
/** The same of a clock, of a moment or of a length: `now(): number`, `now: () => number`, `askedAt: number`, `arrived?: number`, `ms: number`. */
const clockWithoutUnit = /\b(?:now\??\(\): number|now\??: \(\) => number|(?:[a-z]\w*At|arrived|ms)\??: number)\b/;
/** A unit in the name, and not in the type: `timeoutMs: number`, `overlap_seconds?: number`. */
const unitInNameAlone = /\b(?:\w*(?:[a-z]Ms|_ms)|(?!\w*per_second)\w*(?:[a-z]Seconds|_seconds))\??: number\b/;
/** A unit in the comment, and not in the type. */
const unitInCommentAlone = /\/\*\* (?:Milliseconds|Seconds)\b(?:(?!\*\/)[\s\S])*\*\/\s+(?:readonly )?\w+\??: number\b/;
/** A time that ends in `at` counts in milliseconds; only the attribute `expires_at` of DynamoDB's items, in seconds, is an `expiry` here. */
const secondsInAt = /\b(?:[a-z]+_)*at\??: Seconds\b/;
const millisInExpiry = /\bexpiry\??: Millis\b/;

/** An hour or a day as a number: `3_600_000`, `86_400`. runtime/domain/time.ts has their names. */
const hourAsNumber = /\b(?:3_600_000|86_400(?:_000)?)\b/;

/** A tenant or a ULID as text like any other: `tenant: string`, `readonly first: string`. Each has a type, which does not take the other. */
const idAsText = /\b(?:tenant|ulid|first)\??: string\b(?!\[)/;

const sources = globSync("runtime/**/*.ts", { cwd: root }).filter((file) => !file.includes("/matching/"));
const breaking = (rule: RegExp) => sources.filter((file) => rule.test(readFileSync(join(root, file), "utf8")));

test("a time and a length of time say their unit by their type", () => {
  assert.deepEqual(breaking(withoutUnit), []);
  assert.deepEqual(breaking(clockWithoutUnit), []);
  assert.deepEqual(breaking(unitInNameAlone), []);
  assert.deepEqual(breaking(unitInCommentAlone), []);
});

test("tenants and ULIDs have types of their own", () => {
  assert.deepEqual(breaking(idAsText), []);
});

test("hours and days have their names from runtime/domain/time.ts", () => {
  const files = globSync(["runtime/**/*.ts", "{console/src,loadtest,operations}/**/*.{ts,tsx}"], { cwd: root });
  assert.deepEqual(
    files.filter(
      (file) =>
        file !== "runtime/domain/time.ts" &&
        hourAsNumber.test(readFileSync(join(root, file), "utf8").replaceAll(/"[^"]*"/g, "")),
    ),
    [],
  );
});

test("one name has one unit: what ends in `at` is in milliseconds, an `expiry` in seconds", () => {
  assert.deepEqual(breaking(secondsInAt), []);
  assert.deepEqual(breaking(millisInExpiry), []);
});

test("the checks see what they forbid", () => {
  for (const text of ["(tenant: string,", "readonly first: string;", "ulid?: string"])
    assert.ok(idAsText.test(text), text);
  for (const text of ["readonly created_at: number;", "(now: number)", "until?: number"])
    assert.ok(withoutUnit.test(text), text);
  for (const text of [
    "now(): number;",
    "now: () => number",
    "readonly arrived?: number",
    "(askedAt: number",
    "(ms: number)",
  ])
    assert.ok(clockWithoutUnit.test(text), text);
  for (const text of [
    "timeoutMs: number",
    "readonly wait_ms?: number",
    "delaySeconds: number",
    "overlap_seconds?: number",
  ])
    assert.ok(unitInNameAlone.test(text), text);
  assert.ok(!unitInNameAlone.test("limit_per_second: number"));
  assert.ok(!unitInNameAlone.test("items: number"));
  assert.ok(unitInCommentAlone.test("/** Milliseconds of a pause. */\n  readonly pause?: number;"));
  assert.ok(
    !unitInCommentAlone.test("/** Milliseconds of a pause. */\n  readonly pause: Millis;\n /** Many. */ n: number"),
  );
  for (const text of ["3_600_000", "7 * 86_400", "86_400_000"]) assert.ok(hourAsNumber.test(text), text);
  assert.ok(secondsInAt.test("readonly routed_at?: Seconds"));
  assert.ok(millisInExpiry.test("expiry: Millis"));
});

test.run();
