/** Runs the named test files in this process, one after the other, and prints `#<passed> <failed>` for `tests/run.ts`. */
import { resolve } from "node:path";
import { run } from "uvu/run";

const written: string[] = [];
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((chunk: string | Uint8Array) => {
  written.push(Buffer.from(chunk).toString());
  return write(chunk);
}) as typeof process.stdout.write;

await run(process.argv.slice(2).map((name) => ({ name, file: resolve(name) })));

const count = (label: string): number => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(written.join(""))?.[1] ?? 0);
const total = count("Total");
const passed = count("Passed");
// A hook that throws ends its suite without a word from uvu, and a file without `test.run()` counts nothing: both fail here.
// Exit only once the pipe has taken everything: process.exit() would cut off what is still being written.
process.stdout.write = write;
process.stdout.write(`#${passed} ${total === 0 ? 1 : total - passed}\n`, () =>
  process.exit(passed === total && total > 0 ? 0 : 1),
);
