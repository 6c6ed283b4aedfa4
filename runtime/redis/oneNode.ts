/** Stands for the package `cluster-key-slot` in bundles: there is one node, so no command's slot is ever asked for. */
export function slot(): never {
  throw new Error("this is no client of a cluster");
}
