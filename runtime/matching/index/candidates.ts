import { LongNumber } from "../../domain/jsonNumber.ts";
import { type Frame, stepInto } from "../frame.ts";
import type { Scalar } from "../needs.ts";
import type { Hamt } from "./hamt.ts";
import { eachAround } from "./intervals.ts";
import { type Bucket, EVERY, MAX_KEY, type Shelf, type Tree } from "./shelf.ts";

/** Calls `visit` for the entry of every item whose needs on the way here the event meets. */
export function eachCandidate<E>(tree: Tree<E>, frame: Frame, visit: (entry: E) => void): void {
  if (tree.rest !== undefined) visitBucket(tree.rest, frame, visit);
  // Only members that some selector asks for are read: if all of them ask for types only, the payload is never parsed.
  const { event, event_type, event_id } = tree.roots;
  if (holds(event)) visitShelf(event, frame.event.payload, frame, visit);
  if (holds(event_type)) visitShelf(event_type, frame.event.event_type, frame, visit);
  if (holds(event_id)) visitShelf(event_id, frame.event.event_id, frame, visit);
}

const holds = ({ below, equal, ranges, prefixes, suffixes, exists }: Shelf<unknown>): boolean =>
  below.size + equal.size + prefixes.length + suffixes.length > 0 || ranges !== undefined || exists !== undefined;

function visitBucket<E>(bucket: Bucket<E> | undefined, frame: Frame, visit: (entry: E) => void): void {
  if (bucket === undefined) return;
  for (const { entry } of bucket.items) visit(entry);
  if (bucket.tree !== undefined) eachCandidate(bucket.tree, frame, visit);
}

/** Members are looked up from whichever side has fewer: what is filed below, or what the event has. */
const FEW = 64;

function visitShelf<E>(shelf: Shelf<E>, value: unknown, frame: Frame, visit: (entry: E) => void): void {
  visitBucket(shelf.exists, frame, visit);
  if (value instanceof LongNumber) {
    // Filed under the nearest double, as what it is compared with is.
    visitShelf({ ...shelf, exists: undefined }, value.double, frame, visit);
    return;
  }
  if (typeof value === "object" && value !== null) {
    if (shelf.below.size > 0) visitBelow(shelf.below, value, frame, visit);
    return;
  }
  if (shelf.equal.size > 0 && (typeof value !== "string" || value.length <= MAX_KEY)) {
    visitBucket(shelf.equal.get(value as Scalar), frame, visit);
  }
  if (typeof value === "number") eachAround(shelf.ranges, value, (bucket) => visitBucket(bucket, frame, visit));
  if (typeof value !== "string") return;
  for (const [length, map] of shelf.prefixes) {
    if (length > value.length) break;
    visitBucket(map.get(value.slice(0, length)), frame, visit);
  }
  for (const [length, map] of shelf.suffixes) {
    if (length > value.length) break;
    visitBucket(map.get(value.slice(value.length - length)), frame, visit);
  }
}

function visitBelow<E>(below: Hamt<Shelf<E>>, value: object, frame: Frame, visit: (entry: E) => void): void {
  if (below.size <= FEW || Array.isArray(value)) {
    below.each((inner, step) => {
      if (typeof step === "boolean") visitElements(inner, step, value, frame, visit);
      else {
        const child = stepInto(value, step as string | number);
        if (child !== undefined) visitShelf(inner, child, frame, visit);
      }
    });
    return;
  }
  for (const key of frame.keysOf(value)) {
    const inner = below.get(key);
    if (inner !== undefined) visitShelf(inner, (value as Record<string, unknown>)[key], frame, visit);
  }
  for (const step of [true, false]) {
    const inner = below.get(step);
    if (inner !== undefined) visitElements(inner, step, value, frame, visit);
  }
}

function visitElements<E>(
  shelf: Shelf<E>,
  step: boolean,
  value: object,
  frame: Frame,
  visit: (entry: E) => void,
): void {
  if (Array.isArray(value)) for (const item of value) visitShelf(shelf, item, frame, visit);
  else if (step === EVERY.keys) for (const key of frame.keysOf(value)) visitShelf(shelf, key, frame, visit);
  else for (const key of frame.keysOf(value)) visitShelf(shelf, (value as Record<string, unknown>)[key], frame, visit);
}
