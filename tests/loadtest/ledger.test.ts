import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { ulidsIn } from "../../loadtest/archive.ts";
import { balance, type Lookup, parseAccepted, settledBalance } from "../../loadtest/ledger.ts";
import { Received, startReceiver } from "../../loadtest/receiver.ts";
import { eventId, newUlid, ulidAt } from "../../runtime/domain/ids.ts";

const first = newUlid(1_700_000_000_000, 100);
const runs = [{ first, count: 100, customer: 0 }];
const receivedAllBut = (...left: number[]): Received => {
  const received = new Received();
  for (let i = 0; i < 100; i += 1) if (!left.includes(i)) received.add(ulidAt(first, i));
  return received;
};
const store =
  (statuses: Record<number, string>, absent: readonly number[] = []): Lookup =>
  async (_, ids) =>
    new Map(
      ids.flatMap((id): [string, string][] => {
        const offset = Array.from({ length: 100 }, (_, i) => i).find((i) => eventId(ulidAt(first, i)) === id)!;
        return absent.includes(offset) ? [] : [[id, statuses[offset] ?? "delivered"]];
      }),
    );
const everything = { has: () => true };

test("a run whose every event came balances", async () => {
  const received = receivedAllBut();
  received.add(ulidAt(first, 3));
  assert.deepEqual(await balance({ runs, received, lookup: store({}), sample: 1, archive: everything }), {
    accepted: 100,
    delivered: 100,
    pending: 0,
    dead_lettered: 0,
    duplicates: 1,
    lost: 0,
    asked_in_store: 100,
    missing_in_store: 0,
    missing_in_archive: 0,
    balanced: true,
    examples: [],
  });
});

test("an event that waits or is dead-lettered is accounted for; one said to be delivered that never came is lost", async () => {
  const lookup = store({ 1: "failed", 2: "dead_lettered", 3: "pending" });
  const ledger = await balance({ runs, received: receivedAllBut(1, 2, 3, 4), lookup, sample: 1, archive: everything });
  assert.deepEqual(
    { ...ledger, duplicates: 0 },
    {
      accepted: 100,
      delivered: 96,
      pending: 2,
      dead_lettered: 1,
      duplicates: 0,
      lost: 1,
      asked_in_store: 100,
      missing_in_store: 0,
      missing_in_archive: 0,
      balanced: false,
      examples: [eventId(ulidAt(first, 4))],
    },
  );
});

test("an event that the store or the archive lacks voids the run though it was delivered", async () => {
  const gone = await balance({
    runs,
    received: receivedAllBut(),
    lookup: store({}, [7]),
    sample: 1,
    archive: everything,
  });
  assert.deepEqual([gone.missing_in_store, gone.balanced], [1, false]);
  const archive = { has: (ulid: string) => ulid !== ulidAt(first, 9) };
  const unarchived = await balance({ runs, received: receivedAllBut(), lookup: store({}), sample: 1, archive });
  assert.deepEqual([unarchived.missing_in_archive, unarchived.balanced], [1, false]);
});

test("the generator's lines are read back among others", () => {
  const log = `failed 500 x\naccepted ${eventId(first)} 100 3\nnoise accepted evt_short 1 2\n`;
  assert.deepEqual(parseAccepted(log), [{ first, count: 100, customer: 3 }]);
});

test("the receiver counts ids it answered 200, once each and duplicates apart", async () => {
  const receiver = await startReceiver();
  try {
    const event = (i: number) => `{"event_id":"${eventId(ulidAt(first, i))}","event_type":null}`;
    const post = (path: string, body: string, attempt = "1") =>
      fetch(`${receiver.url}${path}`, { method: "POST", body, headers: { "triggers-attempt": attempt } });
    assert.equal((await post("/ok/0/all", `[${event(0)},${event(1)}]`)).status, 200);
    assert.equal((await post("/ok/0/all", `[${event(1)}]`)).status, 200);
    assert.equal((await post("/failing/0/all", `[${event(2)}]`)).status, 500);
    assert.deepEqual([receiver.received.distinct, receiver.received.duplicates], [2, 1]);
    assert.equal((await post("/failing/0/all", `[${event(2)}]`, "2")).status, 200);
    assert.deepEqual(receiver.received.missing(first, 4), [ulidAt(first, 3)]);
  } finally {
    await receiver.close();
  }
});

test("an account is closed once it balances, or once nothing changes any more", async () => {
  const open = [[1, 2, 3], [1, 2], [1, 2], [1, 2], [1], []];
  let rounds = 0;
  const accounts = (left: readonly number[][]) => () => {
    const round = left[Math.min(rounds, left.length - 1)]!;
    rounds += 1;
    return { runs, received: receivedAllBut(...round), lookup: store({}), sample: 1, archive: everything };
  };
  assert.equal((await settledBalance(accounts(open), 0)).balanced, true);
  assert.equal(rounds, open.length);
  rounds = 0;
  assert.equal((await settledBalance(accounts([[1, 2], [1]]), 0)).lost, 1);
  assert.equal(rounds, 5);
});

test("ids are found in an archive however its text is cut", () =>
  fc.assert(
    fc.asyncProperty(fc.nat(60), fc.array(fc.integer({ min: 1, max: 400 })), async (count, cuts) => {
      const ulids = Array.from({ length: count }, (_, i) => ulidAt(first, i));
      const line = (ulid: string) => `{"event_id":"${eventId(ulid)}","event":{"note":"\\"event_id\\":\\"evt_"}}\n`;
      const text = Buffer.from(ulids.map(line).join(""));
      async function* chunks() {
        let at = 0;
        for (const cut of cuts) {
          yield text.subarray(at, at + cut);
          at += cut;
        }
        yield text.subarray(at);
      }
      const found: string[] = [];
      await ulidsIn(chunks(), (ulid) => found.push(ulid));
      assert.deepEqual(found, ulids);
    }),
  ));

test.run();
