import assert from "node:assert/strict";
import { test } from "uvu";
import { z } from "zod";
import { detailsOf, inWords } from "../../../runtime/domain/errors/issues.ts";

const State = z.enum(["open", "closed"]);
const oneOrMany = z.union([z.array(State).max(2), State]);
const tiles = z.union([z.enum(["weekly"]), z.array(z.strictObject({ title: z.string().min(1) })).max(2)]);

const rows: [says: string, schema: z.ZodType, value: unknown, details: [path: string, message: string][]][] = [
  [
    "a value that none of the forms takes is told what the form of its type takes",
    oneOrMany,
    "ajar",
    [["", 'must be "open" or "closed"']],
  ],
  [
    "in a list each wrong value is named by its place",
    oneOrMany,
    ["open", "ajar"],
    [["/1", 'must be "open" or "closed"']],
  ],
  ["a list that is too long is told so", oneOrMany, ["open", "open", "open"], [["", "has more than 2 items"]]],
  ["a list of another union too", tiles, Array(3).fill({ title: "a" }), [["", "has more than 2 items"]]],
  ["what is wrong deeper inside is named there", tiles, [{ title: "" }], [["/0/title", "must not be empty"]]],
  ["and so is an unknown member", tiles, [{ title: "a", "co/lor": 1 }], [["/0/co~1lor", "is not known here"]]],
  [
    "a value of no form's type is told all of them",
    z.union([z.string(), z.array(z.string())]),
    5,
    [["", "must be a string or an array"]],
  ],
  [
    "a union within a union is opened as well",
    z.object({ a: z.union([z.number(), oneOrMany]) }),
    { a: "ajar" },
    [["/a", 'must be "open" or "closed"']],
  ],
  ["what is missing is required", z.object({ a: z.string() }), {}, [["/a", "is required"]]],
  ["of many values each is named", z.enum(["a", "b", "c"]), 1, [["", 'must be one of "a", "b", "c"']]],
  ["a fraction is no whole number", z.number().int(), 1.5, [["", "must be a whole number"]]],
  ["a number has bounds", z.number().min(2).max(1_000), 1_001, [["", "must be at most 1,000"]]],
  ["or at its other end", z.number().min(2).max(1_000), 1, [["", "must be at least 2"]]],
  ["a bound itself may be left out", z.number().gt(0), 0, [["", "must be more than 0"]]],
  ["a text is counted in characters", z.string().min(2), "a", [["", "has fewer than 2 characters"]]],
  ["a list may have one length", z.array(z.number()).length(2), [1], [["", "must have 2 items"]]],
  [
    "a time is shown",
    z.iso.datetime({ offset: true }),
    "2026-11-25",
    [["", 'must be a time of RFC 3339: "2026-11-25T10:00:00Z"']],
  ],
  ["a pattern is shown", z.string().regex(/^[a-z]$/), "A", [["", "must match the pattern /^[a-z]$/"]]],
  ["words of a schema's own stay", z.string().regex(/a/, "must hold an a"), "b", [["", "must hold an a"]]],
];
for (const [says, schema, value, details] of rows)
  test(says, () =>
    assert.deepEqual(
      detailsOf(schema.safeParse(value, { error: inWords }).error!).map(({ path, message }) => [path, message]),
      details,
    ),
  );

test("paths begin where the value stands", () =>
  assert.deepEqual(detailsOf(z.strictObject({}).safeParse({ b: 1 }).error!, ["filter"]), [
    { path: "/filter/b", message: "is not known here" },
  ]));

test.run();
