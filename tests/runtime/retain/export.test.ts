import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import { archivePrefix, encodeArchive } from "../../../runtime/domain/codec/index.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { type Job, scopeKey } from "../../../runtime/domain/job.ts";
import { erase } from "../../../runtime/retain/erase/erase.ts";
import { exportEvents } from "../../../runtime/retain/export/export.ts";
import type { Works } from "../../../runtime/retain/run.ts";
import { encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { jobBench } from "../../support/jobs.ts";
import { batchOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("exports");
const works: Works = { erasure: erase, export: exportEvents, replay: erase };
const DAY = 86_400_000;

let storage: Storage;
test.before.each(async () => {
  storage = await openStorage();
});
test.after.each(() => storage.close());

/** What `tar` itself makes of an archive. */
function untar(bytes: Uint8Array): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "export-"));
  try {
    writeFileSync(join(folder, "export.tar.gz"), bytes);
    execFileSync("tar", ["xzf", "export.tar.gz"], { cwd: folder });
    return Object.fromEntries(
      ["events.jsonl", "manifest.json"].map((name) => [name, readFileSync(join(folder, name), "utf8")]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("an export holds the subject's events of archive and table, each once and as sent, wherever its making crashed", async () => {
  const bench = jobBench(storage);
  const now = bench.clock.now;
  const mine = (n: number) => `{"user":{"id":7},"n":${n}.00}`;
  // Past the retention, in the archive alone, twice: its batch was routed twice.
  const old = batchOf("cus_a", [{}, {}], now - 100 * DAY);
  const head = eventHeads(old.first, old.types);
  const raws = [mine(1), '{"user":{"id":8}}'].map((text) => Buffer.from(text));
  const lines = encodeArchive(
    old,
    "cus_a",
    "live",
    raws.map((raw, i) => ({ head: head(i), raw })),
  );
  storage.objects.set(
    `archive/events/prefix=${archivePrefix("cus_a")}/2026/01/01/00/x.gz`,
    gzipSync(Buffer.concat([...lines, ...lines])),
  );
  const { pack } = await import("../../../runtime/domain/codec/pack.ts");
  for (let n = 2; n < 40; n += 1) {
    const inline = pack([Buffer.from(mine(n)), Buffer.from('{"user":{"id":8}}')]);
    await storage.put(encodeBatch(batchOf("cus_a", [{}, {}], now - 1_000 * n, { body: { inline } })));
  }
  await storage.put(encodeBatch(batchOf("cus_b", [{ user: { id: 7 } }], now - 1_000)));
  const job = bench.begin("export", "cus_a", { subject: { jsonpath: "$.user.id" } });
  const scope = { subject: { jsonpath: "$.user.id", equals: 7 } };
  storage.objects.set(`exports/${scopeKey(job.job_id)}`, Buffer.from(JSON.stringify(scope)));
  let saves = 0;
  const done = await bench.finish(job.job_id, works, (op) => {
    bench.clock.now += 6_000;
    if (op === "job_save" && saves++ % 2 === 0) throw new Error("crash");
  });
  assert.equal(done.status, "succeeded");
  const key = `exports/${done.result!.object as string}`;
  assert.deepEqual(
    [...storage.objects.keys()].filter((each) => each.startsWith("exports/")),
    [key],
  );
  const files = untar(storage.objects.get(key)!);
  const events = files["events.jsonl"]!.trimEnd().split("\n");
  assert.deepEqual(
    events.map((line) => line.slice(line.indexOf('"payload":') + 10, -1)).sort(),
    Array.from({ length: 39 }, (_, i) => mine(i + 1)).sort(),
  );
  const manifest = JSON.parse(files["manifest.json"]!);
  assert.deepEqual(
    [manifest.events, manifest.files],
    [
      39,
      [
        {
          name: "events.jsonl",
          bytes: Buffer.byteLength(files["events.jsonl"]!),
          sha256: createHash("sha256").update(files["events.jsonl"]!).digest("hex"),
          events: 39,
        },
      ],
    ],
  );
});

test("two runs of an export at once, as a repeated message begins them, leave it whole", async () => {
  const bench = jobBench(storage);
  const now = bench.clock.now;
  for (let n = 1; n <= 10; n += 1) await storage.put(encodeBatch(batchOf("cus_a", [{ n }], now - 1_000 * n)));
  const job = bench.begin("export", "cus_a", { all: true });
  storage.objects.set(`exports/${scopeKey(job.job_id)}`, Buffer.from('{"all":true}'));
  const slice = async (of: Job, until: number): Promise<Job> => {
    const { cursor, progress, result = null } = await exportEvents(of, bench.tools, until, async () => true);
    return { ...of, cursor, progress, result };
  };
  const begun = await slice(job, now + 1_000);
  const whole = await slice(begun, now + 1_000);
  // The other has time for one batch.
  await slice(begun, now);
  const assembled = await slice(whole, now + 1_000);
  const done = await slice(assembled, now + 1_000);
  const objects = [...storage.objects.keys()].filter((key) => key.startsWith("exports/"));
  assert.deepEqual(objects, [`exports/${done.result!.object}`]);
  const lines = untar(storage.objects.get(objects[0]!)!)["events.jsonl"]!.trimEnd().split("\n");
  assert.equal(lines.length, 10);
});

test("an export of nothing is an archive with an empty file", async () => {
  const bench = jobBench(storage);
  const job = bench.begin("export", "cus_a", { all: true });
  storage.objects.set(`exports/${scopeKey(job.job_id)}`, Buffer.from('{"all":true}'));
  const done = await bench.finish(job.job_id, works);
  assert.equal(untar(storage.objects.get(`exports/${done.result!.object as string}`)!)["events.jsonl"], "");
});

test("the manifest counts damaged batches and lines of the archive, each once, in however many slices", async () => {
  const bench = jobBench(storage);
  const now = bench.clock.now;
  const damaged = [3, 11, 12, 39];
  for (let n = 0; n < 40; n += 1) {
    const batch = batchOf("cus_a", [{ n }], now - 40_000 + 1_000 * n);
    const item = encodeBatch(damaged.includes(n) ? { ...batch, body: { inline: Buffer.from("no frame") } } : batch);
    await storage.put(n === 12 ? { ...item, matched: { S: "[" } } : item);
  }
  const old = batchOf("cus_a", [{ n: -1 }], now - 100 * DAY);
  const [line] = encodeArchive(old, "cus_a", "live", [
    { head: eventHeads(old.first, old.types)(0), raw: Buffer.from("{]") },
  ]);
  storage.objects.set(`archive/events/prefix=${archivePrefix("cus_a")}/2026/01/01/00/x.gz`, gzipSync(line!));
  const job = bench.begin("export", "cus_a", { all: true });
  storage.objects.set(`exports/${scopeKey(job.job_id)}`, Buffer.from('{"all":true}'));
  let done: Job = job;
  // Each slice has time for one batch.
  for (let slices = 0; done.result === null || done.result === undefined; slices += 1) {
    assert.ok(slices < 100);
    const { cursor, progress, result = null } = await exportEvents(done, bench.tools, now, async () => true);
    done = { ...done, cursor, progress, result };
  }
  const manifest = JSON.parse(
    untar(storage.objects.get(`exports/${done.result!.object as string}`)!)["manifest.json"]!,
  );
  assert.deepEqual(
    [manifest.events, manifest.unreadable_batches, manifest.unreadable_archive_lines],
    [36, damaged.length, 1],
  );
});

test.run();
