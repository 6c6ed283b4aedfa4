import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { suite } from "uvu";
import { archivePrefix, encodeArchive, encodeBatch } from "../../../runtime/domain/codec.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { rfc3339 } from "../../../runtime/domain/ids.ts";
import { unpack } from "../../../runtime/domain/pack.ts";
import { settledHour } from "../../../runtime/retain/hours.ts";
import { reconcile } from "../../../runtime/retain/reconcile.ts";
import { jobBench } from "../../support/jobs.ts";
import { batchOf, openStorage, type Storage } from "../../support/storage.ts";

const test = suite("table against archive");
const HOUR = 3_600_000;

let storage: Storage;
test.before.each(async () => {
  storage = await openStorage();
});
test.after.each(() => storage.close());

/** Stores a request of two events; where `archived` names an object, its delivery stream did its part. */
async function accept(tenant: string, at: number, archived?: string, deleted: number[] = []) {
  const batch = batchOf(tenant, [{ n: 1 }, { n: 2 }], at, { deleted });
  await storage.put(encodeBatch(batch));
  if (archived === undefined) return;
  const [customer, environment = "live"] = tenant.split(".");
  const head = eventHeads(batch.first, batch.types);
  const raws = unpack((batch.body as { inline: Buffer }).inline);
  const key = `archive/events/prefix=${archivePrefix(customer!)}/${rfc3339(at).slice(0, 13).replaceAll(/[-T]/g, "/")}/${archived}`;
  storage.objects.set(
    key,
    gzipSync(
      Buffer.concat(
        encodeArchive(
          batch,
          customer!,
          environment,
          raws.map((raw, i) => ({ head: head(i), raw })),
        ),
      ),
    ),
  );
}

test("what a failing delivery stream lost is found, told, and written from the table; then nothing is missing", async () => {
  const bench = jobBench(storage);
  bench.customers = ["cus_a", "cus_b"];
  const logged: [string, unknown][] = [];
  const tools = {
    ...bench.tools,
    log: (_: string, message: string, fields: unknown) => logged.push([message, fields]),
  };
  const hour = settledHour(bench.clock.now);
  await accept("cus_a", hour + 1_000, "fine.gz");
  await accept("cus_a", hour + 2_000);
  await accept("cus_a.sandbox", hour + 3_000);
  await accept("cus_b", hour + HOUR - 1, "other.gz");
  await accept("cus_b", hour - 1);
  await accept("cus_b", hour + HOUR);
  const before = storage.objects.size;
  const first = await reconcile({ hour: rfc3339(hour) }, tools);
  assert.deepEqual(first, { hour: rfc3339(hour), customers: 2, events: 8, missing: 4 });
  assert.deepEqual(
    logged.filter(([message]) => message === "retain.archive_gap").map(([, fields]) => fields),
    [
      { customer_id: "cus_a", environment: "live", hour: rfc3339(hour), events: 4, missing: 2 },
      { customer_id: "cus_a", environment: "sandbox", hour: rfc3339(hour), events: 2, missing: 2 },
    ],
  );
  const repaired = [...storage.objects.keys()].slice(before);
  assert.equal(repaired.length, 2);
  const lines = gunzipSync(storage.objects.get(repaired[0]!)!).toString().trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).events.map(({ payload }: { payload: unknown }) => payload)),
    [[{ n: 1 }, { n: 2 }]],
  );
  assert.equal((await reconcile({ hour: rfc3339(hour) }, tools)).missing, 0);
});

test("deleted events are not put back into the archive", async () => {
  const bench = jobBench(storage);
  bench.customers = ["cus_a"];
  const hour = settledHour(bench.clock.now);
  await accept("cus_a", hour + 1_000, undefined, [0, 1]);
  assert.equal((await reconcile({ hour: rfc3339(hour) }, bench.tools)).missing, 0);
  assert.equal(storage.objects.size, 0);
});

test("an hour is compared only once it is over and had an hour to settle", () => {
  const at = Date.UTC(2026, 0, 2, 12);
  assert.equal(rfc3339(settledHour(at)), "2026-01-02T10:00:00.000Z");
  assert.equal(rfc3339(settledHour(at - 1)), "2026-01-02T09:00:00.000Z");
});

test.run();
