/**
 * Pulumi's SDK, less the work that only an engine needs. The SDK loads npm's resolver of packages, and a compiler that turns
 * closures into functions, which this program doesn't use. It also records a stack trace for each of thousands of promises, to
 * report those that stay open. Together that is a third of the time in which the program runs.
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
