/** `npm run permissions`: runs the end-to-end tests and notes which permissions the functions asked for. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Seen } from "./permissions.ts";

const root = join(import.meta.dirname, "..");
const file = join(mkdtempSync(join(tmpdir(), "permissions-")), "calls.json");
const { status } = spawnSync(process.execPath, ["tests/run.ts", "tests/endToEnd"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, CALLS_SEEN: file },
});
if (status !== 0) console.error("some tests failed: what they would have asked for may be missing");

/** `sqs:SendMessage on arn:…` by role becomes the actions by role. */
const calls = JSON.parse(readFileSync(file, "utf8")) as Record<string, readonly string[]>;
const seen: Seen = Object.fromEntries(
  Object.entries(calls)
    .map(([role, asked]) => [role, [...new Set(asked.map((call) => call.split(" on ")[0]!))].sort()] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(join(import.meta.dirname, "permissionsSeen.json"), `${JSON.stringify(seen, null, 2)}\n`);
console.log("program/permissionsSeen.json; `npm run docs` writes the page");
