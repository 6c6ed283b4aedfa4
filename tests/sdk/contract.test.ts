import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { contractFiles } from "../../program/contract.ts";

for (const [file, text] of Object.entries(await contractFiles()))
  test(`${file} says what the API says`, () => {
    const kept = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8").split("\n");
    const at = text.split("\n").findIndex((line, index) => line !== kept[index]);
    assert.equal(kept[at], text.split("\n")[at], `line ${at + 1}: run \`npm run docs\``);
    assert.equal(kept.length, text.split("\n").length);
  });

test.run();
