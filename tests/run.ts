/**
 * `npm test [-- words…]`: types, lint, dead code, then every `*.test.ts`, and one closing line `N passed, N failed`.
 * Unit tests run in parallel processes, those of a folder in one; those in `tests/endToEnd` say their group (support/groups.ts).
 * Before that line it names the files that took longest.
 * With words, only test files whose path contains one of them run, without the checks.
 */
import { spawn } from "node:child_process";
import { globSync, readFileSync, statSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname } from "node:path";
import { cacheFolder } from "../local/cache.ts";
import { startFlags } from "../local/startScript.ts";
import { endToEndGroups, groupNames, unitProcesses } from "./support/groups.ts";

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

const words = process.argv.slice(2);
const wanted = (file: string) => words.length === 0 || words.some((word) => file.includes(word));
const files = globSync("tests/**/*.test.ts").filter(wanted).sort();
const endToEnd = files.filter((file) => file.startsWith("tests/endToEnd/"));
const unit = files.filter((file) => !file.startsWith("tests/endToEnd/"));

function run(
  command: string,
  args: readonly string[],
  onOutput?: (output: string) => void,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      // What one process has compiled, the next ones read.
      // And what the tests start shares the machine with all other tests: nothing of it stands back.
      env: {
        ...process.env,
        FORCE_COLOR: "0",
        NODE_COMPILE_CACHE: cacheFolder("compiled"),
        TRIGGERS_ACCEPT_FIRST: "no",
      },
    });
    let output = "";
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      onOutput?.(output);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

async function check(name: string, script: string): Promise<Outcome> {
  const started = performance.now();
  const { code, output } = await run("npm", ["run", "--silent", script]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)\n${code === 0 ? "" : output}`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
}

/** Resolves when the first platform runs: it has bundled the functions and made what else the next ones find. */
const { promise: firstPlatform, resolve: booted } = Promise.withResolvers<void>();

/** Files, how many seconds each took among others that ran beside it, and how many it computed. */
const took: { readonly file: string; readonly seconds: number; readonly cpu: number }[] = [];

async function group(name: string, group: readonly string[]): Promise<Outcome> {
  const started = performance.now();
  const { code, output } = await run(
    process.execPath,
    [...startFlags, "tests/support/files.ts", ...group],
    (output) => {
      if (output.includes("#booted")) booted();
    },
  );
  booted();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  for (const [, seconds, cpu, file] of output.matchAll(/^#took ([\d.]+) ([\d.]+) (.+)$/gm))
    took.push({ file: file!, seconds: Number(seconds), cpu: Number(cpu) });
  const counted = /^#(\d+) (\d+)$/m.exec(output);
  const passed = Number(counted?.[1] ?? 0);
  const failed = Math.max(Number(counted?.[2] ?? 0), code === 0 && counted !== null ? 0 : 1);
  const ok = failed === 0;
  process.stdout.write(`${ok ? "ok  " : "FAIL"} ${name}: ${passed} (${seconds} s)\n${ok ? "" : output}`);
  return { passed, failed };
}

/** Works off the jobs. @param front how many workers take the next job from the front @param end how many take it from the end */
async function pool(jobs: (() => Promise<Outcome>)[], front: number, end: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const worker = async (take: () => (() => Promise<Outcome>) | undefined) => {
    for (let job = take(); job !== undefined; job = take()) outcomes.push(await job());
  };
  await Promise.all([
    ...Array.from({ length: front }, () => worker(() => jobs.shift())),
    ...Array.from({ length: end }, () => worker(() => jobs.pop())),
  ]);
  return outcomes;
}

// End-to-end tests wait most of their time: for retries, timeouts, platforms that start. Therefore several groups run at once, each in a
// process of its own, the longest first. Unit tests compute, and fill the time in between: they begin at the other end, the largest files first.
const byGroup = endToEndGroups(endToEnd, (file) => readFileSync(file, "utf8"));
const groups = groupNames.flatMap((name) => (byGroup.has(name) ? [byGroup.get(name)!] : []));
const sizeOf = (files: readonly string[]): number => files.reduce((sum, file) => sum + statSync(file).size, 0);
const chunks = unitProcesses(unit).sort((a, b) => sizeOf(a) - sizeOf(b));
const checks = [() => check("types", "types"), () => check("lint", "lint"), () => check("dead code", "dead")];
const job = (files: readonly string[]) => () =>
  group(files.length === 1 ? files[0]! : `${dirname(files[0]!)} (${files.length} files)`, files);
const [first, ...others] = groups.map(job);
const cores = Math.max(2, availableParallelism());
/** A process with a platform takes up to 2 GB. */
const processesInMemory = Math.floor(totalmem() / 2.5e9);
const forUnits = Math.ceil(cores / 2);
const outcomes = await pool(
  [
    ...(first === undefined ? [] : [first]),
    ...(words.length === 0 ? checks : []),
    ...others.map((job) => () => firstPlatform.then(job)),
    ...chunks.map(job),
  ],
  Math.max(2, Math.min(4 * cores, processesInMemory) - forUnits),
  forUnits,
);

const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
if (took.length > 1) {
  const longest = took.toSorted((a, b) => b.seconds - a.seconds).slice(0, 15);
  const lines = longest.map(
    ({ file, seconds, cpu }) => `  ${seconds.toFixed(1)} s (${cpu.toFixed(1)} s CPU) ${file}\n`,
  );
  process.stdout.write(`longest:\n${lines.join("")}`);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
