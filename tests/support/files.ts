/**
 * Runs the named test files in this process, one after the other, and prints for `tests/run.ts`: `#took <seconds> <seconds of computing> <file>` for
 * each, then `#<passed> <failed>`.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "uvu/run";

const names = process.argv.slice(2);
const written: string[] = [];
const begun: { readonly name: string; readonly at: number; readonly cpu: number }[] = [];
/**
 * Seconds of computing of processes that this one began and that have ended: browsers, platforms of their own, compilers. Linux
 * counts them in hundredths, as members 16 and 17 of /proc/self/stat (man 5 proc_pid_stat); elsewhere they stay uncounted.
 */
const computedByOthers = (): number => {
  if (process.platform !== "linux") return 0;
  // The second member is the program's name in brackets, which may hold blanks.
  const [, ...members] = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)!.split(" ");
  return (Number(members[12]) + Number(members[13])) / 100;
};
/** Seconds of computing of this process, its threads included, and of those that it began. */
const computed = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + computedByOthers();
};
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((chunk: string | Uint8Array) => {
  const text = Buffer.from(chunk).toString();
  written.push(text);
  // uvu writes a file's name when it begins with its tests.
  const name = names.find((name) => text.includes(name));
  if (name !== undefined && begun.at(-1)?.name !== name) begun.push({ name, at: performance.now(), cpu: computed() });
  return write(chunk);
}) as typeof process.stdout.write;

await run(names.map((name) => ({ name, file: resolve(name) })));

const ended = { at: performance.now(), cpu: computed() };
const took = begun.map(({ name, at, cpu }, i) => {
  const end = begun[i + 1] ?? ended;
  return `#took ${((end.at - at) / 1_000).toFixed(1)} ${(end.cpu - cpu).toFixed(1)} ${name}\n`;
});

const count = (label: string): number => Number(new RegExp(`\\b${label}:\\s+(\\d+)`).exec(written.join(""))?.[1] ?? 0);
const total = count("Total");
const passed = count("Passed");
// A hook that throws ends its suite without a word from uvu, and a file without `test.run()` counts nothing: both fail here.
// Exit only once the pipe has taken everything: process.exit() would cut off what is still being written.
process.stdout.write = write;
process.stdout.write(`\n${took.join("")}#${passed} ${total === 0 ? 1 : total - passed}\n`, () =>
  process.exit(passed === total && total > 0 ? 0 : 1),
);
