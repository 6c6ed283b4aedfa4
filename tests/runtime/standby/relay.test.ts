import assert from "node:assert/strict";
import type { SQSRecord } from "aws-lambda";
import { test } from "uvu";
import { givingBack } from "../../../runtime/aws/giveBack.ts";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import { encodeCalls, encodeIngest } from "../../../runtime/domain/codec/index.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import { type RelayPorts, relay } from "../../../runtime/standby/relay.ts";

const FIRST = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const tenant = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
const message = { tenant, first: FIRST, count: 1, types: [null], key_id: "key_1" } as const;
const small = encodeIngest({ ...message, body: { inline: pack([Buffer.from("{}")]) } });
const large = encodeIngest({ ...message, body: { s3_key: `${tenant}/${FIRST}` } });

const record = (messageId: string, body: string, receives = 1): SQSRecord =>
  ({
    messageId,
    body,
    receiptHandle: `receipt of ${messageId}`,
    attributes: { ApproximateReceiveCount: String(receives), MessageGroupId: tenant },
  }) as SQSRecord;

/** What a run did, in order. */
async function run(records: SQSRecord[], ports: Partial<RelayPorts> = {}) {
  const done: string[] = [];
  const all: RelayPorts = {
    log: () => {},
    async copyPayload(key) {
      done.push(`copy ${key}`);
    },
    async send(messages: readonly Outgoing[]) {
      done.push(...messages.map(({ text, group }) => `send ${text === small ? "small" : "large"} of ${group}`));
      return messages.map(() => undefined);
    },
    giveBack: givingBack({
      log: () => {},
      dice: () => 1,
      async hide(entries) {
        for (const { record, seconds } of entries) done.push(`hide ${record.messageId} for ${seconds} s`);
      },
      async bury(damaged) {
        done.push(...damaged.map(({ messageId }) => `bury ${messageId}`));
        return damaged.map(() => undefined);
      },
    }),
    ...ports,
  };
  const { batchItemFailures } = await relay({ Records: records }, all);
  return { done, failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
}

test("a message goes on as it is, in its customer's name", async () =>
  assert.deepEqual(await run([record("a", small)]), { done: [`send small of ${tenant}`], failed: [] }));

test("counts of refused calls go on too", async () => {
  const body = encodeCalls({ tenant, calls: [] });
  const sent: string[] = [];
  const send = async (messages: readonly Outgoing[]) => {
    sent.push(...messages.map(({ text }) => text));
    return messages.map(() => undefined);
  };
  assert.deepEqual((await run([record("a", body)], { send })).failed, []);
  assert.deepEqual(sent, [body]);
});

test("a payload's object is copied before the message that points at it", async () =>
  assert.deepEqual(await run([record("a", large)]), {
    done: [`copy ${tenant}/${FIRST}`, `send large of ${tenant}`],
    failed: [],
  }));

test("a message that the home region's queue refuses comes again, each time later", async () =>
  assert.deepEqual(
    await run([record("a", small), record("b", small, 4)], {
      send: async () => [undefined, new Error("the region is away")],
    }),
    { done: ["hide b for 16 s"], failed: ["b"] },
  ));

test("a message whose payload could not be copied is not sent", async () =>
  assert.deepEqual(
    await run([record("a", large), record("b", small)], { copyPayload: () => Promise.reject(new Error("away")) }),
    { done: [`send small of ${tenant}`, "hide a for 2 s"], failed: ["a"] },
  ));

test("an unreadable message goes to the dead letters at once", async () =>
  assert.deepEqual(await run([record("a", "damaged"), record("b", small)]), {
    done: [`send small of ${tenant}`, "bury a"],
    failed: [],
  }));

test.run();
