import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { test } from "uvu";
import { growing } from "../../runtime/domain/growing.ts";

const root = join(import.meta.dirname, "../..");
/** Entries for which a cache may take room when it is made. */
const FEW = 1_000;

/** The bounds by `max` of caches that are made in a text: a number, or a constant whose number stands in the same text. */
function roomTaken(text: string): number[] {
  return [...text.matchAll(/new LRUCache(?:<[^(]*>)?\(\{[^}]*?\bmax: (\w+)/g)].map(([, max]) => {
    const number = /^\d/.test(max!) ? max! : new RegExp(`const ${max} = ([\\d_]+)`).exec(text)?.[1];
    return Number(number?.replaceAll("_", "") ?? Number.POSITIVE_INFINITY);
  });
}

test("large caches of functions take room as they fill, so that an environment opens at once", () => {
  for (const file of globSync("runtime/**/*.ts", { cwd: root }))
    for (const max of roomTaken(readFileSync(join(root, file), "utf8"))) assert.ok(max <= FEW, `${file}: ${max}`);
});

test("the check sees room that is taken", () => {
  assert.deepEqual(roomTaken("const MANY = 20_000; new LRUCache<string, { a: 1 }>({ ttl: 1, max: MANY });"), [20_000]);
  assert.deepEqual(roomTaken("new LRUCache({ max: 16 })"), [16]);
});

test("a cache that grows holds as many as one whose room is taken, and lets the same go", () => {
  const [grows, taken] = [new LRUCache<number, number>(growing(50)), new LRUCache<number, number>({ max: 50 })];
  for (let i = 0; i < 1_000; i += 1) {
    const key = (i * i * 7_919) % 131;
    for (const cache of [grows, taken]) if (i % 3 === 0) cache.get(key);
    for (const cache of [grows, taken]) if (i % 3 !== 0) cache.set(key, i);
    for (const cache of [grows, taken]) if (i % 17 === 0) cache.delete(key + 1);
    assert.deepEqual([...grows.entries()], [...taken.entries()]);
  }
});

test.run();
