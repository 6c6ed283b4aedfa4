import assert from "node:assert/strict";
import { suite } from "uvu";
import { noticeOf } from "../../../runtime/deliver/notice.ts";
import { decodeIngest } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { timeOf } from "../../../runtime/domain/ids.ts";
import type { Circuit } from "../../../runtime/store/circuits/circuitItem.ts";
import { START, SUB, TENANT } from "./world.ts";

const test = suite("what owners are told");
const DAY = 86_400_000;
const circuit = { tenant: TENANT, subscription_id: SUB, failing_since: START } as Circuit;

const told = (level: number, of = circuit) => {
  const { text, group } = noticeOf(of, level);
  const { body, ...message } = decodeIngest(text);
  const payloads = unpack((body as { inline: Buffer }).inline).map((raw) => JSON.parse(raw.toString()));
  return { group, message, payloads };
};

const levels: [level: number, type: string, day: number][] = [
  [50, "subscription.failing", 2.5],
  [70, "subscription.failing", 3.5],
  [90, "subscription.failing", 4.5],
  [100, "subscription.disabled", 5],
];
for (const [level, type, day] of levels) {
  test(`at ${level} % of the way to being disabled, an event of the customer's own says ${type}`, () => {
    const { group, message, payloads } = told(level);
    const { first, ...rest } = message;
    assert.deepEqual(rest, { tenant: TENANT, count: 1, types: [type], key_id: "key_system" });
    assert.equal(timeOf(first), START + day * DAY);
    assert.equal(group, TENANT);
    assert.deepEqual(payloads, [
      {
        event_type: type,
        subscription_id: SUB,
        reason: "endpoint_failing",
        percent: level,
        failing_since: "2026-11-25T00:00:00.000Z",
        disables_at: "2026-11-30T00:00:00.000Z",
      },
    ]);
  });
}

test("the same notice sent twice is one event, and each other notice is an event of its own", () => {
  const ids = [
    told(50),
    told(50),
    told(70),
    told(50, { ...circuit, failing_since: START + 1 }),
    told(50, { ...circuit, subscription_id: "sub_01JDGXS7G0ABCDEFGHJKMNPQRV" }),
  ].map(({ message }) => message.first);
  assert.equal(ids[0], ids[1]);
  assert.equal(new Set(ids).size, 4);
});

test.run();
