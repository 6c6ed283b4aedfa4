import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import { archivePrefix } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { eventId, ulidAt } from "../../../runtime/domain/ids.ts";
import { decodeProblem, encodeProblem, type Problem } from "../../../runtime/domain/problem.ts";
import { decodeBatch, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { decodeDeliveryItem, encodeDeliveryItem } from "../../../runtime/store/deliveries/deliveryItem.ts";
import { withMarks } from "../../../runtime/store/inbox/acknowledged.ts";
import {
  archiveAt,
  beginRequest,
  type Drawn,
  everythingIn,
  itemsIn,
  putRequest,
  SECRET,
  SUB,
  subject,
  works,
} from "../../support/erasure.ts";
import { type JobBench, jobBench } from "../../support/jobs.ts";
import { batchOf, deliveryOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("erasure");
const runs = Number(process.env.ERASURE_RUNS ?? 8);

let storage: Storage;
test.before.each(async () => {
  storage = await openStorage();
});
test.after.each(() => storage.close());

const everything = () => everythingIn(storage);
const itemsOf = () => itemsIn(storage);
const put = (bench: JobBench, tenant: string, drawn: Drawn, ago: number) =>
  putRequest(storage, bench, tenant, drawn, ago);
const archive = (...args: Rest<typeof archiveAt>) => archiveAt(storage, ...args);
const begin = (...args: Rest<typeof beginRequest>) => beginRequest(storage, ...args);
type Rest<F> = F extends (storage: Storage, ...rest: infer Args) => unknown ? Args : never;

/** Redis as the function sees it that forgets: hashes of keys by first ULID, and the requests that are under way. */
function entriesOf(bench: JobBench) {
  const entries = new Map<string, string>();
  const underWay = new Set<string>();
  bench.forget = async (request) => {
    const asked =
      "entries" in request ? request.entries.filter((each) => entries.get(each.first) === each.key_hash) : [];
    const in_flight = asked.filter(({ first }) => underWay.has(first)).map(({ key_hash }) => key_hash);
    let removed = 0;
    for (const { first } of asked) if (!underWay.has(first) && entries.delete(first)) removed += 1;
    return { removed, in_flight, next_cursor: null };
  };
  return { entries, underWay };
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  people: fc.array(fc.constantFrom(SECRET, "bob@example.com", null), { minLength: 1, maxLength: 5 }),
  inBucket: fc.boolean(),
  delivered: fc.boolean(),
  deletedBefore: fc.boolean(),
});

test("wherever it crashes, an erasure leaves no trace of the subject and every other event as it was", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(drawn, { minLength: 1, maxLength: 8 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      async (requests, crashes) => {
        await storage.close();
        storage = await openStorage();
        const bench = jobBench(storage);
        const batches = [];
        for (const [i, each] of requests.entries()) {
          const tenant = i % 3 === 2 ? "cus_a.sandbox" : "cus_a";
          batches.push({ each, batch: await put(bench, tenant, each, 60_000 * (i + 1)) });
        }
        const strangers = await put(
          bench,
          "cus_b",
          { people: ["bob@example.com"], inBucket: false, delivered: false, deletedBefore: false },
          1_000,
        );
        const job = begin(bench, "erasure", "cus_a", subject);
        let calls = 0;
        const done = await bench.finish(job.job_id, works, (op) => {
          bench.clock.now += 7_000; // slices end in the middle
          if (op === "job_save" && crashes[calls++] === true) throw new Error("crash");
        });
        assert.equal(done.status, "succeeded");
        assert.ok(!(await everything()).includes(SECRET));
        const left = new Map(
          (await itemsOf())
            .filter((item) => item.sk!.S!.startsWith("e#"))
            .map((item) => [item.sk!.S!.slice(2), decodeBatch(item)]),
        );
        const marks = new Map(
          (await itemsOf()).filter((item) => item.sk!.S!.startsWith("a#")).map((item) => [item.sk!.S!.slice(2), item]),
        );
        for (const { each, batch } of batches) {
          const stored = left.get(batch.first)!;
          const bytes =
            "inline" in stored.body ? stored.body.inline : storage.objects.get(`payloads/${stored.body.s3_key}`)!;
          const erased = each.people.map((email) => email === SECRET);
          assert.deepEqual(
            unpack(bytes).map(String),
            each.people.map((email, n) =>
              email === SECRET ? "{}" : JSON.stringify({ event_type: "order.created", n, user: { email } }),
            ),
          );
          const hidden = erased.flatMap((gone, offset) =>
            gone || (offset === 0 && each.deletedBefore) ? [offset] : [],
          );
          assert.deepEqual(stored.deleted, hidden);
          const acknowledged = Object.keys(withMarks(stored, marks.get(batch.first)).acknowledged).map(Number);
          assert.deepEqual(
            acknowledged.sort((a, b) => a - b),
            erased.flatMap((gone, offset) => (gone ? [] : [offset])),
          );
          // Where nothing is left to mark there is no item for it.
          assert.equal(marks.has(batch.first), acknowledged.length > 0);
        }
        assert.ok(left.has(strangers.first));
        const certificate = done.result!.certificate as Record<string, unknown>;
        assert.equal(certificate.found_by_last_pass, 0);
        const secrets = requests.flatMap(({ people }) => people).filter((email) => email === SECRET).length;
        assert.deepEqual(
          (certificate.erased as Record<string, number>).archived_events! >= (crashes.includes(true) ? 0 : secrets),
          true,
        );
        assert.equal(bench.audit.at(-1)!.action, "privacy.erased");
      },
    ),
    { numRuns: runs },
  ));

test("events that reach the archive and the table during an erasure are found by a later pass", async () => {
  const bench = jobBench(storage);
  const job = begin(bench, "erasure", "cus_a", subject);
  bench.clock.now += 1_000;
  let late = false;
  const done = await bench.finish(job.job_id, works, (op) => {
    if (late || op !== "job_save") return;
    late = true;
    // Accepted before the request, on its way since.
    void put(bench, "cus_a", { people: [SECRET], inBucket: false, delivered: false, deletedBefore: false }, 2_000);
  });
  assert.ok(!(await everything()).includes(SECRET));
  const { passes, erased } = done.result!.certificate as { passes: number; erased: Record<string, number> };
  assert.ok(passes > 1);
  assert.equal(erased.archived_events, 1);
});

test("idempotency entries of erased requests go after any crash, once no request with their keys is under way", async () => {
  for (const crash of [false, true]) {
    await storage.close();
    storage = await openStorage();
    const bench = jobBench(storage);
    const { entries, underWay } = entriesOf(bench);
    for (const [key_hash, email] of Object.entries({ ada: SECRET, slow: SECRET, bob: "bob@example.com" })) {
      const batch = batchOf("cus_a", [{ user: { email } }], bench.clock.now - 5_000, { key_hash });
      await storage.put(encodeBatch(batch));
      entries.set(batch.first, key_hash);
      if (key_hash === "slow") underWay.add(batch.first);
    }
    let saves = 0;
    const job = begin(bench, "erasure", "cus_a", subject);
    const done = await bench.finish(job.job_id, works, (op) => {
      if (op !== "job_save") return;
      saves += 1;
      if (crash && saves === 1) throw new Error("crash");
      if (saves === 6) underWay.clear();
    });
    assert.deepEqual([...entries.values()], ["bob"]);
    const { erased, passes } = done.result!.certificate as { erased: Record<string, number>; passes: number };
    // What a crash removed before it could be counted is gone all the same.
    assert.deepEqual(erased.idempotency_entries, crash ? 1 : 2);
    assert.ok(passes > 2);
    const hashes = (await itemsOf()).map((item) => decodeBatch(item).key_hash);
    assert.deepEqual(hashes.filter(Boolean), ["bob"]);
  }
});

test("erasing everything asks for every entry up to the request, in slices", async () => {
  const bench = jobBench(storage);
  const asked: unknown[] = [];
  bench.forget = async (request) => {
    asked.push(request);
    bench.clock.now += 25_000; // a slice each
    const pages: Record<string, [number, string | null]> = { "": [7, "a"], a: [5, null] };
    const [removed, next_cursor] = "cursor" in request ? pages[request.cursor!]! : pages[""]!;
    return { removed: asked.length > 4 ? 0 : removed, in_flight: [], next_cursor };
  };
  const job = begin(bench, "erasure", "cus_a", { all: true });
  const done = await bench.finish(job.job_id, works);
  const until = Date.parse(job.created_at);
  const one = ["cus_a", "cus_a.sandbox"].flatMap((tenant) => [
    { tenant, until },
    { tenant, until, cursor: "a" },
  ]);
  assert.deepEqual(asked, [...one, ...one]);
  const { erased } = done.result!.certificate as { erased: Record<string, number> };
  assert.equal(erased.idempotency_entries, 24);
});

test("erasing everything removes the problems up to the request, damaged ones too, and nobody else's", async () => {
  const bench = jobBench(storage);
  const at = bench.clock.now;
  const problem = (tenant: string, last_at: number): Problem => ({
    ...{ tenant, subscription_id: SUB, error: "http_5xx", status_code: 500, said: "open", said_at: last_at },
    ...{ count: 1, events: 1, first_at: last_at, last_at, sample_delivery_id: "dlv_x" },
  });
  for (const tenant of ["cus_a", "cus_a.sandbox", "cus_b"])
    await storage.put(encodeProblem(problem(tenant, at - 1_000)));
  await storage.put(encodeProblem({ ...problem("cus_a", at + 60_000), status_code: 502 }));
  await storage.put({ ...encodeProblem({ ...problem("cus_a", at - 1_000), status_code: 503 }), said: { S: "unsaid" } });
  await bench.finish(begin(bench, "erasure", "cus_a", { all: true }).job_id, works);
  const left = (await itemsOf()).filter(({ pk }) => pk!.S!.endsWith("#problems")).map(decodeProblem);
  assert.deepEqual(left.map(({ tenant, status_code }) => [tenant, status_code]).sort(), [
    ["cus_a", 502],
    ["cus_b", 500],
  ]);
});

test("a delivery that waits only for erased events is cancelled", async () => {
  const bench = jobBench(storage);
  const batch = batchOf("cus_a", [{ user: { email: SECRET } }], bench.clock.now - 5_000, { matched: { [SUB]: [0] } });
  await storage.put(encodeBatch(batch));
  const waiting = { status: "failed" as const, next_attempt_at: bench.clock.now + 60_000, swept: true };
  await storage.put(encodeDeliveryItem(deliveryOf(batch, SUB, waiting)));
  await bench.finish(begin(bench, "erasure", "cus_a", subject).job_id, works);
  const delivery = (await itemsOf()).find((item) => item.sk!.S!.startsWith("d#"))!;
  const { status, reason, next_attempt_at } = decodeDeliveryItem(delivery);
  assert.deepEqual(
    { status, reason, next_attempt_at },
    { status: "cancelled", reason: "event_erased", next_attempt_at: undefined },
  );
});

test("erasing everything removes the customer's items, payloads, archive lines and exports, and nobody else's", async () => {
  const bench = jobBench(storage);
  const one: Drawn = { people: [SECRET, null], inBucket: true, delivered: true, deletedBefore: false };
  await put(bench, "cus_a", one, 1_000);
  await put(bench, "cus_a.sandbox", one, 2_000);
  // A customer of the same 64th of the archive, in the same object.
  const neighbour = Array.from({ length: 2_000 }, (_, i) => `cus_n${i}`).find(
    (id) => archivePrefix(id) === archivePrefix("cus_a"),
  )!;
  const theirs = batchOf(neighbour, [{ n: 1 }], bench.clock.now - 1_000);
  const key = archive(neighbour, theirs.first, theirs.types, [Buffer.from('{"n":1}')], "shared");
  archive(
    "cus_a",
    batchOf("cus_a", [{}], bench.clock.now - 900).first,
    [null],
    [Buffer.from(`{"mail":"${SECRET}"}`)],
    "shared",
  );
  const exported = begin(bench, "export", "cus_a", { all: true });
  await bench.finish(exported.job_id, works);
  bench.clock.now += 1_000;
  const done = await bench.finish(begin(bench, "erasure", "cus_a", { all: true }).job_id, works);
  assert.equal(done.status, "succeeded");
  assert.deepEqual(await itemsOf(), []);
  assert.deepEqual([...storage.objects.keys()], [key]);
  assert.ok(
    gunzipSync(storage.objects.get(key)!)
      .toString()
      .includes(eventId(ulidAt(theirs.first, 0))),
  );
  const { erased, kept } = done.result!.certificate as { erased: Record<string, number>; kept: string[] };
  assert.deepEqual(kept, [
    "subscriptions with their selectors and headers",
    "reference tables",
    "event types and their schemas",
    "usage counters, which name event types",
    "the audit log",
  ]);
  assert.deepEqual(erased, {
    events: 4,
    deliveries: 2,
    payload_objects: 2,
    idempotency_entries: 0,
    archived_events: 5,
    archive_objects: 3,
    exports: 1,
    metrics: 0,
  });
});

test("a sandbox key erases its sandbox alone", async () => {
  const bench = jobBench(storage);
  const one: Drawn = { people: [SECRET], inBucket: false, delivered: false, deletedBefore: false };
  await put(bench, "cus_a", one, 1_000);
  await put(bench, "cus_a.sandbox", one, 2_000);
  bench.clock.now += 1_000;
  await bench.finish(begin(bench, "erasure", "cus_a.sandbox", subject).job_id, works);
  const tenants = (await itemsOf())
    .filter((item) => item.sk!.S!.startsWith("e#"))
    .map(decodeBatch)
    .filter(({ deleted }) => deleted.length === 0)
    .map(({ tenant }) => tenant);
  assert.deepEqual(tenants, ["cus_a"]);
});

test.run();
