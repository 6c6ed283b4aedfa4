import assert from "node:assert/strict";
import { suite } from "uvu";
import { insertJob, saveJob } from "../../../runtime/database/jobs.ts";
import { asCustomer, asService } from "../../../runtime/database/roles.ts";
import type { Definition } from "../../../runtime/database/schema.ts";
import {
  changeSubscription,
  findSubscription,
  insertSubscriptions,
  setStatus,
  subscriptionsAt,
} from "../../../runtime/database/subscriptions.ts";
import { currentVersion, nextVersion } from "../../../runtime/database/versions.ts";
import { newId } from "../../../runtime/domain/ids.ts";
import type { ServiceRequest } from "../../../runtime/domain/service.ts";
import { startDatabase, type TestDatabase } from "../../support/database.ts";
import { serve } from "../../support/service.ts";

const test = suite("subscriptions service");
const NOW = Date.parse("2026-11-25T10:00:00Z");
let database: TestDatabase;
test.before(async () => {
  database = await startDatabase();
});
test.after(() => database.close());

const ask = <R extends ServiceRequest>(request: R) => serve<R["op"]>(database.db, request as never, NOW);

async function customer(): Promise<string> {
  const customer_id = newId("cus");
  const at = new Date(NOW).toISOString();
  await asCustomer(database.db, customer_id, (tx) =>
    tx
      .insertInto("customers")
      .values({ customer_id, name: "x", limit_per_second: 1, status: "active", created_at: at, updated_at: at })
      .execute(),
  );
  return customer_id;
}

const definition = (url: string, more: Partial<Definition> = {}): Definition => ({
  workflow_id: null,
  webhook_url: `https://example.com/${url}`,
  event_selector: "order.*",
  transform: null,
  enrich: null,
  format: "event",
  max_batch: 100,
  headers: {},
  ...more,
});

/** Adds this many subscriptions under one version; ids in ascending order. */
async function subscribe(customer_id: string, count: number, more: Partial<Definition> = {}): Promise<string[]> {
  const added = Array.from({ length: count }, (_, i) => ({
    subscription_id: newId("sub"),
    definition: definition(`${newId("req")}/${i}`, more),
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  }));
  await asCustomer(database.db, customer_id, async (tx) => {
    const snapshot = await nextVersion(tx, customer_id, customer_id, "subscriptions");
    await insertSubscriptions(tx, { customer_id, environment: "live" }, added, snapshot, NOW);
  });
  return added.map(({ subscription_id }) => subscription_id).sort();
}

async function wholeSnapshot(tenant: string) {
  const pages = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof serve<"snapshot">>> = await serve(
      database.db,
      { op: "snapshot", tenant, ...(cursor === null ? {} : { cursor }) },
      NOW,
    );
    pages.push(page);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return { pages, ids: pages.flatMap(({ subscriptions }) => subscriptions.map((each) => each.subscription_id)) };
}

test("a tenant that never subscribed has version 0 and an empty snapshot", async () => {
  assert.deepEqual(await ask({ op: "versions", tenants: ["cus_none", "cus_none.sandbox"] }), {
    versions: { cus_none: 0, "cus_none.sandbox": 0 },
  });
  assert.deepEqual(await ask({ op: "snapshot", tenant: "cus_none" }), {
    version: 0,
    subscriptions: [],
    retention_days: 90,
    erasures: [],
    next_cursor: null,
  });
  assert.deepEqual(await ask({ op: "versions", tenants: [] }), { versions: {} });
});

test("every change counts one version of its tenant alone", async () => {
  const [mine, yours] = [await customer(), await customer()];
  const versions = async () => (await ask({ op: "versions", tenants: [mine, yours] })).versions;
  const [id] = await subscribe(mine, 1);
  assert.deepEqual(await versions(), { [mine]: 1, [yours]: 0 });
  await ask({ op: "disable", tenant: mine, subscription_id: id!, reason: "endpoint_failing" });
  assert.deepEqual(await versions(), { [mine]: 2, [yours]: 0 });
  await ask({ op: "remove", tenant: mine, subscription_id: id!, reason: "gone" });
  assert.deepEqual(await versions(), { [mine]: 3, [yours]: 0 });
});

test("a snapshot holds active and disabled subscriptions, not removed ones", async () => {
  const mine = await customer();
  const [kept, disabled, removed] = await subscribe(mine, 3);
  await ask({ op: "disable", tenant: mine, subscription_id: disabled!, reason: "x" });
  await ask({ op: "remove", tenant: mine, subscription_id: removed!, reason: "gone" });
  const { subscriptions } = await ask({ op: "snapshot", tenant: mine });
  assert.deepEqual(subscriptions, [
    { subscription_id: kept, version: 1, event_selector: "order.*" },
    { subscription_id: disabled, version: 2, event_selector: "order.*" },
  ]);
});

test("a snapshot read in pages is of one moment, also when subscriptions change between its pages", async () => {
  const mine = await customer();
  const before = await subscribe(mine, 6_000);
  const first = await ask({ op: "snapshot", tenant: mine });
  assert.equal(first.subscriptions.length, 5_000);
  await subscribe(mine, 3);
  await ask({ op: "remove", tenant: mine, subscription_id: before[5_500]!, reason: "gone" });
  await ask({ op: "remove", tenant: mine, subscription_id: before[0]!, reason: "gone" });
  const second = await ask({ op: "snapshot", tenant: mine, cursor: first.next_cursor! });
  assert.deepEqual([first.version, second.version], [1, 1]);
  const ids = [...first.subscriptions, ...second.subscriptions].map(({ subscription_id }) => subscription_id);
  assert.deepEqual(ids, before);
  const { ids: now } = await wholeSnapshot(mine);
  assert.equal(now.length, 6_001);
});

test("pages of large selectors stay within what a function can answer", async () => {
  const mine = await customer();
  const cel = `event.text == "${"x".repeat(15_000)}"`;
  await subscribe(mine, 700, { event_selector: { cel } });
  const { pages, ids } = await wholeSnapshot(mine);
  assert.equal(new Set(ids).size, 700);
  for (const page of pages) assert.ok(Buffer.byteLength(JSON.stringify(page)) < 5_000_000);
  assert.equal(pages.length, 3);
});

test("changes since a version lead from that snapshot to the newest", async () => {
  const mine = await customer();
  const [a, b, c] = await subscribe(mine, 3);
  const { version: since } = await ask({ op: "snapshot", tenant: mine });
  await ask({ op: "remove", tenant: mine, subscription_id: a!, reason: "gone" });
  await ask({ op: "disable", tenant: mine, subscription_id: b!, reason: "x" });
  const [d] = await subscribe(mine, 1);
  const changes = await ask({ op: "changes", tenant: mine, since });
  assert.deepEqual(
    [changes.version, changes.removed, changes.changed.map((each) => [each.subscription_id, each.version])],
    [
      since + 3,
      [a],
      [
        [b, 2],
        [d, 1],
      ].sort(),
    ],
  );
  const { ids } = await wholeSnapshot(mine);
  assert.deepEqual(ids, [b, c, d].sort());
  assert.deepEqual((await ask({ op: "changes", tenant: mine, since: changes.version })).changed, []);
});

test("definitions can be read as they stood at any version, for ever", async () => {
  const mine = await customer();
  const [id] = await subscribe(mine, 1);
  const change = (more: Partial<Definition>) =>
    asCustomer(database.db, mine, async (tx) => {
      const snapshot = await nextVersion(tx, mine, mine, "subscriptions");
      const row = (await findSubscription(tx, mine, id!))!;
      await changeSubscription(tx, row, { definition: { ...row.definition, ...more } }, snapshot, NOW);
    });
  await change({ event_selector: "b" });
  await change({ event_selector: "c" });
  await ask({ op: "remove", tenant: mine, subscription_id: id!, reason: "gone" });
  const stood = await asCustomer(database.db, mine, async (tx) => {
    const found = [];
    for (let snapshot = 0; snapshot <= 4; snapshot += 1) {
      const rows = await subscriptionsAt(tx, mine, snapshot, { after: "", limit: 10, which: "matched" });
      found.push(rows.map((row) => [row.version, row.definition.event_selector]));
    }
    return found;
  });
  assert.deepEqual(stood, [[], [[1, "order.*"]], [[2, "b"]], [[3, "c"]], []]);
});

test("versions are seen in order though many change at once", async () => {
  const mine = await customer();
  const ids = await subscribe(mine, 20);
  const seen: number[] = [];
  let done = false;
  const watch = (async () => {
    while (!done) seen.push(await asService(database.db, (tx) => currentVersion(tx, mine, "subscriptions")));
  })();
  await Promise.all(
    ids.map((subscription_id) =>
      asCustomer(database.db, mine, (tx) =>
        setStatus(tx, { tenant: mine, subscription_id }, { status: "disabled", reason: "x" }, NOW),
      ),
    ),
  );
  done = true;
  await watch;
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  assert.equal(await asService(database.db, (tx) => currentVersion(tx, mine, "subscriptions")), 21);
});

test("targets whose secrets or headers can't be opened are named, and keep no other from being delivered", async () => {
  const own = await customer();
  const ids = await subscribe(own, 3, { headers: { "x-a": "1" } });
  const broken = "sealed:1:AAAA";
  await asService(database.db, async (tx) => {
    await tx.updateTable("signing_secrets").set({ secret: broken }).where("subscription_id", "=", ids[0]!).execute();
    const damaged = JSON.stringify(definition("x", { headers: { "x-a": broken } }));
    await tx.updateTable("subscriptions").set({ definition: damaged }).where("subscription_id", "=", ids[1]!).execute();
  });
  const wanted = ids.map((subscription_id) => ({ tenant: own, subscription_id }));
  const { targets, unreadable } = await ask({ op: "targets", wanted });
  assert.deepEqual(
    targets.map(({ subscription_id }) => subscription_id),
    [ids[2]],
  );
  assert.deepEqual(new Set(unreadable?.map(({ subscription_id }) => subscription_id)), new Set(ids.slice(0, 2)));
});

test("a target has what delivering needs, and only its own tenant's is given", async () => {
  const [mine, yours] = [await customer(), await customer()];
  const more = {
    transform: { omit: ["$.card"] },
    enrich: { from: "t", key: "$.k", as: "r" },
    headers: { "x-a": "1" },
    format: "payload",
    max_batch: 7,
  } as const;
  const [id] = await subscribe(mine, 1, more);
  const { targets } = await ask({
    op: "targets",
    wanted: [
      { tenant: mine, subscription_id: id! },
      { tenant: mine, subscription_id: newId("sub") },
    ],
  });
  assert.deepEqual(
    targets.map(({ webhook_url: _, ...rest }) => rest),
    [
      {
        subscription_id: id,
        version: 1,
        tenant: mine,
        environment: "live",
        event_selector: "order.*",
        status: "active",
        secrets: [{ secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }],
        ...more,
      },
    ],
  );
  assert.deepEqual(await ask({ op: "targets", wanted: [{ tenant: yours, subscription_id: id! }] }), { targets: [] });
  assert.deepEqual(await ask({ op: "remove", tenant: yours, subscription_id: id!, reason: "x" }), { done: false });
});

test("route and deliver hear of an erasure for 15 days, unless it failed; that of a live key counts in the sandbox too", async () => {
  const mine = await customer();
  const sandbox = `${mine}.sandbox`;
  const [live] = await subscribe(mine, 1);
  const DAY = 86_400_000;
  const subject = { jsonpath: "$.user.email", equals_sha256: "aa", equals_type: "string" };
  const erase = (tenant: string, request: object, at: number, status: "pending" | "failed" = "pending") =>
    asCustomer(database.db, mine, async (tx) => {
      const job_id = newId("prv", at);
      const job = { job_id, kind: "erasure", tenant, customer_id: mine, progress: {}, created_by: "key_1" } as const;
      await insertJob(tx, { ...job, request: { ...request } }, at);
      if (status === "failed") await saveJob(tx, job_id, { status }, at);
    });
  await erase(mine, { subject }, NOW - DAY);
  await erase(sandbox, { all: true }, NOW - 2 * DAY);
  await erase(mine, { all: true }, NOW - 16 * DAY);
  await erase(mine, { all: true }, NOW - 1, "failed");
  const erasuresOf = async (tenant: string) => (await ask({ op: "snapshot", tenant })).erasures;
  assert.deepEqual(await erasuresOf(mine), [{ until: NOW - DAY, subject }]);
  assert.deepEqual(await erasuresOf(sandbox), [{ until: NOW - 2 * DAY }, { until: NOW - DAY, subject }]);
  assert.deepEqual((await ask({ op: "changes", tenant: mine, since: 0 })).erasures, [{ until: NOW - DAY, subject }]);
  const wanted = [{ tenant: mine, subscription_id: live! }];
  assert.equal((await ask({ op: "targets", wanted })).targets[0]!.erased_until, NOW - DAY);
});

test("jobs that copy events are answered: exports, and replays as long as they may read the archive", async () => {
  const mine = await customer();
  const begun = (kind: "export" | "replay" | "erasure", cursor: unknown, status: "running" | "succeeded" = "running") =>
    asCustomer(database.db, mine, async (tx) => {
      const job_id = newId(kind === "replay" ? "rpl" : "prv");
      const job = { job_id, kind, tenant: mine, customer_id: mine, request: {}, progress: {}, created_by: "key_1" };
      await insertJob(tx, job, NOW);
      await saveJob(tx, job_id, { status, cursor }, NOW);
      return job_id;
    });
  const copying = [
    await begun("export", { phase: "table" }),
    await begun("replay", { phase: "archive" }),
    await begun("replay", null),
  ];
  await begun("replay", { phase: "table" });
  await begun("export", null, "succeeded");
  await begun("erasure", null);
  const { jobs } = await ask({ op: "copying", tenants: [mine, `${mine}.sandbox`] });
  assert.deepEqual(jobs.map(({ job_id }) => job_id).sort(), copying.sort());
  assert.deepEqual((await ask({ op: "copying", tenants: [`${mine}.sandbox`] })).jobs, []);
});

test("a job is saved until it is over, then stays as it is", async () => {
  const mine = await customer();
  const job = {
    job_id: newId("rpl"),
    kind: "replay",
    tenant: mine,
    customer_id: mine,
    request: { from: "2026-11-25T00:00:00.000Z" },
    progress: { matched: 0, sent: 0 },
    created_by: "key_1",
  } as const;
  const made = await asCustomer(database.db, mine, (tx) => insertJob(tx, job, NOW));
  assert.deepEqual((await ask({ op: "job", job_id: job.job_id })).job, made);
  const { job_id } = job;
  assert.deepEqual(
    await ask({ op: "job_save", job_id, status: "running", cursor: { at: 1 }, progress: { matched: 2, sent: 1 } }),
    {
      saved: true,
      status: "running",
    },
  );
  const { job: saved } = await ask({ op: "job", job_id });
  assert.deepEqual([saved?.status, saved?.cursor, saved?.progress], ["running", { at: 1 }, { matched: 2, sent: 1 }]);
  await ask({ op: "job_save", job_id, status: "cancelled" });
  assert.deepEqual(await ask({ op: "job_save", job_id, status: "succeeded", result: { x: 1 } }), {
    saved: false,
    status: "cancelled",
  });
  assert.deepEqual(
    await ask({ op: "job_save", job_id, status: "running", cursor: { at: 2 }, progress: { matched: 4, sent: 3 } }),
    { saved: false, status: "cancelled" },
  );
  const { job: told } = await ask({ op: "job", job_id });
  assert.deepEqual([told?.status, told?.cursor, told?.progress], ["cancelled", { at: 1 }, { matched: 4, sent: 3 }]);
  assert.deepEqual((await ask({ op: "job", job_id: newId("rpl") })).job, null);
});

test("the service refuses an unknown operation by name", async () => {
  assert.throws(() => serve(database.db, { op: "drop" } as never, NOW), /unknown operation "drop"/);
  assert.throws(() => serve(database.db, { op: "constructor" } as never, NOW), /unknown operation "constructor"/);
});

test("a costly selector is marked once, paused when it stays so, matched no more, and begins anew once it is changed", async () => {
  const customer_id = await customer();
  const [one, other] = (await subscribe(customer_id, 2)) as [string, string];
  const tenant = customer_id;
  const told = (at: number) => serve(database.db, { op: "costly", tenant, subscription_ids: [one] } as const, NOW + at);
  assert.deepEqual(await told(0), { marked: [one], paused: [] });
  for (let n = 1; n < 10; n += 1) assert.deepEqual(await told(n), { marked: [], paused: [] });
  const before = (await ask({ op: "versions", tenants: [tenant] })).versions[tenant]!;
  assert.deepEqual(await told(60_000), {
    marked: [],
    paused: [{ subscription_id: one, since: new Date(NOW).toISOString() }],
  });
  const { subscriptions } = await ask({ op: "snapshot", tenant });
  assert.deepEqual(
    subscriptions.map(({ subscription_id }) => subscription_id),
    [other],
  );
  const { removed, changed } = await ask({ op: "changes", tenant, since: before });
  assert.deepEqual([removed, changed], [[one], []]);
  const read = () => asCustomer(database.db, customer_id, (tx) => findSubscription(tx, tenant, one));
  const { status, reason, costly_times } = (await read())!;
  assert.deepEqual([status, reason, costly_times], ["disabled", "selector_too_costly", 11]);
  assert.deepEqual(await told(70_000), { marked: [], paused: [] }, "what is paused is not marked any more");
  await asCustomer(database.db, customer_id, async (tx) => {
    const snapshot = await nextVersion(tx, tenant, customer_id, "subscriptions");
    await changeSubscription(
      tx,
      (await findSubscription(tx, tenant, one))!,
      { status: "active", reason: null },
      snapshot,
      NOW,
    );
  });
  const anew = (await read())!;
  assert.deepEqual([anew.costly_since, anew.costly_times], [null, 0]);
  assert.deepEqual(await told(80_000), { marked: [one], paused: [] });
});

test("a selector that was costly once, and then not for a day, is marked again", async () => {
  const customer_id = await customer();
  const [one] = (await subscribe(customer_id, 1)) as [string];
  const told = (at: number) =>
    serve(database.db, { op: "costly", tenant: customer_id, subscription_ids: [one] } as const, NOW + at);
  assert.deepEqual((await told(0)).marked, [one]);
  assert.deepEqual((await told(86_400_000)).marked, []);
  assert.deepEqual((await told(2 * 86_400_000 + 1)).marked, [one]);
});

test.run();
