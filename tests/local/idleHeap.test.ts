import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { suite } from "uvu";
import { eventually } from "../support/eventually.ts";

const test = suite("memory of an idle thread");

const MB = 1024 * 1024;
const idleHeap = new URL("../../local/idleHeap.ts", import.meta.url).href;

/** A thread that fills its heap, forgets all of it, and from then on does nothing. */
const thread = `
  import { parentPort } from "node:worker_threads";
  import { collectWhenIdle } from ${JSON.stringify(idleHeap)};
  collectWhenIdle(200);
  let all = Array.from({ length: 300 }, (_, n) => Array.from({ length: 100_000 }, (_, at) => at + n + 0.5));
  all = undefined;
  parentPort.postMessage(typeof globalThis.gc);
  parentPort.on("message", () => {});
`;

async function filled(): Promise<{ worker: Worker; gc: string; heap(): Promise<number> }> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(thread)}`));
  const [gc] = (await once(worker, "message")) as [string];
  return { worker, gc, heap: async () => (await worker.getHeapStatistics()).total_heap_size };
}

test("a thread that has become idle gives back what its work left", async () => {
  const { worker, heap } = await filled();
  try {
    await eventually(heap, (bytes) => bytes < 100 * MB, 60_000);
  } finally {
    await worker.terminate();
  }
});

test("a function's code finds no collector, as in Lambda", async () => {
  const { worker, gc } = await filled();
  await worker.terminate();
  assert.equal(gc, "undefined");
});

test.run();
