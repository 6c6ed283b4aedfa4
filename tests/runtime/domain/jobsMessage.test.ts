import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { decodeJobsMessage, encodeJobsMessage, type JobsMessage } from "../../../runtime/domain/job.ts";

const word = fc.string({ minLength: 1 });
const messages: fc.Arbitrary<JobsMessage> = fc.oneof(
  fc.record({ kind: fc.constant("job" as const), job_id: word }, { noNullPrototype: true }),
  fc.record(
    { kind: fc.constantFrom("reconcile" as const, "access" as const), hour: word, cursor: word },
    { requiredKeys: ["kind", "hour"], noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constant("put_back" as const), from: word, to: word, prefix: word, after: word },
    { requiredKeys: ["kind", "from", "to", "prefix"], noNullPrototype: true },
  ),
);

test("any message of the jobs queue is decoded as it was encoded, by its kind", () =>
  fc.assert(
    fc.property(messages, (message) => assert.deepEqual(decodeJobsMessage(encodeJobsMessage(message)), message)),
  ));

const refused: [says: string, text: string, message: string][] = [
  ["no JSON", "{", "the jobs message is not JSON"],
  ["a later version", '{"v":2,"k":"job","job_id":"x"}', "the jobs message has version 2; this code reads version 1"],
  ["no version", '{"k":"job","job_id":"x"}', "the jobs message has no version"],
  ["another kind", '{"v":1,"k":"dance"}', "the jobs queue carries no message of the kind dance"],
  ["no job", '{"v":1,"k":"job"}', 'the job message has no valid "job_id"'],
  ["no hour", '{"v":1,"k":"access","hour":7}', 'the access message has no valid "hour"'],
];
for (const [says, text, message] of refused)
  test(`${says} is refused in words`, () =>
    assert.throws(() => decodeJobsMessage(text), { name: "CodecError", message }));

test.run();
