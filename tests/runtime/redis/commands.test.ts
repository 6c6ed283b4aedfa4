import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "uvu";
import { list } from "../../../runtime/redis/commands.ts";

const load = createRequire(import.meta.url);
const { list: all } = createRequire(load.resolve("ioredis"))("@ioredis/commands") as { list: readonly string[] };

test("a bundle has each command as a method that ioredis sends itself", () => {
  const code = ["./Redis.js", "./redis/event_handler.js"].map((file) =>
    readFileSync(new URL(file, `file://${load.resolve("ioredis")}`), "utf8"),
  );
  const called = code.flatMap((text) => [...text.matchAll(/\b(?:self|this)\.(\w+)\(/g)].map(([, name]) => name!));
  const sent = new Set(called.filter((name) => all.includes(name)));
  assert.deepEqual([...sent].sort(), [...list].sort());
});

test.run();
