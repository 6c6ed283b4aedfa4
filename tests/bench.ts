/**
 * `npm run bench [-- words…]`: runs every `tests/**\/*.bench.ts` whose path holds one of the words, one after the other,
 * each in a process of its own, and names the machine: figures mean nothing without it. Benches print; they assert nothing.
 *
 * `npm run bench -- --compare <base> [--rounds 5] [words…]`: the same benches of another commit and of this tree in turns,
 * and every figure that both print as a ratio with its spread. Both run the bench as it is in this tree, so that a change of the bench
 * is no change of the figures; where the base is too different for it, the base runs its own. Other engines are left out.
 * Each round runs a bench twice, so five rounds take ten times as long as the bench: 13 minutes for `deliver`, hours for all. A line on
 * stderr tells of each run; the table follows the last one.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { readArguments } from "../local/arguments.ts";
import { comparisonTable, ratiosOf } from "./support/benchComparison.ts";

const { values, positionals: words } = readArguments({
  allowPositionals: true,
  options: { compare: { type: "string" }, rounds: { type: "string", default: "5" } },
});
const files = globSync("tests/**/*.bench.ts")
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();

/** An older bench may fail without ending: what holds its servers open is its own. On a busy machine a sound one takes many minutes. */
const LONGEST_MS = 20 * 60_000;

const [cpu, ...others] = cpus();
const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
console.log(`Node ${process.version}, ${others.length + 1} x ${cpu?.model ?? "unknown CPU"}, ${gigabytes} GB`);

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** The commit's files in a folder of their own, with this tree's packages; undone by `remove`. */
function checkOut(base: string): { folder: string; remove(): void } {
  const folder = join(mkdtempSync(join(tmpdir(), "triggers-bench-")), "base");
  const git = (...args: string[]) => spawnSync("git", args, { encoding: "utf8" });
  const added = git("worktree", "add", "--detach", folder, base);
  if (added.status !== 0) fail(`No commit "${base}" to compare with:\n${added.stderr}`);
  if (readFileSync("package-lock.json", "utf8") !== readFileSync(join(folder, "package-lock.json"), "utf8"))
    console.log("The base has other packages; it is run with those of this tree.");
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  return {
    folder,
    remove: () => {
      git("worktree", "remove", "--force", folder);
      rmSync(join(folder, ".."), { recursive: true, force: true });
    },
  };
}

function compare(base: string, rounds: number): number {
  const { folder, remove } = checkOut(base);
  let failed = 0;
  try {
    for (const file of files.filter((file) => existsSync(join(folder, file)))) {
      console.log(`\n## ${file}`);
      const run = (cwd: string, round: number) => {
        const started = performance.now();
        const ended = spawnSync(process.execPath, ["--expose-gc", file], {
          cwd,
          encoding: "utf8",
          // The engines of others are the same in both versions.
          env: { ...process.env, BENCH_RIVALS: "no" },
          timeout: LONGEST_MS,
        });
        const seconds = ((performance.now() - started) / 1_000).toFixed(0);
        console.error(`round ${round + 1} of ${rounds}: ${cwd === folder ? base : "this tree"}, ${seconds} s`);
        return ended;
      };
      copyFileSync(file, join(folder, file));
      let ownBench = false;
      const output = (cwd: string, round: number) => {
        let { status, stdout, stderr } = run(cwd, round);
        if (cwd === folder && !ownBench && status !== 0 && status !== null) {
          ownBench = true;
          console.log("The base runs its own version of this bench: this tree's does not run there.");
          spawnSync("git", ["checkout", "--", file], { cwd: folder });
          ({ status, stdout, stderr } = run(cwd, round));
        }
        if (status !== 0) {
          failed += 1;
          console.error(
            `A run in ${cwd} ${status === null ? "did not end in time" : "failed"}; what it printed before counts.\n${stderr}`,
          );
        }
        return stdout;
      };
      const outputs = Array.from({ length: rounds }, (_, round) => {
        // Who goes first changes: the second of two may find the machine warmer.
        if (round % 2 === 0) return { base: output(folder, round), head: output(".", round) };
        const head = output(".", round);
        return { base: output(folder, round), head };
      });
      console.log(comparisonTable(ratiosOf(outputs)));
    }
  } finally {
    remove();
  }
  return failed;
}

function runAll(): number {
  let failed = 0;
  for (const file of files) {
    console.log(`\n## ${file}`);
    const { status } = spawnSync(process.execPath, ["--expose-gc", file], { stdio: "inherit" });
    if (status !== 0) failed += 1;
  }
  return failed;
}

if (files.length === 0) fail("no bench has such a name");
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds must be a whole number above 0, not "${values.rounds}"`);
process.exitCode = (values.compare === undefined ? runAll() : compare(values.compare, rounds)) === 0 ? 0 : 1;
