import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { suite } from "uvu";
import { readLog, verdict } from "../../../operations/auditVerify.ts";
import type { Service } from "../../../runtime/aws/service.ts";
import { asService } from "../../../runtime/database/roles.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { newId } from "../../../runtime/domain/ids.ts";
import { decodeJobsMessage, type HourWork } from "../../../runtime/domain/job.ts";
import { HOUR_MS, rfc3339 } from "../../../runtime/domain/time.ts";
import { type AccessRecord, accessKey, chainAccess } from "../../../runtime/domain/usage/access.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { archiveAccess, beginAccess } from "../../../runtime/retain/hourly/access.ts";
import { settledHour } from "../../../runtime/retain/hourly/hours.ts";
import type { Tools } from "../../../runtime/retain/work.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { jobBench } from "../../support/jobs.ts";
import { serve } from "../../support/service.ts";
import { memoryS3, type Storage } from "../../support/storage.ts";
import { countUsage } from "../../support/usage.ts";

const test = suite("access records");

let api: TestApi;
const objects = new Map<string, Uint8Array>();
let sent: string[];
let tools: Tools;
/** Called before each step of the job that others see; a throw is a crash. */
let before: (step: string) => void;

test.before(async () => {
  api = await startApi({ s3: memoryS3(objects) });
});
test.before.each(async () => {
  const { customer_ids } = await serve<"customers">(api.deps.db, { op: "customers", deleted: true }, 0);
  const earlier = new Set(customer_ids);
  objects.clear();
  sent = [];
  before = () => undefined;
  const { dynamodb } = api.deps;
  const s3 = memoryS3(objects);
  const store = { events: { dynamodb, name: "events" }, s3, payloadBucket: "payloads" };
  const bench = jobBench({ store } as unknown as Storage);
  tools = {
    ...bench.tools,
    env: { ...bench.tools.env, AUDIT_BUCKET: "AUDIT_BUCKET" },
    store: {
      ...store,
      s3: Object.assign(Object.create(s3), {
        send: (command: { constructor: { name: string } }) => {
          before(command.constructor.name);
          return s3.send(command as never);
        },
      }),
    },
    service: (async (request: Parameters<Service>[0]) => {
      before(request.op);
      const answer = await serve(api.deps.db, request as never, api.deps.now());
      // Customers of other tests have calls in the same hour, and each archiving would do them all again.
      if ("customer_ids" in answer)
        Object.assign(answer, { customer_ids: answer.customer_ids.filter((id) => !earlier.has(id)) });
      return { answer, bytes: 0 };
    }) as Service,
    sqs: {
      send: async ({ input }: { input: { Entries: { MessageBody: string }[] } }) => {
        sent.push(...input.Entries.map(({ MessageBody }) => MessageBody));
        return {};
      },
    } as unknown as Tools["sqs"],
    now: api.deps.now,
  };
});
test.after(() => api.close());

const count = (facts: readonly UsageFact[]) => countUsage(api.deps.dynamodb, facts);

const accepted = (who: Identity, at: number, source_ip: string, sizes: readonly number[]): UsageFact => ({
  kind: "accepted",
  tenant: who.environment === "live" ? who.customer_id : `${who.customer_id}.sandbox`,
  at,
  routed_at: at + 50,
  key_id: who.key_id,
  source_ip,
  events: sizes.map((bytes) => ({ type: "a", bytes })),
});

const HOUR = "2026-01-02T03:00:00.000Z";
const at = (minute: number) => Date.parse(HOUR) + minute * 60_000 + 30_000;

/** What a customer's log and access records say through the API, as `npm run audit:verify` reads them. */
const logOf = (as: Identity) => readLog((path) => api.call(as, "GET", path), 2);

/** A customer with three minutes of access in the hour. */
async function caller() {
  const customer = await api.customer("Caller");
  const { live, sandbox } = customer;
  await count([
    accepted(live, at(1), "198.51.100.7", [10, 20]),
    accepted(live, at(1), "198.51.100.7", [30]),
    accepted(live, at(1), "2001:db8:1:2:aaaa::1", [5]),
    accepted(sandbox, at(1), "198.51.100.8", [7]),
    accepted(live, at(59), "2001:db8:1:2::2", [1]),
    {
      kind: "called",
      tenant: live.customer_id,
      at: at(1),
      key_id: live.key_id,
      call: "POST /events",
      outcome: "rate_limited",
      requests: 12,
      events: 0,
      bytes: 0,
    },
    // The next hour's.
    accepted(live, at(60), "198.51.100.7", [1]),
  ]);
  return customer;
}

const bare = ({ minute, environment, key_id, calls, source_ips }: AccessRecord) => ({
  minute,
  environment,
  key_id,
  calls,
  source_ips,
});

test("a view of a payload in the console is in the hour's chain, beside the person's calls, and a change of it shows", async () => {
  const { live, customer_id } = await caller();
  const seen = (minute: number, person_id: string, event_id: string, reason: string | null) => ({
    view_id: newId("aud", at(minute)),
    customer_id,
    tenant: customer_id,
    event_id,
    at: new Date(at(minute)),
    person_id,
    name: "Ada",
    role: "developer" as const,
    how: reason === null ? ("payload" as const) : ("reveal" as const),
    reason,
  });
  await asService(api.deps.db, (tx) =>
    tx
      .insertInto("event_views")
      .values([
        seen(1, live.key_id, "evt_1", null),
        seen(30, "psn_1", "evt_1", "a customer asked"),
        seen(30.1, "psn_1", "evt_2", null),
        // The next hour's.
        seen(60, "psn_1", "evt_3", null),
      ])
      .execute(),
  );
  await archiveAccess({ hour: HOUR }, tools);
  const log = await logOf(live);
  const records = log.access.get(HOUR)!;
  assert.deepEqual(
    records.map(({ minute, key_id, calls, views }) => [
      minute.slice(14, 16),
      key_id,
      calls.length,
      views?.map(({ event_id, how, reason }) => [event_id, how, reason]),
    ]),
    [
      ["01", live.key_id, 2, [["evt_1", "payload", null]]],
      ["01", records[1]!.key_id, 1, undefined],
      [
        "30",
        "psn_1",
        0,
        [
          ["evt_1", "reveal", "a customer asked"],
          ["evt_2", "payload", null],
        ],
      ],
      ["59", live.key_id, 1, undefined],
    ],
  );
  assert.equal(verdict(log).code, 0);
  const changed = records.map((record) =>
    record.key_id === "psn_1" ? { ...record, views: record.views!.slice(1) } : record,
  );
  assert.equal(verdict({ ...log, access: new Map([[HOUR, changed]]) }).code, 1);
});

test("an hour's calls become records by key and minute, named by the customer's audit log", async () => {
  const { live, sandbox, customer_id } = await caller();
  await archiveAccess({ hour: HOUR }, tools);
  const log = await logOf(live);
  const records = log.access.get(HOUR)!;
  const ok = { call: "POST /events", outcome: "ok" };
  assert.deepEqual(records.map(bare), [
    {
      minute: "2026-01-02T03:01:00.000Z",
      environment: "live",
      key_id: live.key_id,
      calls: [
        { ...ok, requests: 3, events: 4, bytes: 65 },
        { call: "POST /events", outcome: "rate_limited", requests: 12, events: 0, bytes: 0 },
      ],
      source_ips: [
        { address: "198.51.100.7", requests: 2 },
        { address: "2001:db8:1:2::/64", requests: 1 },
      ],
    },
    {
      minute: "2026-01-02T03:01:00.000Z",
      environment: "sandbox",
      key_id: sandbox.key_id,
      calls: [{ ...ok, requests: 1, events: 1, bytes: 7 }],
      source_ips: [{ address: "198.51.100.8", requests: 1 }],
    },
    {
      minute: "2026-01-02T03:59:00.000Z",
      environment: "live",
      key_id: live.key_id,
      calls: [{ ...ok, requests: 1, events: 1, bytes: 1 }],
      source_ips: [{ address: "2001:db8:1:2::/64", requests: 1 }],
    },
  ]);
  const { actor, object, details } = log.entries.at(-1)!;
  assert.deepEqual(
    [actor, object, details],
    [
      { type: "platform", name: "retain" },
      accessKey(customer_id, HOUR),
      {
        hour: HOUR,
        records: 3,
        hash: records[2]!.hash,
        follows: { seq: log.head.seq - 1, hash: log.entries.at(-2)!.hash },
      },
    ],
  );
  assert.deepEqual(verdict(log), {
    text: `${log.head.seq} entries, 3 access records of 1 hours, unbroken\n${log.head.seq}:${log.head.hash}`,
    code: 0,
  });
});

test("a request that waited for an hour counts in the minute of its routing, whose records are still to be made", async () => {
  const { live } = await api.customer("Late");
  await count([{ ...accepted(live, at(1), "198.51.100.7", [1]), routed_at: at(121) } as UsageFact]);
  await archiveAccess({ hour: HOUR }, tools);
  await archiveAccess({ hour: "2026-01-02T05:00:00.000Z" }, tools);
  const { access } = await logOf(live);
  assert.deepEqual(
    [...access.values()].flat().map(({ minute }) => minute),
    ["2026-01-02T05:01:00.000Z"],
  );
});

test("the hour's usage is added up from its minutes, again when some came later, and read the same all the while", async () => {
  const { live } = await caller();
  const tenant = live.customer_id;
  const start = Date.parse(HOUR);
  const usage = async () => {
    const range = `from=${HOUR}&to=${new Date(start + HOUR_MS).toISOString()}`;
    return (await api.call(live, "GET", `/usage?${range}&interval=hour`)).body.totals;
  };
  const keys = async () => {
    const { Items = [] } = await api.deps.dynamodb.send(
      new QueryCommand({
        TableName: "metrics",
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: `${tenant}#h` } },
      }),
    );
    return Items.map(({ sk }) => sk!.S);
  };
  await archiveAccess({ hour: HOUR }, tools);
  assert.deepEqual(await keys(), ["2026-01-02T03:00#r0"]);
  assert.deepEqual([(await usage()).requests, (await usage()).events], [4, 5]);
  await count([{ ...accepted(live, at(2), "198.51.100.7", [1, 2, 3]), routed_at: at(200) } as UsageFact]);
  assert.deepEqual(await keys(), ["2026-01-02T03:00#late", "2026-01-02T03:00#r0"]);
  assert.deepEqual([(await usage()).requests, (await usage()).events], [5, 8]);
  await archiveAccess({ hour: "2026-01-02T07:00:00.000Z" }, tools);
  assert.deepEqual(await keys(), ["2026-01-02T03:00#r0"]);
  assert.deepEqual([(await usage()).requests, (await usage()).events], [5, 8]);
});

test("an hour that is not over is not added up", async () => {
  const { live } = await caller();
  tools = { ...tools, now: () => Date.parse(HOUR) + 1_800_000 };
  await archiveAccess({ hour: HOUR }, tools);
  const { Items } = await api.deps.dynamodb.send(
    new QueryCommand({
      TableName: "metrics",
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": { S: `${live.customer_id}#h` } },
    }),
  );
  assert.deepEqual(Items, []);
});

test("a customer whose hour can't be added up keeps no other's from it, and is tried again alone", async () => {
  const [broken, well] = [await caller(), await caller()];
  const fold: Tools["fold"] = async (request) => {
    if (request.tenant === broken.customer_id) throw new Error("the file is damaged");
    return tools.fold(request);
  };
  await archiveAccess({ hour: HOUR }, { ...tools, fold });
  const archived = async (as: Identity) => (await logOf(as)).access.has(HOUR);
  assert.deepEqual([await archived(broken.live), await archived(well.live)], [false, true]);
  const messages = sent.map(decodeJobsMessage);
  assert.deepEqual(messages, [{ kind: "access", hour: HOUR, customer_id: broken.customer_id }]);
  await assert.rejects(archiveAccess(messages[0] as HourWork, { ...tools, fold }), { message: "the file is damaged" });
  await archiveAccess(messages[0] as HourWork, tools);
  assert.equal(await archived(broken.live), true);
});

for (const crash of ["PutObjectCommand", "audit", "audit_head"]) {
  test(`a crash before ${crash} leaves one object and one entry once it is done again`, async () => {
    const { live, customer_id } = await caller();
    let crashes = 2;
    before = (step) => {
      if (step === crash && crashes-- > 0) throw new Error("crash");
    };
    const versions = new Set<string>();
    for (let run = 0; run < 4; run += 1) {
      await archiveAccess({ hour: HOUR }, tools).catch(() => undefined);
      // What is counted after the records were made doesn't change them.
      await count([accepted(live, at(1), "198.51.100.7", [1])]);
      const object = objects.get(`AUDIT_BUCKET/${accessKey(customer_id, HOUR)}`);
      if (object !== undefined) versions.add(Buffer.from(object).toString("base64"));
    }
    assert.equal(versions.size, 1);
    const log = await logOf(live);
    assert.equal(log.entries.filter(({ action }) => action === "access.archived").length, 1);
    assert.equal(verdict(log).code, 0);
  });
}

test("an hour that two runs archive at once has one entry, in the log of each customer", async () => {
  const callers = [await caller(), await caller(), await caller()];
  await Promise.all([archiveAccess({ hour: HOUR }, tools), archiveAccess({ hour: HOUR }, tools)]);
  for (const { live } of callers) {
    const log = await logOf(live);
    assert.equal(log.entries.filter(({ action }) => action === "access.archived").length, 1);
    assert.equal(verdict(log).code, 0);
  }
});

test("calls of the API are counted by route and outcome, with the events they handed out", async () => {
  const { live } = await api.customer("Reader");
  await api.call(live, "GET", "/inbox");
  await api.call(live, "GET", "/inbox?limit=0");
  await api.call({ ...live, scopes: ["events:write"] }, "GET", "/inbox");
  await api.call(live, "GET", "/subscriptions/sub_01ARZ3NDEKTSV4RRFFQ69G5FAV");
  await api.call(live, "GET", "/nothing");
  const hour = rfc3339(Math.floor(api.deps.now() / HOUR_MS) * HOUR_MS);
  await archiveAccess({ hour }, tools);
  const { access } = await logOf(live);
  const calls = new Map<string, number>();
  for (const record of [...access.values()].flat()) {
    assert.equal(record.key_id, live.key_id);
    for (const { call, outcome, requests } of record.calls) {
      calls.set(`${call} ${outcome}`, (calls.get(`${call} ${outcome}`) ?? 0) + requests);
    }
  }
  assert.deepEqual(Object.fromEntries(calls), {
    "GET /inbox forbidden": 1,
    "GET /inbox invalid_request": 1,
    "GET /inbox ok": 1,
    "GET /subscriptions/{id} not_found": 1,
    "unknown not_found": 1,
  });
});

/** Rewrites a customer's archived object, as somebody who may write the bucket could. */
const rewrite = (customerId: string, change: (lines: string[]) => string[]) => {
  const key = `AUDIT_BUCKET/${accessKey(customerId, HOUR)}`;
  const lines = gunzipSync(objects.get(key)!).toString().trimEnd().split("\n");
  objects.set(key, gzipSync(`${change(lines).join("\n")}\n`));
};
const TAMPERED = `of ${HOUR}`;
const tampering: [says: string, change: (lines: string[], customerId: string) => string[], text: string][] = [
  [
    "a changed record",
    (lines) => lines.map((line) => line.replace('"requests":12', '"requests":11')),
    `TAMPERED at access record 1 ${TAMPERED} (changed)`,
  ],
  ["a removed record", ([head, a, , c]) => [head!, a!, c!], `TAMPERED at access record 2 ${TAMPERED} (missing)`],
  ["the newest record removed", (lines) => lines.slice(0, -1), `TAMPERED at access record 3 ${TAMPERED} (missing)`],
  [
    "reordered records",
    ([head, a, b, c]) => [head!, b!, a!, c!],
    `TAMPERED at access record 1 ${TAMPERED} (out_of_order)`,
  ],
  [
    "records made anew from end to end",
    ([head, ...lines], customerId) => {
      const records = lines.map((line) => JSON.parse(line) as AccessRecord);
      const after = records[0]!.prev_hash;
      const others = records.map((record) => ({ ...bare(record), source_ips: [] }));
      return [head!, ...chainAccess(customerId, HOUR, others, after).map((line) => JSON.stringify(line))];
    },
    `TAMPERED at access record 3 ${TAMPERED} (changed)`,
  ],
];
for (const [says, change, text] of tampering) {
  test(`audit:verify finds ${says}`, async () => {
    const { live, customer_id } = await caller();
    await archiveAccess({ hour: HOUR }, tools);
    assert.equal(verdict(await logOf(live)).code, 0);
    rewrite(customer_id, (lines) => change(lines, customer_id));
    assert.deepEqual(verdict(await logOf(live)), { text, code: 1 });
  });
}

test("audit:verify finds an hour's object removed, and its entry removed from the log", async () => {
  const { live, customer_id } = await caller();
  await archiveAccess({ hour: HOUR }, tools);
  objects.delete(`AUDIT_BUCKET/${accessKey(customer_id, HOUR)}`);
  assert.equal(verdict(await logOf(live)).text, `TAMPERED at access record 1 ${TAMPERED} (missing)`);
  await api.database.raw.exec(
    `alter table audit_log disable trigger all;
     delete from audit_log where customer_id = '${customer_id}' and action = 'access.archived';
     alter table audit_log enable trigger all;`,
  );
  assert.equal(verdict(await logOf(live)).code, 1);
});

test("audit:verify names the hour whose object was damaged", async () => {
  const { live, customer_id } = await caller();
  await archiveAccess({ hour: HOUR }, tools);
  objects.set(`AUDIT_BUCKET/${accessKey(customer_id, HOUR)}`, Buffer.from("noise"));
  const { text, code } = verdict(await logOf(live));
  assert.equal(code, 1);
  assert.match(
    text,
    /^TAMPERED: the access records of 2026-01-02T03:00:00\.000Z can't be read: GET \/audit\/access answered 500: /,
  );
});

test("a log that was written anew no longer stands where its access records say", async () => {
  const { live } = await caller();
  await archiveAccess({ hour: HOUR }, tools);
  const log = await logOf(live);
  const first = { ...log.entries.at(-2)!, hash: "0".repeat(64) };
  const forged = { ...log, entries: [...log.entries.slice(0, -2), first, log.entries.at(-1)!] };
  assert.equal(verdict(forged).code, 1);
});

test("records of another customer are not found, at any hour", async () => {
  const { live } = await caller();
  await archiveAccess({ hour: HOUR }, tools);
  const { live: other } = await api.customer("Other");
  assert.equal((await api.call(other, "GET", `/audit/access?hour=${HOUR}`)).status, 404);
  const { body } = await api.call(live, "GET", `/audit/access?hour=${HOUR}&limit=1`);
  const crossed = await api.call(other, "GET", `/audit/access?hour=${HOUR}&cursor=${body.next_cursor}`);
  assert.equal(crossed.status, 400);
  assert.equal((await api.call({ ...live, scopes: ["events:read"] }, "GET", `/audit/access?hour=${HOUR}`)).status, 403);
});

test("each run queues the settled hours of two days that are not yet done", async () => {
  const last = settledHour(tools.now());
  assert.equal((await beginAccess(tools)).length, 48);
  for (const hour of [last, last - 5 * HOUR_MS]) await archiveAccess({ hour: rfc3339(hour) }, tools);
  sent = [];
  const hours = await beginAccess(tools);
  assert.equal(hours.length, 46);
  assert.equal(sent.length, 46);
  assert.ok(!hours.includes(rfc3339(last)) && hours.includes(rfc3339(last - 47 * HOUR_MS)));
});

test.run();
