import assert from "node:assert/strict";
import { test } from "uvu";
import { compileSchema } from "../../../runtime/domain/body/schema.ts";
import { checkTypes, readEvents, reviewEvents, type Schemas, scanBody } from "../../../runtime/domain/body/validate.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";

const none: Schemas = () => undefined;
const number = compileSchema(JSON.stringify({ properties: { n: { type: "number" } } }));
const numbers: Schemas = (type) => (type === "t" ? number : undefined);

const validateBody = (body: Buffer, schemas: Schemas) => {
  const valid = readEvents(body);
  checkTypes(valid, schemas);
  return valid;
};

const refusalOf = (text: string, schemas = none): TriggersError => {
  try {
    validateBody(Buffer.from(text), schemas);
  } catch (thrown) {
    if (thrown instanceof TriggersError) return thrown;
    throw thrown;
  }
  throw new Error("it was accepted");
};

test("a valid body gives each event's bytes and type", () => {
  const { array, events, types } = validateBody(Buffer.from('[{"event_type":"t","n":1},{}]'), numbers);
  assert.deepEqual([array, events.map(String), types], [true, ['{"event_type":"t","n":1}', "{}"], ["t", null]]);
});

const refusals: [says: string, text: string, code: string, message: string, details: number | undefined][] = [
  ["a single event is told of its one fault", '{"event_type":7}', "invalid_event", "`event_type` must be a string.", 1],
  [
    "a single event is told how many it has",
    '{"event_type":7,"a":1,"a":2}',
    "invalid_json",
    "The event is not valid in 2 places.",
    2,
  ],
  [
    "a schema's fault is told as a sentence",
    '{"event_type":"t","n":"x"}',
    "schema_violation",
    "The event breaks the schema of its type at /n: must be number (type).",
    1,
  ],
  [
    "an array is told how many are bad",
    '[{"event_type":7},{},5]',
    "invalid_event",
    "2 of 3 events are not valid; none was accepted.",
    2,
  ],
  [
    "text that is not JSON is refused with its place",
    "[{},",
    "invalid_json",
    "The body is not valid JSON at line 1, column 5 (byte 4): the text ends where a value should be.",
    1,
  ],
  ["an empty array", "[ ]", "invalid_event", "The array is empty; send 1 to 1,000 events.", undefined],
  [
    "too many win over bad ones",
    `[${"1,".repeat(1_000)}1]`,
    "too_many_events",
    "The array holds 1,001 events; 1,000 are allowed in one request.",
    undefined,
  ],
  [
    "bad syntax wins over too many",
    `[${"1,".repeat(2_000)}]`,
    "invalid_json",
    'The body is not valid JSON at line 1, column 4002 (byte 4001): expected a value, found "]".',
    1,
  ],
];
for (const [says, text, code, message, details] of refusals) {
  test(says, () => {
    const refusal = refusalOf(text, numbers);
    assert.deepEqual([refusal.code, refusal.message, refusal.details?.length], [code, message, details]);
  });
}

test("an event with another fault is not checked by its schema as well", () =>
  assert.deepEqual(
    refusalOf('[{"event_type":"t","n":"x","a":1,"a":2}]', numbers).details?.map(({ code }) => code),
    ["invalid_json"],
  ));

test("a review keeps the good events and names what is wrong with the others, in order", () => {
  const { events, faults } = reviewEvents(
    scanBody(Buffer.from('[{"event_type":"t","n":"x"},{"a":1},{"event_type":7}]')),
    numbers,
  );
  assert.equal(events.length, 3);
  assert.deepEqual(
    faults.map(({ index, path, code }) => [index, path, code]),
    [
      [0, "/n", "schema_violation"],
      [2, "/event_type", "invalid_event"],
    ],
  );
});

test("at most 100 faults are answered, of schemas too", () => {
  const events = Array.from({ length: 300 }, () => '{"event_type":"t","n":"x"}');
  assert.equal(refusalOf(`[${events.join(",")}]`, numbers).details?.length, 100);
});

test("the slices are views on the body: nothing is copied or rewritten", () => {
  const body = Buffer.from('[{"a":1}]');
  const { events } = validateBody(body, none);
  assert.equal(events[0]!.buffer, body.buffer);
});

test("an event that breaks a schema has its index, a single event too", () =>
  assert.deepEqual(refusalOf('{"event_type":"t","n":"x"}', numbers).details, [
    { index: 0, path: "/n", code: "schema_violation", message: "must be number (type)" },
  ]));

/** A check that never ends, as one of a large schema may seem to. */
const endless = (bytes: number): Schemas => {
  const faults = () => {
    for (;;);
  };
  return () => ({ costly: false, bytes, faults });
};

test("checking a large event by a large schema ends within the time of a request", () => {
  const { details } = refusalOf(`{"event_type":"t","text":"${"x".repeat(100_000)}"}`, endless(50_000));
  assert.deepEqual(details, [
    {
      index: 0,
      path: "",
      code: "schema_violation",
      message: "The event could not be checked against its schema within 250 ms.",
    },
  ]);
});

test("faults in the events of a body are reported before their schemas are checked", () => {
  const { code, details } = refusalOf('[{"event_type":"t","n":"x"},{"event_type":7}]', numbers);
  assert.deepEqual([code, details?.length], ["invalid_event", 1]);
});

test.run();
