/**
 * Pulumi's SDK without what it does for an engine that isn't there. It loads npm's resolver of packages and a compiler to turn
 * closures into functions, which the program has none of; and it takes down the stack at which each of thousands of promises
 * was made, to tell of those that are never kept. Together that is a third of the time in which the program runs.
 */
import { createRequire, Module } from "node:module";

const require = createRequire(import.meta.resolve("@pulumi/pulumi"));
for (const unneeded of ["@npmcli/arborist", "@pulumi/pulumi/typescript-shim.js"].map((name) => require.resolve(name)))
  require.cache[unneeded] ??= Object.assign(new Module(unneeded), { loaded: true });

const debugging = require("@pulumi/pulumi/runtime/debuggable.js") as {
  debuggablePromise<T>(promise: Promise<T>, context: unknown): Promise<T>;
};
debugging.debuggablePromise = (promise) => promise;

export const pulumi = require("@pulumi/pulumi") as typeof import("@pulumi/pulumi");
