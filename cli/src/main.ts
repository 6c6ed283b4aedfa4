#!/usr/bin/env node
import module from "node:module";
import { proposeCompletions, run, type StricliDynamicCommandContext } from "@stricli/core";
import { appFor } from "./app.ts";
import { exits } from "./exits.ts";
import type { Context } from "./run.ts";

// Node.js from 22: what was compiled once is read the next time.
(module as { enableCompileCache?(): void }).enableCompileCache?.();

// Types of Node.js and of Stricli differ in whether an exit code may be undefined.
const context = { process } as StricliDynamicCommandContext<Context>;
// What reads the answers may have enough of them, as `head` has.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(exits.done);
});
const words = process.argv.slice(2);
const app = appFor(words.includes("--json"));
const [first, ...rest] = words;
if (first === "--complete") {
  const found = await proposeCompletions(app, rest, context);
  process.stdout.write(found.map(({ completion }) => `${completion}\n`).join(""));
} else {
  await run(app, words, context);
  // Stricli's own codes are below zero: the command line was wrong.
  if (Number(process.exitCode) < 0) process.exitCode = Number(process.exitCode) <= -4 ? exits.usage : exits.failed;
}
