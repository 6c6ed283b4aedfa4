/**
 * `npm run drill [-- --kills N] [--seconds N] [--seed N] [--only load,row]`: kills the platform at random moments, takes its disk,
 * its stores and its clock away, over and over on one state, and then asks of every 202 where its events are: inbox, both endpoints, archive, numbers. Ends after so many kills or so
 * much time, whichever is first, or by a SIGTERM. Prints the account with its seed; what was lost makes it fail.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../../local/arguments.ts";
import { drill } from "./drill.ts";
import { faults } from "./faults.ts";

const { values } = readArguments({
  options: {
    kills: { type: "string", default: "50" },
    seconds: { type: "string", default: "1800" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const usual = Object.keys(faults).filter((name) => faults[name]!.long !== true);
const only = values.only?.split(",") ?? usual;
const unknown = only.find((name) => faults[name] === undefined);
if (unknown !== undefined) {
  console.error(`no fault is called ${unknown}; there are: ${Object.keys(faults).join(", ")}`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "triggers-drill-"));
mkdirSync(join(folder, "disk"));
const early = new AbortController();
process.once("SIGTERM", () => early.abort());
const report = await drill({
  signal: early.signal,
  folder: join(folder, "disk"),
  kills: Number(values.kills),
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  only,
  say: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
});
console.log(JSON.stringify(report, null, 2));
console.log(
  `${report.kills} kills, ${report.lost} lost of ${report.account.accepted} accepted events; seed ${values.seed}, ${report.seconds} s`,
);
if (values.keep) console.log(`the state is in ${folder}`);
else rmSync(folder, { recursive: true, force: true });
process.exitCode = report.lost === 0 && report.refusals.length === 0 ? 0 : 1;
