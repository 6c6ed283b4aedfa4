import assert from "node:assert/strict";
import { test } from "uvu";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import type { LiveDelivery, LiveEvent } from "../../../runtime/domain/live.ts";
import { customerRoles } from "../../../runtime/domain/people/roles.ts";
import { requireChannel } from "../../../runtime/live/mayListen.ts";
import { passesDelivery, passesEvent, readMessage } from "../../../runtime/live/requests.ts";

const ULID = "01JDGXS7G0ABCDEFGHJKMNPQRS";

test("a message is read as it is written", () => {
  assert.deepEqual(readMessage('{"subscribe":"events"}'), { kind: "subscribe", channel: "events", filter: {} });
  assert.deepEqual(readMessage(`{"subscribe":"events","filter":{"event_type":"order.*"},"after":"evt_${ULID}"}`), {
    ...{ kind: "subscribe", channel: "events", filter: { event_type: ["order.*"] } },
    after: ULID,
  });
  assert.deepEqual(readMessage('{"unsubscribe":"alerts"}'), { kind: "unsubscribe", channel: "alerts" });
});

for (const [text, where] of [
  ["", undefined],
  ["[1]", ""],
  ["null", ""],
  ["{}", ""],
  ['{"subscribe":"events","unsubscribe":"events"}', ""],
  ['{"unsubscribe":"events","filter":{}}', ""],
  ['{"subscribe":"all"}', "/subscribe"],
  ['{"subscribe":["events"]}', "/subscribe"],
  ['{"unsubscribe":"all"}', "/unsubscribe"],
  ['{"subscribe":"events","then":1}', "/then"],
  ['{"subscribe":"events","filter":{"status":["sent"]}}', "/filter/status"],
  ['{"subscribe":"events","filter":{"event_type":["a*"]}}', "/filter/event_type"],
  ['{"subscribe":"events","filter":"order.*"}', "/filter"],
  ['{"subscribe":"metrics","filter":{"colour":["red"]}}', "/filter"],
  ['{"subscribe":"events","after":5}', "/after"],
  ['{"subscribe":"events","after":"evt_1"}', "/after"],
  [`{"subscribe":"alerts","after":"evt_${ULID}"}`, "/after"],
  [`{"subscribe":"metrics","after":"evt_${ULID}"}`, "/after"],
] as const)
  test(`${text || "an empty text"} is refused, naming where`, () => {
    assert.throws(
      () => readMessage(text),
      (thrown: unknown) => {
        assert.ok(thrown instanceof TriggersError);
        assert.equal(thrown.code, where === undefined ? "invalid_json" : "invalid_request");
        if (where !== undefined) assert.match(String(thrown.details?.[0]?.path), new RegExp(`^${where}`));
        return true;
      },
    );
  });

const event: LiveEvent = {
  ...{ event_id: `evt_${ULID}`, event_type: "order.paid", received_at: "2026-11-27T12:00:00.000Z" },
  ...{ status: "pending", key_id: "key_1" },
};

test("an event passes where every member of the filter lets one of its values through", () => {
  const passes = (filter: object) => {
    const read = readMessage(JSON.stringify({ subscribe: "events", filter }));
    return passesEvent((read as { filter: object }).filter, event);
  };
  assert.ok(passes({}));
  assert.ok(passes({ event_type: ["other", "order.*"], status: "pending", key_id: ["key_1", "key_2"] }));
  assert.ok(!passes({ event_type: "order.*", status: "unmatched" }));
  assert.ok(!passes({ event_type: [null] }));
  assert.ok(!passes({ key_id: "key_2" }));
  assert.ok(passesEvent({ event_type: [null] }, { ...event, event_type: null }));
});

test("a delivery passes by any of its events' types", () => {
  const delivery = { event_types: ["a", "b"], subscription_id: "sub_1", status: "failed", error: "timeout" };
  const passes = (filter: object) => passesDelivery(filter, delivery as unknown as LiveDelivery);
  assert.ok(passes({ event_type: ["b"], subscription_id: ["sub_1"], status: ["failed"], error: ["timeout"] }));
  assert.ok(!passes({ event_type: ["c"] }));
  assert.ok(!passes({ error: [null] }));
});

test("a role may listen to a channel exactly when it may read the same by the API", () => {
  const may = (role: Parameters<typeof requireChannel>[0], channel: Parameters<typeof requireChannel>[1]) => {
    try {
      requireChannel(role, channel);
      return true;
    } catch {
      return false;
    }
  };
  assert.ok(may(undefined, "events"));
  assert.deepEqual(
    customerRoles.filter((role) => !may(role, "events")),
    ["executive"],
  );
  assert.deepEqual(
    customerRoles.filter((role) => !may(role, "metrics")),
    [],
  );
  assert.ok(!may("operator", "metrics"));
});

test.run();
