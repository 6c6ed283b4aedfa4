import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import { archivePrefix, decodeDeliver } from "../../../runtime/domain/codec/index.ts";
import { pack, unpack } from "../../../runtime/domain/codec/pack.ts";
import { eventId, ulidAt } from "../../../runtime/domain/ids.ts";
import { scopeKey } from "../../../runtime/domain/job.ts";
import { rfc3339 } from "../../../runtime/domain/time.ts";
import { erase } from "../../../runtime/retain/erase/erase.ts";
import { exportEvents } from "../../../runtime/retain/export/export.ts";
import { reconcile } from "../../../runtime/retain/hourly/reconcile.ts";
import { replay } from "../../../runtime/retain/replay/replay.ts";
import { putBack } from "../../../runtime/retain/restore/restore.ts";
import type { Works } from "../../../runtime/retain/run.ts";
import { type BatchItem, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { findEvents } from "../../../runtime/store/batches/find.ts";
import { formatted, oldArchive } from "../../support/archiveText.ts";
import { type JobBench, jobBench } from "../../support/jobs.ts";
import { batchOf, openStorage, type Storage } from "../../support/storage.ts";

/** Every reader of the archive reads lines from before line ends of senders were removed, and passes over lines that can't be read. */
const test = suite("events over several lines");
const works: Works = { erasure: erase, export: exportEvents, replay };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const runs = Number(process.env.FORMATTED_RUNS ?? 4);

let storage: Storage;
let bench: JobBench;
let logged: Record<string, unknown>[];
async function begin(): Promise<void> {
  await storage?.close();
  storage = await openStorage();
  bench = jobBench(storage);
  bench.retentionDays = 10;
  logged = [];
  Object.assign(bench.tools, {
    log: (_: string, message: string, fields: Record<string, unknown>) => logged.push({ message, ...fields }),
  });
}
test.after(() => storage.close());

/** Payloads with a person in each second one, as they were sent, and what is left of them on one line. */
const payloads = fc.array(formatted, { minLength: 2, maxLength: 5 }).map((list) =>
  list.map(({ text }, i) => {
    const opened = text.slice(1);
    const person = `"user":\n{ "email" :\r\n"${i % 2 === 0 ? "ada@example.com" : "bob@example.com"}"}\n`;
    return `{${person}${/^\s*\}$/.test(opened) ? "" : ","}${opened}`;
  }),
);
const flat = (text: string) => text.replaceAll(/[\r\n]/g, " ");

const TORN = '{"v":1,"prefix":"00","customer_id":"cus_a","environment":"live","batch":"01","events":[{"event_id":';
const folderOf = (at: number) =>
  `archive/events/prefix=${archivePrefix("cus_a")}/${rfc3339(at).slice(0, 13).replaceAll(/[-T]/g, "/")}`;

/** A batch in the archive as it was written before, behind a line that nobody can read and in front of another customer's. */
function archived(texts: readonly string[], at: number): BatchItem {
  const events = texts.map((text) => ({ type: null, text }));
  const batch = batchOf(
    "cus_a",
    texts.map(() => ({})),
    at,
    { body: { inline: pack(texts.map((text) => Buffer.from(text))) } },
  );
  const others = oldArchive(batchOf("cus_b", [{}], at), "cus_b", "live", [{ type: null, text: '{\n"b":1}' }]);
  const object = Buffer.concat([Buffer.from(`${TORN}\n`), oldArchive(batch, "cus_a", "live", events), others]);
  storage.objects.set(`${folderOf(at)}/${batch.first}.gz`, gzipSync(object));
  return batch;
}

/** What the archive holds now of a customer's payloads, line by line. */
const archiveLines = () =>
  [...storage.objects]
    .filter(([key]) => key.startsWith("archive/"))
    .flatMap(([, bytes]) => gunzipSync(bytes).toString().trimEnd().split("\n"));

const each = (says: string, law: (texts: readonly string[]) => Promise<void>) =>
  test(says, () =>
    fc.assert(
      fc.asyncProperty(payloads, async (texts) => {
        await begin();
        await law(texts);
        const told = logged.filter(({ message }) => message === "retain.archive_unreadable");
        assert.ok(told.length > 0);
        assert.ok(told.every(({ line_bytes, customer_id }) => line_bytes === TORN.length && customer_id === "cus_a"));
      }),
      { numRuns: runs },
    ),
  );

async function privacy(kind: "export" | "erasure", scope: object) {
  const job = bench.begin(kind, "cus_a", "all" in scope ? { all: true } : { subject: { jsonpath: "$.user.email" } });
  storage.objects.set(`exports/${scopeKey(job.job_id)}`, Buffer.from(JSON.stringify(scope)));
  const done = await bench.finish(job.job_id, works);
  assert.equal(done.status, "succeeded");
  return done.result!;
}

each("an export holds one line an event, out of the archive and of the table", async (texts) => {
  archived(texts, bench.clock.now - 20 * DAY);
  await storage.put(
    encodeBatch(
      batchOf(
        "cus_a",
        texts.map(() => ({})),
        bench.clock.now - DAY,
        { body: { inline: pack(texts.map((text) => Buffer.from(text))) } },
      ),
    ),
  );
  const result = await privacy("export", { all: true });
  const tar = gunzipSync(storage.objects.get(`exports/${result.object as string}`)!);
  const size = Number.parseInt(tar.toString("latin1", 124, 135), 8);
  const lines = tar.toString("utf8", 512, 512 + size).split("\n");
  assert.equal(lines.pop(), "");
  for (const line of lines) JSON.parse(line);
  assert.deepEqual(
    lines.map((line) => line.slice(line.indexOf('"payload":') + 10, -1)).sort(),
    [...texts, ...texts].map(flat).sort(),
  );
});

each("an erasure removes the subject's events, keeps the others', and says what it could not read", async (texts) => {
  archived(texts, bench.clock.now - 20 * DAY);
  const { certificate } = await privacy("erasure", {
    subject: { jsonpath: "$.user.email", equals: "ada@example.com" },
  });
  const { erased, unreadable_archive_lines } = certificate as {
    erased: { archived_events: number };
    unreadable_archive_lines: number;
  };
  assert.deepEqual([erased.archived_events, unreadable_archive_lines], [Math.ceil(texts.length / 2), 1]);
  const text = archiveLines().join("\n");
  assert.ok(!text.includes("ada@example.com"));
  assert.ok(text.includes(TORN));
  for (const [i, payload] of texts.entries()) if (i % 2 === 1) assert.ok(text.includes(flat(payload)));
  assert.ok(text.includes('{\n"b":1}'));
});

each("an erasure of everything takes a customer's lines that nobody can read along", async (texts) => {
  archived(texts, bench.clock.now - 20 * DAY);
  const { certificate } = await privacy("erasure", { all: true });
  assert.equal((certificate as { unreadable_archive_lines: number }).unreadable_archive_lines, 0);
  const text = archiveLines().join("\n");
  assert.ok(!text.includes("cus_a") && text.includes('{\n"b":1}'));
});

each("a replay brings the events back as they were sent", async (texts) => {
  bench.subscriptions = [
    { subscription_id: "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", version: 1, event_selector: { cel: "has(event.user)" } },
  ];
  const at = bench.clock.now - 20 * DAY;
  const batch = archived(texts, at);
  const range = { from: rfc3339(at - DAY), to: rfc3339(at + DAY) };
  const job = await bench.finish(bench.begin("replay", "cus_a", range).job_id, works);
  assert.deepEqual([job.status, job.progress.matched], ["succeeded", texts.length]);
  const [message] = bench.sent.get("retry")!.map(decodeDeliver);
  assert.equal(message!.kind === "delivery" && message!.first, batch.first);
  assert.deepEqual(await stored(batch), texts);
});

each("what a restored table lacks is put back, everybody's", async (texts) => {
  const at = bench.clock.now - DAY;
  const batch = archived(texts, at);
  const range = { from: rfc3339(at - HOUR), to: rfc3339(at + HOUR) };
  assert.equal(
    await putBack({ kind: "put_back", ...range, prefix: archivePrefix("cus_a") }, bench.tools),
    texts.length + 1,
  );
  assert.deepEqual(await stored(batch), texts);
});

each("table and archive are compared, and only what is missing is written", async (texts) => {
  bench.customers = ["cus_a"];
  const hour = Math.floor(bench.clock.now / HOUR) * HOUR - 3 * HOUR;
  await storage.put(encodeBatch(archived(texts, hour + 1_000)));
  const missing = batchOf(
    "cus_a",
    texts.map(() => ({})),
    hour + 2_000,
    { body: { inline: pack(texts.map((text) => Buffer.from(text))) } },
  );
  await storage.put(encodeBatch(missing));
  const { events, missing: count } = await reconcile({ hour: rfc3339(hour) }, bench.tools);
  assert.deepEqual([events, count], [2 * texts.length, texts.length]);
  assert.equal((await reconcile({ hour: rfc3339(hour) }, bench.tools)).missing, 0);
  const repaired = archiveLines().filter((line) => line.includes(`"batch":"${missing.first}"`));
  assert.deepEqual(
    repaired.map((line) => JSON.parse(line).events.map(({ event_id }: { event_id: string }) => event_id)),
    [texts.map((_, i) => eventId(ulidAt(missing.first, i)))],
  );
});

/** Payloads of a batch's events in the table. */
async function stored(batch: BatchItem): Promise<string[]> {
  const ulids = Array.from({ length: batch.count }, (_, i) => ulidAt(batch.first, i));
  const found = await findEvents(storage.store, "cus_a", ulids, { now: bench.clock.now, body: true });
  return ulids.map((ulid) => {
    const { batch, offset } = found.get(ulid)!;
    return unpack((batch.body as { inline: Buffer }).inline)[offset]!.toString();
  });
}

test.run();
