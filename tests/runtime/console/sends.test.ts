import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { suite } from "uvu";
import { Sends } from "../../../runtime/console/sends.ts";
import { carried } from "../../../runtime/domain/answer.ts";
import { ulidIn } from "../../../runtime/domain/ids.ts";
import type { Send } from "../../../runtime/domain/people/send.ts";
import { openStorage, type Storage } from "../../support/storage.ts";

const test = suite("what a person sent");
const DAY_MS = 86_400_000;
let storage: Storage;
let clock = Date.parse("2026-11-27T12:00:00Z");
let sends: Sends;
test.before(async () => {
  storage = await openStorage();
  sends = new Sends(storage.store.events.dynamodb, storage.store.events.name, () => clock);
});
test.after(() => storage.close());

const sent = (body: string): Omit<Send, "send_id" | "at"> => ({
  ...{ environment: "live" as const, key_id: "key_1", key_name: null, duration_ms: 1 },
  request: { method: "POST", path: "/events", headers: {}, body },
  response: { status: 202, headers: {}, body: "{}" },
});

test("pages hold each send once, whole, newest first, and no more than an answer can", async () => {
  const bodies = Array.from({ length: 8 }, () => randomBytes(500_000).toString("hex"));
  for (const body of bodies) {
    clock += 1;
    await sends.put("psn_1#cus_1", sent(body));
  }
  await sends.put("psn_2#cus_1", sent("another's"));
  const read: string[] = [];
  for (let cursor: string | undefined, pages = 1; ; pages += 1) {
    const { sends: page, more } = await sends.list("psn_1#cus_1", 100, cursor);
    assert.ok(JSON.stringify(page).length <= 4_500_000);
    read.push(...page.map(({ request }) => request.body));
    if (!more) {
      assert.ok(pages > 1);
      break;
    }
    cursor = page.at(-1)!.send_id;
    assert.ok(ulidIn("snd", cursor));
  }
  assert.deepEqual(read, bodies.toReversed());
  const { sends: two, more } = await sends.list("psn_1#cus_1", 2);
  assert.deepEqual([two.length, more], [2, true]);
});

test("a body that is no text is cut where it would not fit into an answer, and JSON never is", async () => {
  const owner = "psn_3#cus_1";
  const json = JSON.stringify({ text: '"'.repeat(499_990) });
  for (const body of ["\u0001".repeat(1_000_000), Buffer.alloc(1_000_000, 0xff).toString("utf8"), json]) {
    clock += 1;
    await sends.put(owner, sent(body));
  }
  const read: Send[] = [];
  for (let more = true; more; ) {
    const page = await sends.list(owner, 100, read.at(-1)?.send_id);
    const body = Buffer.from(JSON.stringify({ sends: page.sends, next_cursor: null }));
    assert.ok(Buffer.byteLength(JSON.stringify({ statusCode: 200, ...carried(body, true) })) <= 6_291_556);
    read.push(...page.sends);
    more = page.more;
  }
  assert.deepEqual(
    read.map(({ request }) => [request.body_cut ?? false, request.body.length]),
    [
      [false, json.length],
      [true, 333_350],
      [true, 333_350],
    ],
  );
});

test("a cursor behind the oldest send leads to an empty page", async () => {
  const { sends: old } = await sends.list("psn_1#cus_1", 1);
  clock += 2 * DAY_MS;
  assert.deepEqual(await sends.list("psn_1#cus_1", 10, old[0]!.send_id), { sends: [], more: false });
});

test("a damaged send is left out, and keeps no other from being listed", async () => {
  const owner = "psn_4#cus_1";
  for (const body of ["first", "second", "third"]) {
    clock += 1;
    await sends.put(owner, sent(body));
  }
  const { sends: all } = await sends.list(owner, 10);
  const damaged = {
    pk: { S: `sends#${owner}` },
    sk: { S: `${all[1]!.send_id}#0` },
    part: { B: Buffer.from("no frame") },
  };
  await storage.put(damaged);
  const { sends: left } = await sends.list(owner, 10);
  assert.deepEqual(
    left.map(({ request }) => request.body),
    ["third", "first"],
  );
});

test.run();
