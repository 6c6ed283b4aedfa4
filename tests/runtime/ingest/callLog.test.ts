import assert from "node:assert/strict";
import { test } from "uvu";
import { type CallsMessage, decodeCalls, encodeCalls } from "../../../runtime/domain/codec/index.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { CallLog } from "../../../runtime/ingest/callLog.ts";

const MINUTE = Date.UTC(2026, 0, 2, 3, 4);
const who: Identity = {
  customer_id: "cus_a",
  environment: "live",
  key_id: "key_1",
  scopes: [],
  limit_per_second: 1,
  source_ip: "198.51.100.7",
};

function logAt(fails = 0) {
  const sent: CallsMessage[] = [];
  const failures: unknown[] = [];
  const clock = { now: MINUTE + 500 };
  const later: (() => void)[] = [];
  const log = new CallLog({
    now: () => clock.now,
    after: (_ms, run) => void later.push(run),
    send: async (message) => {
      if (failures.length < fails) throw new Error("away");
      sent.push(decodeCalls(encodeCalls(message))!);
    },
    failed: (cause) => failures.push(cause),
  });
  return { log, sent, failures, clock, later };
}
const told = { at: MINUTE, key_id: "key_1", source_ip: "198.51.100.7", call: "POST /events", events: 0, bytes: 0 };

test("the first refusal is counted at once, those of the next second together after it", async () => {
  const { log, sent, clock } = logAt();
  log.add(who, "rate_limited");
  await log.tell();
  for (let i = 0; i < 500; i += 1) {
    log.add(who, "rate_limited");
    await log.tell();
  }
  log.add({ ...who, environment: "sandbox" }, "invalid_json");
  clock.now += 1_000;
  await log.tell();
  await log.tell();
  assert.deepEqual(sent, [
    { tenant: "cus_a", calls: [{ ...told, outcome: "rate_limited", requests: 1 }] },
    { tenant: "cus_a", calls: [{ ...told, outcome: "rate_limited", requests: 500 }] },
    { tenant: "cus_a.sandbox", calls: [{ ...told, outcome: "invalid_json", requests: 1 }] },
  ]);
});

test("the last refusals of a burst are counted even without a later call", async () => {
  const { log, sent, clock, later } = logAt();
  for (let i = 0; i < 3; i += 1) {
    log.add(who, "rate_limited");
    await log.tell();
  }
  assert.equal(later.length, 1);
  clock.now += 1_000;
  later[0]!();
  await Promise.resolve();
  assert.deepEqual(
    sent.map(({ calls }) => calls[0]!.requests),
    [1, 2],
  );
});

test("calls that can't be sent wait; a caller that was refused because the queue is down doesn't wait for it again", async () => {
  const { log, sent, failures, clock } = logAt(1);
  log.add(who, "replayed");
  await log.tell();
  assert.equal(failures.length, 1);
  clock.now += 1_000;
  log.add(who, "unavailable");
  await log.tell();
  assert.deepEqual(sent, []);
  log.add(who, "replayed");
  await log.tell();
  assert.deepEqual(sent, [
    {
      tenant: "cus_a",
      calls: [
        { ...told, outcome: "replayed", requests: 2 },
        { ...told, outcome: "unavailable", requests: 1 },
      ],
    },
  ]);
});

test.run();
