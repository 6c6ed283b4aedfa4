import assert from "node:assert/strict";
import { test } from "uvu";
import { z } from "zod";
import { detailsOf } from "../../../runtime/domain/errors/issues.ts";

const State = z.enum(["open", "closed"]);
const oneOrMany = z.union([z.array(State).max(2), State]);
const tiles = z.union([z.enum(["weekly"]), z.array(z.strictObject({ title: z.string().min(1) })).max(2)]);

const rows: [says: string, schema: z.ZodType, value: unknown, details: [path: string, message: string][]][] = [
  [
    "a value that none of the forms takes is told what the form of its type takes",
    oneOrMany,
    "ajar",
    [["", 'Invalid option: expected one of "open"|"closed"']],
  ],
  [
    "in a list each wrong value is named by its place",
    oneOrMany,
    ["open", "ajar"],
    [["/1", 'Invalid option: expected one of "open"|"closed"']],
  ],
  [
    "a list that is too long is told so",
    oneOrMany,
    ["open", "open", "open"],
    [["", "Too big: expected array to have <=2 items"]],
  ],
  [
    "a list of another union too",
    tiles,
    Array(3).fill({ title: "a" }),
    [["", "Too big: expected array to have <=2 items"]],
  ],
  [
    "what is wrong deeper inside is named there",
    tiles,
    [{ title: "" }],
    [["/0/title", "Too small: expected string to have >=1 characters"]],
  ],
  ["and so is an unknown member", tiles, [{ title: "a", "co/lor": 1 }], [["/0/co~1lor", "is not known here"]]],
  [
    "a value of no form's type is told all of them",
    z.union([z.string(), z.array(z.string())]),
    5,
    [["", "Invalid input: expected string, received number, or Invalid input: expected array, received number"]],
  ],
  [
    "a union within a union is opened as well",
    z.object({ a: z.union([z.number(), oneOrMany]) }),
    { a: "ajar" },
    [["/a", 'Invalid option: expected one of "open"|"closed"']],
  ],
];
for (const [says, schema, value, details] of rows)
  test(says, () =>
    assert.deepEqual(
      detailsOf(schema.safeParse(value).error!).map(({ path, message }) => [path, message]),
      details,
    ),
  );

test("paths begin where the value stands", () =>
  assert.deepEqual(detailsOf(z.strictObject({}).safeParse({ b: 1 }).error!, ["filter"]), [
    { path: "/filter/b", message: "is not known here" },
  ]));

test.run();
