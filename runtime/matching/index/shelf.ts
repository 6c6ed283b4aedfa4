import type { RootName } from "../frame.ts";
import type { Elements, Need, Scalar } from "../needs.ts";
import { Hamt, type Owner } from "./hamt.ts";
import type { Interval } from "./intervals.ts";

/**
 * The index: a persistent tree of buckets. An item is filed under one of its needs; a bucket that grows past `SPLIT`
 * becomes a tree of its own over the needs its items have left. So an event reaches an item only if it meets every need
 * on the way, and each selector it reaches is only a candidate: the selector itself decides.
 */
export interface Item<E> {
  readonly entry: E;
  /** Needs not yet used on the way here. */
  readonly needs: readonly Need[];
}

export const SPLIT = 16;
/** Longer texts are not looked up by their whole, so that hashing an event's value costs little. */
export const MAX_KEY = 128;

export interface Bucket<E> {
  readonly owner: Owner;
  readonly count: number;
  readonly items: Item<E>[];
  readonly tree: Tree<E> | undefined;
}

/** What is filed under one path, and the paths below it. */
export interface Shelf<E> {
  readonly owner: Owner;
  below: Hamt<Shelf<E>>;
  equal: Hamt<Bucket<E>>;
  /** By length, ascending. */
  prefixes: readonly (readonly [length: number, Hamt<Bucket<E>>])[];
  suffixes: readonly (readonly [length: number, Hamt<Bucket<E>>])[];
  ranges: Interval<Bucket<E>> | undefined;
  ranged: number;
  exists: Bucket<E> | undefined;
}

export interface Tree<E> {
  readonly owner: Owner;
  rest: Bucket<E> | undefined;
  readonly roots: Record<RootName, Shelf<E>>;
}

export const emptyShelf = <E>(owner: Owner): Shelf<E> => ({
  owner,
  below: new Hamt(),
  equal: new Hamt(),
  prefixes: [],
  suffixes: [],
  ranges: undefined,
  ranged: 0,
  exists: undefined,
});

export const emptyTree = <E>(owner: Owner): Tree<E> => ({
  owner,
  rest: undefined,
  roots: {
    event: emptyShelf(owner),
    event_type: emptyShelf(owner),
    event_id: emptyShelf(owner),
    current: emptyShelf(owner),
  },
});

/** The step into every element of a place. Its keys are booleans, so they differ from every member name and index. */
export const EVERY: Readonly<Record<Elements, boolean>> = { values: true, keys: false };

export const stepsOf = ({ path, inner }: Need): readonly Scalar[] =>
  inner === undefined ? path.steps : [...path.steps, EVERY[inner.of], ...inner.steps];

/** The need in the form it is filed in. */
export function fileable(need: Need): Need {
  if (need.kind === "prefix" && need.text.length > MAX_KEY) return { ...need, text: need.text.slice(0, MAX_KEY) };
  if (need.kind === "suffix" && need.text.length > MAX_KEY) return { ...need, text: need.text.slice(-MAX_KEY) };
  const long =
    need.kind === "equal" && need.values.some((value) => typeof value === "string" && value.length > MAX_KEY);
  return long ? { ...need, kind: "exists" } : need;
}
