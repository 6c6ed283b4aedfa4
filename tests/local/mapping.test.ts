import assert from "node:assert/strict";
import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { suite } from "uvu";
import { readMapping } from "../../local/lambda/declared.ts";
import { ENVIRONMENTS } from "../../local/lambda/function.ts";
import { QueueMapping } from "../../local/lambda/mapping.ts";
import type { QueueSource, ResourceRequest } from "../../local/service.ts";
import { eventually } from "../support/eventually.ts";

/** An event source mapping over a queue whose every receive is written down beforehand. */
const test = suite("mapping");

const record = (id: number): SQSRecord =>
  ({ messageId: String(id), receiptHandle: `handle ${id}`, body: "{}" }) as SQSRecord;

interface Setup {
  /** Messages that each receive finds, one after the other; then none. */
  readonly arrivals: readonly number[];
  readonly yields?: boolean;
  /** How long an invocation takes, in turns of the event loop. */
  readonly turns?: number;
}

/** Runs a mapping until all has been handed over. @returns the batches, and how many were under way at most */
async function run({ arrivals, yields = false, turns = 0 }: Setup) {
  const all = arrivals.reduce((sum, count) => sum + count, 0);
  const batches: string[][] = [];
  /** When each invocation began and ended, of `performance.now()`. */
  const times: { began: number; ended: number }[] = [];
  const deleted: string[] = [];
  let [last, waiting, atOnce, most] = [0, 0, 0, 0];
  const left = [...arrivals];
  const source: QueueSource = {
    async receive(_arn, max, waitMs) {
      waiting += left.shift() ?? 0;
      const count = Math.min(max, waiting);
      waiting -= count;
      // As a poll that waits for the first message.
      if (count === 0 && waitMs > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      const records = Array.from({ length: count }, () => record(++last));
      return { records, waitedMs: 0, waiting };
    },
    delete: async (_arn, handles) => void deleted.push(...handles),
    release: async () => {},
  };
  const mapping = new QueueMapping(
    {
      queueArn: "arn:aws:sqs:us-east-1:000000000000:queue",
      functionName: "worker",
      batchSize: 10,
      windowMs: 0,
      maximumConcurrency: 50,
      partialFailures: true,
    },
    {
      source,
      async invoke(records) {
        const began = performance.now();
        atOnce += 1;
        most = Math.max(most, atOnce);
        for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
        batches.push(records.map(({ messageId }) => messageId));
        atOnce -= 1;
        times.push({ began, ended: performance.now() });
        return { kind: "result", result: { json: '{"batchItemFailures":[]}' } };
      },
      report: () => {},
      failed: (cause) => assert.fail(String(cause)),
      yields: () => yields,
      account: undefined,
    },
  );
  mapping.start();
  await eventually(
    () => deleted.length,
    (count) => count === all,
  );
  await mapping.stop();
  return { batches, most, times };
}

test("a batch fills up while messages keep coming", async () => {
  const { batches } = await run({ arrivals: [3, 3, 3, 3] });
  assert.deepEqual(
    batches.map(({ length }) => length),
    [10, 2],
  );
});

test("a single message waits for one poll at most", async () => {
  const { batches } = await run({ arrivals: [2, 0, 1] });
  assert.deepEqual(batches, [["1", "2"], ["3"]]);
});

test("while requests wait at the front door one invocation runs at a time, and every message is still processed", async () => {
  const arrivals = new Array<number>(12).fill(10);
  assert.equal((await run({ arrivals, yields: true, turns: 3 })).most, 1);
  assert.ok((await run({ arrivals, turns: 3 })).most > 1);
});

test("while requests wait at the front door a queue rests after each invocation, three times as long as that took", async () => {
  const { times } = await run({ arrivals: new Array<number>(6).fill(10), yields: true, turns: 5 });
  for (const [i, { began }] of times.entries()) {
    if (i === 0) continue;
    const last = times[i - 1]!;
    // A timer may come a millisecond early.
    assert.ok(began - last.ended >= 3 * (last.ended - last.began) - 2, JSON.stringify(times));
  }
});

test("however messages come, each is handed over once, and no batch is too large", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (arrivals, yields) => {
        const { batches } = await run({ arrivals, yields });
        const all = arrivals.reduce((sum, count) => sum + count, 0);
        assert.deepEqual(batches.flat().sort(), Array.from({ length: all }, (_, i) => String(i + 1)).sort());
        assert.ok(batches.every(({ length }) => length > 0 && length <= 10));
      },
    ),
    { numRuns: 25 },
  );
});

test("hanging invocations of one queue leave environments free for the function's other queue, for any declared maximum", () => {
  fc.assert(
    fc.property(fc.option(fc.integer({ min: 2, max: 1_000 }), { nil: undefined }), (maximumConcurrency) => {
      const { maximumConcurrency: most } = readMapping({
        name: "m",
        inputs: {
          eventSourceArn: "arn:aws:sqs:us-east-1:000000000000:queue",
          functionName: "worker",
          ...(maximumConcurrency === undefined ? {} : { scalingConfig: { maximumConcurrency } }),
        },
      } as unknown as ResourceRequest);
      assert.ok(most >= 2 && 2 * most < ENVIRONMENTS, `${most} of ${ENVIRONMENTS}`);
    }),
  );
});

test.run();
