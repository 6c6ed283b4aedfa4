import type { Need, Scalar } from "../needs.ts";
import { Hamt, type Owner } from "./hamt.ts";
import { findInterval, setInterval } from "./intervals.ts";
import {
  type Bucket,
  emptyShelf,
  emptyTree,
  fileable,
  type Item,
  type Shelf,
  SPLIT,
  stepsOf,
  type Tree,
} from "./shelf.ts";

/** What becomes of the bucket of a place; `undefined` is an empty one, before and after. */
type Edit<E> = (bucket: Bucket<E> | undefined) => Bucket<E> | undefined;

/** The tree with an item more. @param owner see `Hamt` */
export function insert<E>(tree: Tree<E>, item: Item<E>, owner: Owner): Tree<E> {
  const needs = item.needs.map(fileable);
  const chosen = cheapest(tree, needs);
  const own: Tree<E> = tree.owner === owner ? tree : { ...tree, owner, roots: { ...tree.roots } };
  const left = { entry: item.entry, needs: needs.filter((need) => need !== chosen) };
  const edit: Edit<E> = (bucket) => fill(bucket, left, owner);
  if (chosen === undefined) own.rest = edit(own.rest);
  else editRoot(own, chosen, edit, owner);
  return own;
}

/** The tree without the items of an entry that was inserted with these needs. */
export function remove<E>(tree: Tree<E>, entry: E, needs: readonly Need[], owner: Owner): Tree<E> {
  return withdraw(tree, entry, needs, owner, { removed: 0 });
}

interface Count {
  removed: number;
}

function withdraw<E>(tree: Tree<E>, entry: E, needs: readonly Need[], owner: Owner, count: Count): Tree<E> {
  const own: Tree<E> = tree.owner === owner ? tree : { ...tree, owner, roots: { ...tree.roots } };
  const filed = needs.map(fileable);
  // Which need it was filed under depended on the tree of that time, so every one of them is tried.
  for (const need of filed) {
    const rest = filed.filter((other) => other !== need);
    editRoot(own, need, (bucket) => drain(bucket, entry, rest, owner, count), owner);
  }
  own.rest = drain(own.rest, entry, filed, owner, count);
  return own;
}

function fill<E>(bucket: Bucket<E> | undefined, item: Item<E>, owner: Owner): Bucket<E> {
  if (bucket === undefined) return { owner, count: 1, items: [item], tree: undefined };
  const { items, count } = bucket;
  if (bucket.tree !== undefined) return { owner, count: count + 1, items, tree: insert(bucket.tree, item, owner) };
  const more = bucket.owner === owner ? items : [...items];
  more.push(item);
  // A bucket past the limit is still without a tree only if its earlier items have run out of needs: then the new item alone can
  // have some.
  const splits = count === SPLIT ? more.some(({ needs }) => needs.length > 0) : count > SPLIT && item.needs.length > 0;
  if (!splits) return { owner, count: count + 1, items: more, tree: undefined };
  const tree = emptyTree<E>(owner);
  const settled = more.filter(({ needs }) => needs.length === 0);
  if (settled.length > 0) tree.rest = { owner, count: settled.length, items: settled, tree: undefined };
  const split = more.reduce((made, one) => (one.needs.length === 0 ? made : insert(made, one, owner)), tree);
  return { owner, count: count + 1, items: [], tree: split };
}

function drain<E>(
  bucket: Bucket<E> | undefined,
  entry: E,
  needs: readonly Need[],
  owner: Owner,
  total: Count,
): Bucket<E> | undefined {
  if (bucket === undefined) return undefined;
  const { tree } = bucket;
  const before = total.removed;
  const items = tree === undefined ? bucket.items.filter((item) => item.entry !== entry) : [];
  const left = tree === undefined ? undefined : withdraw(tree, entry, needs, owner, total);
  if (tree === undefined) total.removed += bucket.items.length - items.length;
  const count = bucket.count - (total.removed - before);
  if (count === bucket.count) return bucket;
  return count === 0 ? undefined : { owner, count, items, tree: left };
}

/** The need under which the fewest others are filed; equality wins a tie. */
function cheapest<E>(tree: Tree<E>, needs: readonly Need[]): Need | undefined {
  let best: Need | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const need of needs) {
    const cost = crowd(tree, need);
    if (cost < least) [best, least] = [need, cost];
  }
  return best;
}

function crowd<E>(tree: Tree<E>, need: Need): number {
  const shelf = shelfAt(tree, need);
  switch (need.kind) {
    case "equal":
      return need.values.reduce<number>(
        (sum, value) => sum + (shelf?.equal.get(value)?.count ?? 0),
        need.values.length,
      );
    case "prefix":
    case "suffix":
      return 2 + (affixes(shelf?.[AFFIX[need.kind]], need.text)?.count ?? 0);
    case "range":
      return 4 + (shelf?.ranged ?? 0) / 2;
    default:
      return 8 + (shelf?.exists?.count ?? 0);
  }
}

const AFFIX = { prefix: "prefixes", suffix: "suffixes" } as const;

const affixes = <E>(all: Shelf<E>["prefixes"] | undefined, text: string): Bucket<E> | undefined =>
  all?.find(([length]) => length === text.length)?.[1].get(text);

function shelfAt<E>(tree: Tree<E>, need: Need): Shelf<E> | undefined {
  let shelf: Shelf<E> | undefined = tree.roots[need.path.root];
  for (const step of stepsOf(need)) shelf = shelf?.below.get(step);
  return shelf;
}

function editRoot<E>(tree: Tree<E>, need: Need, edit: Edit<E>, owner: Owner): void {
  const { root } = need.path;
  tree.roots[root] = editShelf(tree.roots[root], stepsOf(need), 0, need, edit, owner) ?? emptyShelf(owner);
}

/** The shelf changed at the need's path; `undefined` when nothing is left on it or below. */
function editShelf<E>(
  shelf: Shelf<E> | undefined,
  steps: readonly Scalar[],
  at: number,
  need: Need,
  edit: Edit<E>,
  owner: Owner,
): Shelf<E> | undefined {
  const own = shelf === undefined ? emptyShelf<E>(owner) : shelf.owner === owner ? shelf : { ...shelf, owner };
  if (at < steps.length) {
    const step = steps[at]!;
    const below = editShelf(own.below.get(step), steps, at + 1, need, edit, owner);
    own.below = below === undefined ? own.below.delete(step, owner) : own.below.set(step, below, owner);
  } else editPlace(own, need, edit, owner);
  const filed = own.below.size + own.equal.size + own.prefixes.length + own.suffixes.length + own.ranged;
  return filed === 0 && own.exists === undefined ? undefined : own;
}

function editPlace<E>(own: Shelf<E>, need: Need, edit: Edit<E>, owner: Owner): void {
  switch (need.kind) {
    case "equal":
      for (const value of need.values) own.equal = editKey(own.equal, value, edit, owner);
      break;
    case "prefix":
    case "suffix":
      own[AFFIX[need.kind]] = editAffix(own[AFFIX[need.kind]], need.text, edit, owner);
      break;
    case "range": {
      const before = findInterval(own.ranges, need.low, need.high);
      const after = edit(before);
      if (after === before) break;
      own.ranged += (after?.count ?? 0) - (before?.count ?? 0);
      own.ranges = setInterval(own.ranges, need.low, need.high, after);
      break;
    }
    default:
      own.exists = edit(own.exists);
  }
}

function editKey<E>(map: Hamt<Bucket<E>>, key: Scalar, edit: Edit<E>, owner: Owner): Hamt<Bucket<E>> {
  const before = map.get(key);
  const after = edit(before);
  if (after === before) return map;
  return after === undefined ? map.delete(key, owner) : map.set(key, after, owner);
}

function editAffix<E>(all: Shelf<E>["prefixes"], text: string, edit: Edit<E>, owner: Owner): Shelf<E>["prefixes"] {
  const known = all.find(([length]) => length === text.length)?.[1];
  const map = editKey(known ?? new Hamt<Bucket<E>>(), text, edit, owner);
  if (map === known) return all;
  const others = all.filter(([length]) => length !== text.length);
  if (map.size === 0) return others;
  return [...others, [text.length, map] as const].sort(([a], [b]) => a - b);
}
