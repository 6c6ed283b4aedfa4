import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { app } from "../../cli/src/app.ts";
import { exits } from "../../cli/src/exits.ts";
import { helpOfAll } from "../../cli/src/help.ts";

const readme = readFileSync(new URL("../../cli/README.md", import.meta.url), "utf8");
const commands = helpOfAll(app);

test("every command answers in JSON where it is asked to", () =>
  assert.deepEqual(
    commands.filter(([, help]) => !help.includes("--json")).map(([name]) => name),
    [],
  ));

test("the README has every command, and no other", () =>
  assert.deepEqual(
    [...readme.matchAll(/^\| `triggers ([a-z]+(?: [a-z]+)?)/gm)].map(([, name]) => `triggers ${name}`).sort(),
    commands.map(([name]) => name).sort(),
  ));

test("the README has every exit code", () =>
  assert.deepEqual(
    [...readme.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code)),
    Object.values(exits),
  ));

test.run();
