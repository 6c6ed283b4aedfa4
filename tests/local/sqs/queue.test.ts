import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import { DurableFile } from "../../../local/durable.ts";
import { MessageStore, QUEUES } from "../../../local/sqs/messages.ts";
import { Queue, type QueueSettings } from "../../../local/sqs/queue.ts";
import { type TestClock, testClock } from "../clock.ts";

const test = suite("SQS queue");

const settings: QueueSettings = {
  name: "q",
  arn: "arn:q",
  visibilityTimeout: 30,
  delay: 0,
  retention: 3600,
  maxMessageBytes: 1_048_576,
  receiveWait: 0,
};

interface Bench {
  readonly clock: TestClock;
  readonly folder: string;
  /** What the person watching was told. */
  readonly lines: readonly string[];
  file: DurableFile;
  queue: Queue;
  /** The queue as a process finds it that starts after this one was killed. */
  reopen(): Queue;
}

function bench(
  change: Partial<QueueSettings> = {},
  find: (arn: string) => Queue | undefined = () => undefined,
  inMemory = 1e6,
): Bench {
  const clock = testClock();
  const folder = mkdtempSync(join(tmpdir(), "queue-"));
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const open = () => {
    const file = new DurableFile(join(folder, "queues.sqlite"), QUEUES, { what: "the queues", withoutIt: "", log });
    const store = new MessageStore(file, "q", { left: inMemory }, clock.now() * 1000, log);
    return { file, queue: new Queue({ ...settings, ...change }, store, clock, find) };
  };
  const made: Bench = {
    clock,
    folder,
    lines,
    ...open(),
    reopen() {
      // Without closing the old one: nothing but what has been written counts.
      Object.assign(made, open());
      return made.queue;
    },
  };
  folders.push(folder);
  return made;
}
const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const bytesIn = (folder: string): string =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join();

const bodies = (queue: Queue, max = 10): string[] => queue.receive(max).map(({ body }) => body);

test("a message in flight comes back when its visibility timeout ends", async () => {
  const { queue, clock } = bench();
  await queue.send({ body: "x", sender: "s" });
  assert.deepEqual(bodies(queue), ["x"]);
  clock.advance(29_999);
  assert.deepEqual(bodies(queue), []);
  clock.advance(1);
  assert.deepEqual(bodies(queue), ["x"]);
});

test("a delayed message arrives when its delay ends, and wakes who waits", async () => {
  const { queue, clock } = bench();
  await queue.send({ body: "x", sender: "s" }, 5);
  const polled = queue.poll(1, 20);
  clock.advance(5_000);
  assert.deepEqual(
    (await polled).map(({ body }) => body),
    ["x"],
  );
});

test("after a scrub the file holds live messages and nothing of deleted ones", async () => {
  for (const inMemory of [1e6, 0]) {
    const made = bench({}, undefined, inMemory);
    const { queue, clock, folder } = made;
    for (const body of ["deleted", "in flight", "waiting"]) await queue.send({ body, sender: "s" });
    await queue.send({ body: "delayed", sender: "s" }, 5);
    const [gone, flight] = queue.receive(2);
    queue.delete(gone!.receipt);
    made.file.scrub();
    assert.equal(bytesIn(folder).includes("deleted"), false);
    queue.changeVisibility(flight!.receipt, 1);
    clock.advance(5_000);
    assert.deepEqual(bodies(queue).sort(), ["delayed", "in flight", "waiting"]);
    await queue.flushed();
    const receives = new Map(
      made
        .reopen()
        .receive(10)
        .map(({ body, message }) => [body, message.receives]),
    );
    assert.deepEqual([receives.get("in flight"), receives.size], [3, 3]);
  }
});

test("a long poll ends without messages when its time is over", async () => {
  const { queue, clock } = bench();
  const polled = queue.poll(1, 20);
  clock.advance(20_000);
  assert.deepEqual(await polled, []);
});

test("changing the visibility of a message in flight moves its return", async () => {
  const { queue, clock } = bench();
  await queue.send({ body: "x", sender: "s" });
  const [received] = queue.receive(1);
  queue.changeVisibility(received!.receipt, 60);
  clock.advance(59_000);
  assert.deepEqual(bodies(queue), []);
  clock.advance(1_000);
  assert.deepEqual(bodies(queue), ["x"]);
});

test("a message older than the retention period is gone", async () => {
  const { queue, clock } = bench({ retention: 60 });
  await queue.send({ body: "x", sender: "s" });
  clock.advance(60_001);
  assert.deepEqual(bodies(queue), []);
  assert.deepEqual(queue.counts(), { ready: 0, delayed: 0, flight: 0 });
});

test("groups take turns, so a busy one does not keep a quiet one waiting", async () => {
  const { queue } = bench();
  for (let i = 0; i < 5; i += 1) await queue.send({ body: `busy${i}`, sender: "s", group: "busy" });
  await queue.send({ body: "quiet", sender: "s", group: "quiet" });
  assert.deepEqual(bodies(queue, 3), ["busy0", "quiet", "busy1"]);
});

test("after a kill every answered message is there with its receive count, and none that was deleted", async () => {
  const made = bench({}, () => undefined, 0);
  for (const body of ["kept", "deleted", "in flight"]) await made.queue.send({ body, sender: "s" });
  const [, second, third] = made.queue.receive(3);
  made.queue.delete(second!.receipt);
  await made.queue.flushed();
  const again = made.reopen().receive(10);
  assert.deepEqual(again.map(({ body, message }) => [body, message.receives]).sort(), [
    ["in flight", 2],
    ["kept", 2],
  ]);
  assert.equal(third!.message.id, again.find(({ body }) => body === "in flight")!.message.id);
});

test("a dead letter moves with its id, time and content, also when it is read back from disk", async () => {
  const dead = bench();
  const { queue } = bench({ redrive: { target: "arn:dead", maxReceiveCount: 1 } }, () => dead.queue, 0);
  const sent = await queue.send({ body: "poison", sender: "s", group: "g" });
  queue.receive(1, 0);
  assert.deepEqual(queue.receive(1), []);
  const [moved] = dead.queue.receive(1);
  assert.deepEqual(
    {
      id: moved!.message.id,
      body: moved!.body,
      sentAt: moved!.message.sentAt,
      source: moved!.message.deadLetterSource,
      group: moved!.message.group,
    },
    { id: sent.id, body: "poison", sentAt: sent.sentAt, source: "arn:q", group: "g" },
  );
});

test("the file does not grow with passing messages, and a long-lived message stays in it", async () => {
  const made = bench({}, () => undefined, 0);
  const big = "x".repeat(1_000_000);
  await made.queue.send({ body: "old", sender: "s" }, 900);
  for (let i = 0; i < 120; i += 1) {
    await made.queue.send({ body: big, sender: "s" });
    for (const { receipt } of made.queue.receive(10)) made.queue.delete(receipt);
    await made.queue.flushed();
  }
  const bytes = readdirSync(made.folder).reduce((sum, name) => sum + statSync(join(made.folder, name)).size, 0);
  assert.ok(bytes < 32_000_000, `${bytes} bytes`);
  made.clock.advance(900_000);
  assert.deepEqual(bodies(made.queue), ["old"]);
  assert.deepEqual(bodies(made.reopen()), ["old"]);
});

const redrive = { redrive: { target: "arn:dead", maxReceiveCount: 3 } };

test("a receive whose run was killed does not count as a failure of the message, even many times", async () => {
  const dead = bench();
  const made = bench(redrive, () => dead.queue);
  await made.queue.send({ body: "x", sender: "s" });
  for (let kill = 1; kill <= 12; kill += 1) {
    const [received] = made.queue.receive(1);
    assert.deepEqual([received?.body, received?.message.receives], ["x", kill]);
    await made.queue.flushed();
    made.reopen();
  }
  assert.deepEqual(dead.queue.counts(), { ready: 0, delayed: 0, flight: 0 });
});

test("failures before a kill still count after it, until the message is dead", async () => {
  const dead = bench();
  const made = bench(redrive, () => dead.queue);
  await made.queue.send({ body: "x", sender: "s" });
  for (let failure = 0; failure < 3; failure += 1) {
    // Once killed, once left to its visibility timeout.
    assert.equal(made.queue.receive(1).length, 1);
    await made.queue.flushed();
    made.reopen();
    assert.equal(made.queue.receive(1).length, 1);
    made.clock.advance(30_000);
  }
  await made.queue.flushed();
  assert.deepEqual([bodies(made.queue), bodies(dead.queue)], [[], ["x"]]);
});

test("on a full disk sends and receives are refused, and go on when there is room", async () => {
  const made = bench({}, () => undefined, 0);
  const kept = [];
  for (let i = 0; i < 5; i += 1) kept.push((await made.queue.send({ body: `kept ${i}`, sender: "s" })).id);
  const [, done] = await made.queue.poll(2, 0);
  const { page_count } = made.file.get("PRAGMA page_count") as { page_count: number };
  made.file.get(`PRAGMA max_page_count = ${page_count}`);
  const refused = {
    code: "ServiceUnavailable",
    status: 503,
    message: "The queue can't be written: database or disk is full",
  };
  for (let i = 0; i < 3; i += 1)
    await assert.rejects(made.queue.send({ body: "x".repeat(9_000), sender: "s" }), refused);
  // A change that nobody waits for is kept in mind.
  made.queue.delete(done!.receipt);
  await made.queue.flushed();
  made.file.get("PRAGMA max_page_count = 1000000");
  assert.equal((await made.queue.send({ body: "later", sender: "s" })).body ?? "later", "later");
  assert.deepEqual(made.lines, [
    `the queues can't be written to ${made.file.path}: database or disk is full; free some room on its disk, nothing more is accepted meanwhile`,
    "the queues can be written again",
  ]);
  assert.deepEqual(bodies(made.reopen(), 100).sort(), ["kept 0", "kept 2", "kept 3", "kept 4", "later"]);
});

test("a clock that was set back while the platform was off makes no delay longer", async () => {
  const made = bench();
  await made.queue.send({ body: "x", sender: "s" });
  await made.queue.send({ body: "delayed", sender: "s" }, 5);
  made.clock.advance(-600_000);
  const again = made.reopen();
  assert.deepEqual(bodies(again), ["x"]);
  made.clock.advance(5_000);
  assert.deepEqual(bodies(again), ["delayed"]);
});

/** What can happen to a queue, drawn at random. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant("send" as const),
    group: fc.constantFrom(undefined, "a", "b"),
    delay: fc.constantFrom(0, 0, 5),
  }),
  fc.record({ kind: fc.constant("receive" as const), max: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("delete" as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant("release" as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ kind: fc.constant("kill" as const) }),
);

test("each answered message is delivered until it is deleted, across kills", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const made = bench();
      const alive = new Set<string>();
      let held: { receipt: string; body: string }[] = [];
      let sent = 0;
      for (const one of steps) {
        if (one.kind === "send") {
          sent += 1;
          await made.queue.send({ body: `m${sent}`, sender: "s", group: one.group }, one.delay);
          alive.add(`m${sent}`);
        } else if (one.kind === "receive") {
          const received = made.queue.receive(one.max);
          for (const { body } of received) assert.ok(alive.has(body), `${body} came back after it was deleted`);
          held.push(...received);
        } else if (one.kind === "delete" && held.length > 0) {
          const [taken] = held.splice(one.which % held.length, 1);
          made.queue.delete(taken!.receipt);
          alive.delete(taken!.body);
          await made.queue.flushed();
        } else if (one.kind === "release" && held.length > 0) {
          const [taken] = held.splice(one.which % held.length, 1);
          try {
            made.queue.changeVisibility(taken!.receipt, 0);
          } catch {
            // Its timeout ended before.
          }
        } else if (one.kind === "time") made.clock.advance(one.ms);
        else if (one.kind === "kill") {
          await made.queue.flushed();
          held = [];
          made.reopen();
        }
        const { ready, delayed, flight } = made.queue.counts();
        assert.equal(ready + delayed + flight, alive.size);
      }
      made.clock.advance(60_000);
      assert.deepEqual(new Set(made.queue.receive(1000).map(({ body }) => body)), alive);
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 150) },
  );
});

test.run();
