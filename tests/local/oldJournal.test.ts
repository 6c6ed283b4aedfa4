import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import { createFirehose } from "../../local/firehose.ts";
import { readOldJournal } from "../../local/oldJournal.ts";
import { Keyspace } from "../../local/redis/keyspace.ts";
import { createSqs } from "../../local/sqs.ts";
import { testClock } from "./clock.ts";
import { contextIn } from "./serve.ts";

const test = suite("state of version 1");

const folders: string[] = [];
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function fresh(): string {
  const folder = mkdtempSync(join(tmpdir(), "old-journal-"));
  folders.push(folder);
  return folder;
}

function record(...parts: readonly Uint8Array[]): Buffer {
  const payload = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(crc32(payload), 4);
  return Buffer.concat([header, payload]);
}

function doubles(first: number, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(1 + 8 * values.length);
  bytes[0] = first;
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, 1 + 8 * i);
  return bytes;
}

function journal(folder: string, ...bytes: readonly Buffer[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [i, segment] of bytes.entries()) writeFileSync(join(folder, `${String(i).padStart(8, "0")}.log`), segment);
}

test("a flipped byte costs the record that it is in, and no other", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 12 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (payloads, place, flip) => {
        const folder = fresh();
        const records = payloads.map((payload) => record(payload));
        const bytes = Buffer.concat(records);
        const at = place % bytes.length;
        let hit = 0;
        for (let end = records[0]!.length; end <= at; end += records[hit]!.length) hit += 1;
        bytes[at] = bytes[at]! ^ flip;
        journal(folder, bytes);
        const read = readOldJournal(folder)!;
        assert.deepEqual(
          read.records.map((payload) => Buffer.from(payload).toString("hex")),
          payloads.filter((_, i) => i !== hit).map((payload) => Buffer.from(payload).toString("hex")),
        );
        assert.equal(read.damagedBytes, records[hit]!.length);
      },
    ),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 100) },
  );
});

test("messages move into the file of the queues, and cut-off records are reported", async () => {
  const state = fresh();
  const lines: string[] = [];
  const folder = join(state, "sqs", "us-east-1", "ingest-queue");
  const now = Date.now();
  const send = (seq: number, body: string) => {
    const meta = {
      seq,
      id: `id-${seq}`,
      md5: hash("md5", body),
      sender: "s",
      sentAt: now,
      visibleAt: now,
      receives: 0,
      firstReceivedAt: 0,
    };
    const text = Buffer.from(JSON.stringify(meta));
    const head = Buffer.alloc(5);
    head[0] = 1;
    head.writeUInt32LE(text.length, 1);
    return record(head, text, Buffer.from(body));
  };
  const received = Buffer.alloc(21);
  received[0] = 3;
  received.writeDoubleLE(3, 1);
  received.writeUInt32LE(4, 9);
  received.writeDoubleLE(now, 13);
  journal(
    folder,
    Buffer.concat([send(1, "gone"), send(2, "kept"), send(3, "received"), record(received)]),
    Buffer.concat([record(doubles(2, 1)), send(4, "é"), send(5, "torn").subarray(0, 30)]),
  );
  for (const turn of ["first start", "second start"]) {
    const sqs = await createSqs(contextIn(state, lines));
    const type = "aws:sqs/queue:Queue";
    await sqs.resources[type]!({ type, name: "ingest-queue", inputs: {} });
    await sqs.start!();
    const [queue] = sqs.queues().values();
    const counts = { ready: 3, delayed: 0, flight: 0 };
    assert.deepEqual(queue!.counts(), counts, turn);
    if (turn === "second start") {
      const all = queue!.receive(10).map(({ body, message }) => [message.id, body, message.receives]);
      assert.deepEqual(all, [
        ["id-2", "kept", 1],
        ["id-3", "received", 5],
        ["id-4", "é", 1],
      ]);
    }
    await sqs.close();
  }
  assert.deepEqual(readdirSync(folder), []);
  assert.deepEqual(lines.slice(0, 2), [
    'queue ingest-queue: 30 bytes of its journal could not be read and are passed over; events that were routed before are in the archive, and "put_back" brings them back from there',
    "queue ingest-queue: 3 messages from the last run",
  ]);
});

test("records that an old journal holds undelivered are delivered, and delivered ones are not delivered again", async () => {
  const state = fresh();
  const taken = (seq: number, text: string) => record(doubles(1, seq, Date.now()), Buffer.from(text));
  journal(
    join(state, "firehose", "us-east-1", "archive"),
    Buffer.concat([taken(1, "done\n"), taken(2, "waits\n"), record(doubles(2, 1))]),
  );
  const puts: string[] = [];
  const firehose = createFirehose(contextIn(state), (_bucket, _key, body) => puts.push(body.toString()), testClock());
  const type = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream";
  const inputs = { destination: "extended_s3", extendedS3Configuration: { bucketArn: "arn:aws:s3:::archive" } };
  await firehose.resources[type]!({ type, name: "archive", inputs });
  await firehose.flush();
  await firehose.close();
  assert.deepEqual(puts, ["waits\n"]);
});

test("keys of the embedded Redis go over with their expiry", async () => {
  const folder = fresh();
  const later = Date.now() + 60_000;
  const changes = (list: unknown[]) => record(Buffer.from(JSON.stringify(list)));
  journal(
    folder,
    Buffer.concat([
      changes([["a", null, "s", "1"]]),
      changes([
        ["a", later, "s", "2"],
        ["h", null, "h", [["f", "v"]]],
        ["gone", null, "u", ["m"]],
      ]),
      changes([["gone", null, "-"]]),
    ]),
  );
  for (const turn of ["first start", "second start"]) {
    const db = new Keyspace(folder);
    await db.flushed();
    assert.deepEqual(
      [db.get("a"), db.expiry("a"), db.get("h"), db.get("gone")],
      ["2", later, new Map([["f", "v"]]), undefined],
      turn,
    );
    db.close();
  }
  assert.equal(existsSync(join(folder, "00000000.log")), false);
});

test.run();
