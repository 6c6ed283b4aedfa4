import type { Scalar } from "../needs.ts";

/**
 * A persistent hash map (hash array mapped trie): setting or deleting copies the few nodes on the way and shares the
 * rest, so that an old snapshot stays as it was. Nodes that carry the caller's own `Owner` are changed in place instead:
 * a whole map is built without copying, and becomes immutable once that owner is gone.
 */
export type Owner = object;

interface Leaf<V> {
  readonly kind: "leaf";
  readonly hash: number;
  readonly key: Scalar;
  readonly value: V;
}

/** Keys whose hashes are equal in all 32 bits. */
interface Clash<V> {
  readonly kind: "clash";
  readonly hash: number;
  readonly leaves: readonly Leaf<V>[];
}

interface Branch<V> {
  readonly kind: "branch";
  readonly owner: Owner;
  mask: number;
  readonly children: Node<V>[];
}

type Node<V> = Leaf<V> | Clash<V> | Branch<V>;

export class Hamt<V> {
  readonly size: number;
  readonly #root: Node<V> | undefined;

  constructor(root?: Node<V>, size = 0) {
    this.#root = root;
    this.size = size;
  }

  get(key: Scalar): V | undefined {
    let node = this.#root;
    if (node === undefined) return undefined;
    const hash = hashOf(key);
    for (let shift = 0; node.kind === "branch"; shift += 5) {
      const bit = 1 << ((hash >>> shift) & 31);
      if ((node.mask & bit) === 0) return undefined;
      node = node.children[ones(node.mask & (bit - 1))]!;
    }
    if (node.kind === "leaf") return node.key === key ? node.value : undefined;
    return node.leaves.find((leaf) => leaf.key === key)?.value;
  }

  set(key: Scalar, value: V, owner: Owner): Hamt<V> {
    const leaf: Leaf<V> = { kind: "leaf", hash: hashOf(key), key, value };
    const added = this.get(key) === undefined ? 1 : 0;
    return new Hamt(this.#root === undefined ? leaf : put(this.#root, leaf, 0, owner), this.size + added);
  }

  delete(key: Scalar, owner: Owner): Hamt<V> {
    if (this.get(key) === undefined) return this;
    return new Hamt(cut(this.#root!, hashOf(key), key, 0, owner), this.size - 1);
  }

  each(visit: (value: V, key: Scalar) => void): void {
    if (this.#root !== undefined) walk(this.#root, visit);
  }
}

function walk<V>(node: Node<V>, visit: (value: V, key: Scalar) => void): void {
  if (node.kind === "leaf") visit(node.value, node.key);
  else for (const child of node.kind === "branch" ? node.children : node.leaves) walk(child, visit);
}

function put<V>(node: Node<V>, leaf: Leaf<V>, shift: number, owner: Owner): Node<V> {
  if (node.kind === "branch") {
    const bit = 1 << ((leaf.hash >>> shift) & 31);
    const at = ones(node.mask & (bit - 1));
    const own = editable(node, owner);
    if ((node.mask & bit) === 0) {
      own.children.splice(at, 0, leaf);
      own.mask |= bit;
    } else own.children[at] = put(own.children[at]!, leaf, shift + 5, owner);
    return own;
  }
  if (node.hash === leaf.hash) {
    const others = node.kind === "leaf" ? [node] : node.leaves;
    const rest = others.filter((other) => other.key !== leaf.key);
    return rest.length === 0 ? leaf : { kind: "clash", hash: leaf.hash, leaves: [...rest, leaf] };
  }
  const bit = 1 << ((node.hash >>> shift) & 31);
  return put({ kind: "branch", owner, mask: bit, children: [node] }, leaf, shift, owner);
}

function cut<V>(node: Node<V>, hash: number, key: Scalar, shift: number, owner: Owner): Node<V> | undefined {
  if (node.kind === "leaf") return undefined;
  if (node.kind === "clash") {
    const leaves = node.leaves.filter((leaf) => leaf.key !== key);
    return leaves.length === 1 ? leaves[0] : { ...node, leaves };
  }
  const bit = 1 << ((hash >>> shift) & 31);
  const at = ones(node.mask & (bit - 1));
  const left = cut(node.children[at]!, hash, key, shift + 5, owner);
  const own = editable(node, owner);
  if (left !== undefined) {
    own.children[at] = left;
    return own;
  }
  own.children.splice(at, 1);
  own.mask &= ~bit;
  const [only] = own.children;
  // A branch with a single leaf would make the shape depend on history; the remaining leaf moves up.
  return own.children.length > 1 ? own : only?.kind === "branch" ? own : only;
}

const editable = <V>(branch: Branch<V>, owner: Owner): Branch<V> =>
  branch.owner === owner ? branch : { kind: "branch", owner, mask: branch.mask, children: [...branch.children] };

function ones(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

const doubles = new Float64Array(1);
const words = new Int32Array(doubles.buffer);

/** FNV-1a over a string's units, a mix of a number's bits; `0` and `-0` are one key. */
function hashOf(key: Scalar): number {
  if (typeof key === "string") {
    let hash = 0x811c9dc5;
    for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    return spread(hash);
  }
  if (typeof key !== "number") return key === null ? 1 : key ? 2 : 3;
  doubles[0] = key + 0;
  return spread(Math.imul(words[0]!, 0x01000193) ^ words[1]!);
}

const spread = (hash: number): number => Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) | 0;
