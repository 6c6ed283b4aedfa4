import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import { BACKGROUND, helpersStepBack } from "../../local/priority.ts";

const test = suite("which threads go first");
/** Where a thread stands that steps back. Under `nice` it may stand further back already. */
const behind = (before: number): number => Math.max(BACKGROUND, before);
const linux = process.platform === "linux";

test("a thread that steps back does so alone", async () => {
  const worker = new Worker(
    `import { readlinkSync } from "node:fs";
     import { parentPort } from "node:worker_threads";
     import { stepBack } from ${JSON.stringify(new URL("../../local/priority.ts", import.meta.url).href)};
     stepBack();
     parentPort.postMessage(process.platform === "linux" ? Number(readlinkSync("/proc/thread-self").split("/").at(-1)) : 0);
     parentPort.once("message", () => process.exit());`,
    { eval: true, type: "module" } as object,
  );
  const before = getPriority(process.pid);
  const thread = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  assert.deepEqual([getPriority(thread), getPriority(process.pid)], [linux ? behind(before) : before, before]);
  worker.postMessage("end");
  await worker.terminate();
});

test("V8's helpers step back, and no other thread of the process", () => {
  const before = getPriority(process.pid);
  helpersStepBack();
  if (!linux) return;
  for (const thread of readdirSync("/proc/self/task")) {
    const name = readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
    if (name.includes("V8Worker")) assert.equal(getPriority(Number(thread)), behind(before), name);
    else if (thread === String(process.pid)) assert.equal(getPriority(Number(thread)), before, name);
  }
});

test.run();
