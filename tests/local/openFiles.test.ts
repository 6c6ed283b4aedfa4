import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";

const module = join(import.meta.dirname, "../../local/platform/openFiles.ts");
const script = `import { warnOfFewFiles } from ${JSON.stringify(module)}; warnOfFewFiles((line) => console.log(line));`;

/** What a start under this limit of open files says. */
const saidUnder = (limit: number): string =>
  spawnSync("sh", ["-c", `ulimit -n ${limit} && exec "$0" --input-type=module -e "$1"`, process.execPath, script], {
    encoding: "utf8",
  }).stdout;

test("a limit of open files that is too low for load is reported with its remedy", () =>
  assert.equal(
    saidUnder(256),
    'only 256 files may be open at once, and under load the platform needs 1024 or more: raise the limit ("ulimit -n")\n',
  ));

test("a limit that is enough is not mentioned", () => assert.equal(saidUnder(1_024), ""));

test.run();
