/**
 * A persistent set of closed intervals of numbers, each with a value: a treap ordered by (low, high) in which every node
 * knows the largest `high` below it, so that all intervals around a number are found in O(log n) each.
 */
export interface Interval<V> {
  readonly low: number;
  readonly high: number;
  readonly priority: number;
  readonly value: V;
  readonly max: number;
  readonly left: Interval<V> | undefined;
  readonly right: Interval<V> | undefined;
}

type Tree<V> = Interval<V> | undefined;

export function findInterval<V>(tree: Tree<V>, low: number, high: number): V | undefined {
  let node = tree;
  while (node !== undefined) {
    const side = compare(low, high, node);
    if (side === 0) return node.value;
    node = side < 0 ? node.left : node.right;
  }
  return undefined;
}

/** Every value whose interval holds `point`. */
export function eachAround<V>(tree: Tree<V>, point: number, visit: (value: V) => void): void {
  if (tree === undefined || tree.max < point) return;
  eachAround(tree.left, point, visit);
  if (tree.low > point) return;
  if (tree.high >= point) visit(tree.value);
  eachAround(tree.right, point, visit);
}

/** Sets the value of an interval; `undefined` takes the interval out. */
export function setInterval<V>(tree: Tree<V>, low: number, high: number, value: V | undefined): Tree<V> {
  if (tree === undefined) {
    if (value === undefined) return undefined;
    return join({ low, high, priority: priorityOf(low, high), value }, undefined, undefined);
  }
  const side = compare(low, high, tree);
  if (side === 0)
    return value === undefined ? merge(tree.left, tree.right) : join({ ...tree, value }, tree.left, tree.right);
  if (side < 0) {
    const left = setInterval(tree.left, low, high, value);
    if (left === undefined || left.priority <= tree.priority) return join(tree, left, tree.right);
    return join(left, left.left, join(tree, left.right, tree.right));
  }
  const right = setInterval(tree.right, low, high, value);
  if (right === undefined || right.priority <= tree.priority) return join(tree, tree.left, right);
  return join(right, join(tree, tree.left, right.left), right.right);
}

function merge<V>(left: Tree<V>, right: Tree<V>): Tree<V> {
  if (left === undefined || right === undefined) return left ?? right;
  return left.priority > right.priority
    ? join(left, left.left, merge(left.right, right))
    : join(right, merge(left, right.left), right.right);
}

function join<V>(node: Omit<Interval<V>, "max" | "left" | "right">, left: Tree<V>, right: Tree<V>): Interval<V> {
  const { low, high, priority, value } = node;
  const below = Math.max(left?.max ?? Number.NEGATIVE_INFINITY, right?.max ?? Number.NEGATIVE_INFINITY);
  return { low, high, priority, value, max: Math.max(high, below), left, right };
}

const compare = (low: number, high: number, node: { low: number; high: number }): number =>
  low < node.low ? -1 : low > node.low ? 1 : high < node.high ? -1 : high > node.high ? 1 : 0;

const doubles = new Float64Array(2);
const words = new Int32Array(doubles.buffer);

/** A heap order that depends on the interval alone, so that the shape does not depend on the order of insertion. */
function priorityOf(low: number, high: number): number {
  doubles[0] = low;
  doubles[1] = high;
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x85ebca6b) ^ (hash >>> 13);
  return Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35) >>> 0;
}
