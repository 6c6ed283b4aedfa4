import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

const root = join(import.meta.dirname, "../..");

test("functions write lines of their own and never print: Lambda would put a printed line as text into a line of its own", () =>
  assert.deepEqual(
    globSync("runtime/**/*.ts", { cwd: root }).filter((file) =>
      /\bconsole\.\w+\(/.test(readFileSync(join(root, file), "utf8")),
    ),
    [],
  ));

test.run();
