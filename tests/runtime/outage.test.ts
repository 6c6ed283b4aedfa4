import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { suite } from "uvu";
import { normaliseQueue, WAITS_FOR_DAYS } from "../../components/blocks/workQueue.ts";
import { DurableFile } from "../../local/durable.ts";
import { MessageStore, QUEUES } from "../../local/sqs/messages.ts";
import { Queue } from "../../local/sqs/queue.ts";
import { type GiveBack, givingBack } from "../../runtime/aws/giveBack.ts";
import type { Outgoing } from "../../runtime/aws/queues.ts";
import type { Service } from "../../runtime/aws/service.ts";
import { deliver } from "../../runtime/deliver/deliver.ts";
import { targetCache } from "../../runtime/deliver/targets.ts";
import { encodeIngest } from "../../runtime/domain/codec/index.ts";
import { pack } from "../../runtime/domain/codec/pack.ts";
import { newUlid } from "../../runtime/domain/ids.ts";
import { route } from "../../runtime/route/route.ts";
import { snapshotCache } from "../../runtime/route/snapshots.ts";
import { type BatchItem, encodeBatch } from "../../runtime/store/batches/batchItem.ts";
import { batchKey, keyText } from "../../runtime/store/keys.ts";
import { testClock } from "../local/clock.ts";
import { makeWorld, START, TENANT } from "./deliver/world.ts";

/**
 * Whatever route and deliver ask is away for an hour, while requests come in: through the queues as they are declared,
 * with SQS's own rules for what comes again and what is dead. Every invocation finds an environment that knows no customer.
 */
const test = suite("outages");
const folder = mkdtempSync(join(tmpdir(), "outage-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const MINUTE = 60_000;
const EVERY_MS = 5_000;

function makePlatform() {
  const clock = testClock(START);
  const all = new Map<string, Queue>();
  const path = join(mkdtempSync(join(folder, "queues-")), "queues.sqlite");
  const file = new DurableFile(path, QUEUES, { what: "the queues", withoutIt: "", log: () => {} });
  const open = (name: string, consumerSeconds: number, maxReceives: number): Queue => {
    const { visibilityTimeoutSeconds, maxReceiveCount } = normaliseQueue({ consumerSeconds, maxReceives });
    const common = { retention: 14 * 86_400, maxMessageBytes: 1_048_576, receiveWait: 0, delay: 0 };
    const make = (of: string, more: object): Queue => {
      const store = new MessageStore(file, of, { left: 1e8 }, clock.now() * 1_000, () => {});
      const settings = { name: of, arn: of, visibilityTimeout: visibilityTimeoutSeconds, ...common, ...more };
      const queue = new Queue(settings, store, clock, (arn) => all.get(arn));
      all.set(of, queue);
      return queue;
    };
    make(`${name}-dead`, {});
    return make(name, { redrive: { target: `${name}-dead`, maxReceiveCount } });
  };
  const ingest = open("ingest", 30, WAITS_FOR_DAYS);
  const delivery = open("delivery", 60, WAITS_FOR_DAYS);
  const world = makeWorld();
  const target = world.subscribe();
  const state = { away: false, deliverAway: false, most: 0 };
  const service = (async (request: { op: string }) => {
    if (state.away || (state.deliverAway && request.op === "targets"))
      throw new Error("the subscriptions service is away");
    const snapshot = { version: 1, subscriptions: [target], retention_days: 90, next_cursor: null };
    const answers: Record<string, object> = {
      ...{ snapshot, versions: { versions: { [TENANT]: 1 } }, targets: { targets: [target] } },
    };
    return { answer: answers[request.op], bytes: 100 };
  }) as unknown as Service;
  let thrown = 0;
  const giveBack = (queue: Queue, dead: Queue): GiveBack =>
    givingBack({
      log: () => {},
      dice: () => (thrown++ % 10) / 10,
      async hide(entries) {
        for (const { record, seconds } of entries) queue.changeVisibility(record.receiptHandle, seconds);
      },
      async bury(damaged) {
        for (const { body } of damaged) await dead.send({ body, sender: "s" });
        return damaged.map(() => undefined);
      },
    });
  const send = (queue: Queue) => async (messages: readonly Outgoing[]) => {
    for (const { text, group } of messages) await queue.send({ body: text, group, sender: "s" });
    return messages.map(() => undefined);
  };
  /** Works off what is visible, ten messages an invocation. */
  async function drain(queue: Queue, handle: (records: SQSRecord[]) => Promise<SQSBatchResponse>): Promise<void> {
    for (let received = queue.receive(10); received.length > 0; received = queue.receive(10)) {
      state.most = Math.max(state.most, ...received.map(({ message }) => message.receives));
      const records = received.map(({ message, receipt, body }) => ({
        ...{ messageId: message.id, receiptHandle: receipt, body, eventSourceARN: queue.settings.arn },
        attributes: { ApproximateReceiveCount: String(message.receives), MessageGroupId: TENANT },
      })) as unknown as SQSRecord[];
      const failed = new Set((await handle(records)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { message, receipt } of received) if (!failed.has(message.id)) queue.delete(receipt);
    }
  }
  const store = (batch: BatchItem): void => {
    world.items.set(keyText(batchKey(batch.tenant, batch.first)), encodeBatch(batch));
  };
  return {
    state,
    world,
    ingest,
    async accept(n: number): Promise<void> {
      const first = newUlid(clock.now(), 1);
      const body = { inline: pack([Buffer.from(JSON.stringify({ n }))]) };
      const text = encodeIngest({ tenant: TENANT, first, count: 1, types: ["order"], key_id: "key_1", body });
      await send(ingest)([{ text, group: TENANT }]);
    },
    async work(): Promise<void> {
      await drain(ingest, (Records) =>
        route(
          { Records },
          {
            ...{ log: () => {}, now: clock.now, fetchBody: async () => undefined },
            snapshots: snapshotCache({ service, log: () => {}, now: clock.now, maxBytes: 1e6 }),
            ...{ putPayload: async () => {}, removePayload: async () => {}, removeLowWater: async () => {} },
            tell: async () => {},
            async storeNew(batches) {
              batches.forEach(store);
            },
            async storeAgain(batch) {
              store(batch);
              return undefined;
            },
            queue: send(delivery),
            archive: async (entries) => entries.map(() => undefined),
            countUsage: async () => {},
            storedCount: async () => undefined,
            sendBack: send(ingest),
            tellCostly: async () => {},
            giveBack: giveBack(ingest, all.get("ingest-dead")!),
          },
        ),
      );
      await drain(delivery, (Records) =>
        deliver(
          { Records },
          {
            ...world.ports,
            targets: targetCache(
              service,
              () => {},
              clock.now,
              async () => [],
            ),
            giveBack: giveBack(delivery, all.get("delivery-dead")!),
          },
        ),
      );
    },
    move(ms: number): void {
      clock.advance(ms);
      world.advance(ms);
    },
    counts: () => Object.fromEntries([...all].map(([name, queue]) => [name, queue.counts()])),
    close: () => [...all.values()].forEach((queue) => void queue.close()),
  };
}

const received = ({ world }: ReturnType<typeof makePlatform>): number[] =>
  world.posts.flatMap(({ body }) => JSON.parse(body).map(({ payload }: { payload: { n: number } }) => payload.n));
const empty = { ready: 0, delayed: 0, flight: 0 };
const allEmpty = { "ingest-dead": empty, ingest: empty, "delivery-dead": empty, delivery: empty };

test("an hour without PostgreSQL under load kills no message, and all is delivered within minutes of its end", async () => {
  const platform = makePlatform();
  let sent = 0;
  const load = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += EVERY_MS) {
      await platform.accept(sent++);
      await platform.work();
      platform.move(EVERY_MS);
    }
  };
  await load(MINUTE);
  assert.deepEqual(received(platform).length, sent);
  platform.state.away = true;
  await load(60 * MINUTE);
  assert.deepEqual(received(platform).length, MINUTE / EVERY_MS, "nothing gets through meanwhile");
  assert.deepEqual(platform.counts()["ingest-dead"], empty);
  platform.state.away = false;
  await load(MINUTE);
  for (let passed = 0; passed < 5 * MINUTE; passed += EVERY_MS) {
    await platform.work();
    platform.move(EVERY_MS);
  }
  await platform.work();
  assert.deepEqual(platform.counts(), allEmpty);
  assert.deepEqual(
    [...new Set(received(platform))].sort((a, b) => a - b),
    Array.from({ length: sent }, (_, n) => n),
  );
  assert.equal(received(platform).length, sent, "each once");
  assert.ok(platform.state.most < 40, `${platform.state.most} receives in an hour`);
  platform.close();
});

test("an hour in which only deliver can't reach the service kills no delivery", async () => {
  const platform = makePlatform();
  const { state } = platform;
  for (let n = 0; n < 20; n++) await platform.accept(n);
  state.deliverAway = true;
  for (let passed = 0; passed < 65 * MINUTE; passed += MINUTE / 4) {
    state.deliverAway = passed < 60 * MINUTE;
    await platform.work();
    platform.move(MINUTE / 4);
  }
  assert.deepEqual(platform.counts(), allEmpty);
  assert.deepEqual(
    received(platform).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n),
  );
  platform.close();
});

test("a damaged message does not wait for the outage to end", async () => {
  const platform = makePlatform();
  platform.state.away = true;
  await platform.ingest.send({ body: "damaged", sender: "s" });
  await platform.accept(0);
  await platform.work();
  assert.deepEqual(platform.counts()["ingest-dead"], { ...empty, ready: 1 });
  assert.deepEqual(platform.counts().ingest, { ...empty, flight: 1 });
  platform.close();
});

test.run();
