import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "uvu";
import { runScript } from "../support/process.ts";

test("a program that can't read its options says what is wrong and which options there are", async () => {
  const options = "Options are: --url <value>, --key <value>, --seen <value>.\n";
  for (const [args, wrong] of [
    [["--bogus"], "Unknown option '--bogus'."],
    [["now"], "Unexpected argument 'now'."],
    [["--url"], "Option '--url <value>' argument missing."],
  ] as const)
    assert.deepEqual(await runScript("operations/auditVerify.ts", args), { code: 2, text: `${wrong}\n${options}` });
});

test("every program reads its options by the same function", () => {
  const rooms = "{console,loadtest,local,operations,policies,program,tests}";
  assert.deepEqual(
    globSync(`${rooms}/**/*.ts`).filter(
      (file) => !file.includes("node_modules") && /\bparseArgs\b/.test(readFileSync(file, "utf8")),
    ),
    ["local/arguments.ts"],
  );
});

test.run();
