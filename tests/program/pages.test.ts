import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { generatedPages } from "../../program/pages.ts";

for (const [file, text] of Object.entries(await generatedPages()))
  test(`docs/${file} says what the program says (\`npm run docs\` writes it anew)`, () =>
    assert.equal(readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8"), text));

test.run();
