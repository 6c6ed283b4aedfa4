import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";

/**
 * Phrases that a reader from another country has to read twice. Each is refused in every text of the project: comments,
 * messages, pages, titles of tests.
 */
const REFUSED: readonly [why: string, pattern: RegExp, seen: string][] = [
  ["name the subject: the caller, the stage, the person", /\bwhoever\b/i, "whoever asks first"],
  [
    "name the subject: a message that fails, a resource that holds data",
    /\bwhatever (?:is|was|are|were|has|had|have|can|could|may|must|fails|goes|comes|happens|holds|costs|takes|makes|belongs|reads|waits|wrong|else)\b/i,
    "whatever fails comes again",
  ],
  [
    "give a number with a unit",
    /\b(?:for|over|after|up to|as) (?:this|so) long\b|\bpause this long\b|\bso long ago\b/i,
    "kept for so long",
  ],
  ["say `no longer`, or put the limit first", /\bno more(?=[.;:]|$)/im, "the stream takes no more."],
  [
    "name the thing that fails: a message, a line, a post",
    /\bwhat (?:can't|cannot|could not) be\b/i,
    "what can't be read",
  ],
  ["name the thing: a due delivery, the message", /\bwhat (?:is|was) (?:due|told)\b/i, "sends what is due"],
  ["say what happens, once: `at least once`", /\bnever not\b/i, "posted twice, never not at all"],
  ["say what is missing or used up", /\bfor want of\b/i, "refused for want of concurrency"],
];

const root = join(import.meta.dirname, "../..");
const files = [
  "README.md",
  "SECURITY.md",
  "index.ts",
  "standby.ts",
  ...globSync(
    [
      "{cli,components,docs,integrations,loadtest,local,operations,policies,program,runtime,sdk,tests}/**/*.{ts,js,mjs,py,md}",
    ],
    {
      cwd: root,
    },
  ),
].filter((file) => !/node_modules|\/dist\/|^tests\/corpus|^tests\/house\/plainEnglish/.test(file));

for (const [why, pattern, seen] of REFUSED) {
  test(`${pattern}: ${why}`, () => {
    assert.match(seen, pattern);
    const lines = files.flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    );
    assert.deepEqual(lines, []);
  });
}

test.run();
