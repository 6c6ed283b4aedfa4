import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");

/** A time of our own that is said to be a number and not in which unit: `created_at: number`, `now?: number`. */
const withoutUnit = /\b(?:now|until|[a-z]+(?:_[a-z]+)*_at)\??: number\b/;
/** `expires_at` in stored items counts in seconds, since DynamoDB's expiry does; every other time counts in milliseconds. */
const secondsElsewhere = /\b(?!expires_at\b)(?:[a-z]+_)*at\??: Seconds\b/;
const expiryInMillis = /\bexpires_at\??: Millis\b/;

const sources = globSync("runtime/**/*.ts", { cwd: root }).filter((file) => !file.includes("/matching/"));
const breaking = (rule: RegExp) => sources.filter((file) => rule.test(readFileSync(join(root, file), "utf8")));

test("a time says its unit by its type", () => {
  assert.deepEqual(breaking(withoutUnit), []);
});

test("one suffix has one unit: `_at` is in milliseconds, but for DynamoDB's `expires_at`", () => {
  assert.deepEqual(breaking(secondsElsewhere), []);
  assert.deepEqual(breaking(expiryInMillis), []);
});

test("the checks see what they forbid", () => {
  for (const text of ["readonly created_at: number;", "(now: number)", "until?: number"])
    assert.ok(withoutUnit.test(text), text);
  assert.ok(secondsElsewhere.test("readonly routed_at?: Seconds"));
  assert.ok(!secondsElsewhere.test("readonly expires_at?: Seconds"));
  assert.ok(expiryInMillis.test("expires_at: Millis"));
});

test.run();
