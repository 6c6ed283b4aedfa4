/**
 * The persistent hash map of the index beside the one of `immutable`: what the index does most is look a constant up, and what a
 * change of a subscription does is set one key in a snapshot that stays as it was.
 */
import { Map as Immutable } from "immutable";
import { Hamt } from "../../../runtime/matching/index/hamt.ts";

const TURNS = 7;
const sizes = [100, 10_000, 100_000];

/** Nanoseconds of processor time a step: the least of some turns. */
function measure(steps: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const started = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(started);
    least = Math.min(least, ((user + system) * 1_000) / steps);
  }
  return least;
}

const row = (...cells: (string | number)[]) =>
  console.log(`| ${cells.map((cell) => (typeof cell === "number" ? cell.toFixed(0) : cell)).join(" | ")} |`);

row("nanoseconds a step", "keys", "ours", "immutable");
row("---", "---:", "---:", "---:");
for (const size of sizes) {
  const keys = Array.from({ length: size }, (_, i) => `customer-${i}`);
  const steps = 100_000;
  const build = () => {
    const owner = {};
    return keys.reduce((map, key, i) => map.set(key, i, owner), new Hamt<number>());
  };
  const buildTheirs = () =>
    Immutable<string, number>().withMutations((map) => keys.forEach((key, i) => void map.set(key, i)));
  const [ours, theirs] = [build(), buildTheirs()];
  let found = 0;
  row(
    "look up",
    String(size),
    measure(steps, () => {
      for (let i = 0; i < steps; i += 1) found += ours.get(keys[(i * 7_919) % size]!)!;
    }),
    measure(steps, () => {
      for (let i = 0; i < steps; i += 1) found += theirs.get(keys[(i * 7_919) % size]!)!;
    }),
  );
  row(
    "set one, the old map stays",
    String(size),
    measure(steps, () => {
      for (let i = 0; i < steps; i += 1) found += ours.set(keys[(i * 7_919) % size]!, -i, {}).size;
    }),
    measure(steps, () => {
      for (let i = 0; i < steps; i += 1) found += theirs.set(keys[(i * 7_919) % size]!, -i).size;
    }),
  );
  row(
    "build, a key",
    String(size),
    measure(size, () => {
      found += build().size;
    }),
    measure(size, () => {
      found += buildTheirs().size;
    }),
  );
  if (found === 0) throw new Error("nothing was found");
}
