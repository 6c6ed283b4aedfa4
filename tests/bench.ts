/**
 * `npm run bench [-- words…]`: runs every `tests/**\/*.bench.ts` whose path holds one of the words, one after the other,
 * each in a process of its own, and names the machine: figures mean nothing without it. Benches print; they assert nothing.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { cpus, totalmem } from "node:os";

const words = process.argv.slice(2);
const files = globSync("tests/**/*.bench.ts")
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();

const [cpu, ...others] = cpus();
const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
console.log(`Node ${process.version}, ${others.length + 1} x ${cpu?.model ?? "unknown CPU"}, ${gigabytes} GB`);

let failed = 0;
for (const file of files) {
  console.log(`\n## ${file}`);
  const { status } = spawnSync(process.execPath, ["--expose-gc", file], { stdio: "inherit" });
  if (status !== 0) failed += 1;
}
if (files.length === 0) console.log("no bench has such a name");
process.exitCode = failed === 0 && files.length > 0 ? 0 : 1;
