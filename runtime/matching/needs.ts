import type { Path } from "./frame.ts";

/** A JSON value that can be looked up: strings, numbers, booleans and null. */
export type Scalar = string | number | boolean | null;

/** Something that must be true of an event: a necessary condition on one place. */
export type Need = Place &
  (
    | { readonly kind: "equal"; readonly values: readonly Scalar[] }
    | { readonly kind: "prefix" | "suffix"; readonly text: string }
    /** A number from `low` to `high`, both included: strictness is left to the selector itself. */
    | { readonly kind: "range"; readonly low: number; readonly high: number }
    | { readonly kind: "exists" }
  );

interface Place {
  readonly path: Path;
  /** When set, the condition is on the place `steps` of some element at `path`, not on `path` itself. */
  readonly inner?: { readonly of: Elements; readonly steps: readonly (string | number)[] };
}

/**
 * Which elements: of a JSONPath filter, an array's items and an object's member values; of a CEL comprehension, a list's
 * items and a map's keys.
 */
export type Elements = "values" | "keys";

/**
 * Alternatives of needs: a selector can only be true if, in at least one alternative, every need is met. `[[]]` demands
 * nothing; `[]` can't be met at all. Sound, not complete: what passes is a candidate that the selector itself judges.
 */
export type Needs = readonly (readonly Need[])[];

const MAX_ALTERNATIVES = 32;
const MAX_NEEDS = 6;

export function conjunction(all: readonly Needs[]): Needs {
  let product: Needs = [[]];
  for (const needs of all) {
    if (product.length * needs.length > MAX_ALTERNATIVES) {
      // Either side alone is still necessary; keep the one that demands something in fewer alternatives.
      if (demands(needs) && (!demands(product) || needs.length < product.length)) product = needs;
      continue;
    }
    product = product.flatMap((some) => needs.map((more) => merge(some, more)));
  }
  return product;
}

export function disjunction(all: readonly Needs[]): Needs {
  const joined = all.flat();
  if (!demands(joined)) return joined.length === 0 ? [] : [[]];
  const [first] = joined;
  const single = joined.every(
    ([need, ...more]) =>
      need?.kind === "equal" && more.length === 0 && need.inner === undefined && need.path === first![0]!.path,
  );
  if (single && joined.length > 1) {
    const values = joined.flatMap(([need]) => (need as { values: readonly Scalar[] }).values);
    return [[{ kind: "equal", path: first![0]!.path, values: [...new Set(values)] }]];
  }
  return joined.length > MAX_ALTERNATIVES ? [[]] : joined;
}

const demands = (needs: Needs): boolean => needs.length > 0 && needs.every((alternative) => alternative.length > 0);

function merge(some: readonly Need[], more: readonly Need[]): readonly Need[] {
  const merged = [...some];
  for (const need of more) {
    // Two ranges of one place are one; of elements they are not, since different elements can meet them.
    const at = merged.findIndex(
      (other) =>
        need.kind === "range" && other.kind === "range" && other.path === need.path && !need.inner && !other.inner,
    );
    const other = merged[at];
    if (need.kind === "range" && other?.kind === "range") {
      const low = Math.max(need.low, other.low);
      merged[at] = { ...need, low, high: Math.min(need.high, other.high) };
    } else if (merged.length < MAX_NEEDS) merged.push(need);
  }
  return merged;
}

/** What `path <operator> value` being true demands of the path. */
export function comparisonNeeds(path: Path, operator: string, value: Scalar): Needs {
  switch (operator) {
    case "==":
      return [[{ kind: "equal", path, values: [value] }]];
    case "<":
    case "<=":
      if (typeof value === "number") return [[{ kind: "range", path, low: Number.NEGATIVE_INFINITY, high: value }]];
      return [[{ kind: "exists", path }]];
    case ">":
    case ">=":
      if (typeof value === "number") return [[{ kind: "range", path, low: value, high: Number.POSITIVE_INFINITY }]];
      return [[{ kind: "exists", path }]];
    default:
      return [[]];
  }
}

/**
 * What a condition on `current` demands of the elements at `path`; its other demands stay as they are. Elements of
 * elements are let go: they are not looked up.
 */
export const ofElements = (needs: Needs, path: Path, of: Elements): Needs =>
  needs.map((alternative) =>
    alternative.flatMap((need) => {
      if (need.path.root !== "current") return [need];
      return need.inner === undefined ? [{ ...need, path, inner: { of, steps: need.path.steps } }] : [];
    }),
  );
