import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import { decodeIngest } from "../../../runtime/domain/codec/index.ts";
import { unpack } from "../../../runtime/domain/codec/pack.ts";
import { costlyTeller } from "../../../runtime/route/costly.ts";
import { START, TENANT } from "./world.ts";

const test = suite("telling of costly selectors");

function setUp(answer: { marked: string[]; paused: { subscription_id: string; since: string }[] }) {
  const asked: unknown[] = [];
  const sent: Outgoing[] = [];
  const clock = { now: START };
  const tell = costlyTeller({
    service: (async (request: unknown) => {
      asked.push(request);
      return { answer, bytes: 0 };
    }) as never,
    now: () => clock.now,
    send: async (messages) => void sent.push(...messages),
  });
  const payloads = () =>
    sent.map(({ text }) => JSON.parse(unpack((decodeIngest(text).body as { inline: Buffer }).inline)[0]!.toString()));
  return { asked, clock, tell, payloads, sent };
}

test("the service hears of the costliest first, at most fifty, and the owner hears of its decisions", async () => {
  const since = "2026-11-25T03:00:00.000Z";
  const { asked, tell, payloads, sent } = setUp({ marked: ["sub_a"], paused: [{ subscription_id: "sub_b", since }] });
  await tell(
    TENANT,
    3,
    Array.from({ length: 60 }, (_, n) => [`sub_${n}`, n] as const),
  );
  assert.deepEqual(asked, [
    { op: "costly", tenant: TENANT, subscription_ids: Array.from({ length: 50 }, (_, n) => `sub_${59 - n}`) },
  ]);
  const common = { reason: "selector_too_costly", events: 3 };
  const at = "2026-11-25T04:00:00.000Z";
  assert.deepEqual(payloads(), [
    { event_type: "subscription.costly", subscription_id: "sub_a", ...common, costly_since: at },
    { event_type: "subscription.disabled", subscription_id: "sub_b", ...common, costly_since: since },
  ]);
  assert.deepEqual(
    sent.map(({ group }) => group),
    [TENANT, TENANT],
  );
});

test("a tenant is reported once in five seconds, and not at all where no selector was costly by itself", async () => {
  const { asked, clock, tell } = setUp({ marked: [], paused: [] });
  await tell(TENANT, 1, []);
  await tell("cus_other", 1, [["sub_a", 1]]);
  clock.now += 4_999;
  await tell("cus_other", 1, [["sub_a", 1]]);
  assert.equal(asked.length, 1);
  clock.now += 1;
  await tell("cus_other", 1, [["sub_a", 1]]);
  assert.equal(asked.length, 2);
});

test.run();
