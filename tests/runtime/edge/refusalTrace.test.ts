import assert from "node:assert/strict";
import { suite } from "uvu";
import { type RefusalLine, refusalTrace } from "../../../runtime/edge/refusalTrace.ts";

const test = suite("the trace of failed authentications");
const NOW = Date.UTC(2026, 0, 1);

test("for any number of failures in a minute, a few lines say how many, from where and with which key", () => {
  const lines: RefusalLine[] = [];
  const refused = refusalTrace((line) => lines.push(line));
  for (let n = 1; n <= 2_500; n += 1)
    refused(NOW, { request_id: `req_${n}`, source_ip: "203.0.113.7", key_id: "key_1" });
  assert.deepEqual(
    lines.map((line) => [line.refused, line.request_id]),
    [
      [1, "req_1"],
      [10, "req_10"],
      [100, "req_100"],
      [1_000, "req_1000"],
    ],
  );
  assert.deepEqual(lines[0], {
    refused: 1,
    request_id: "req_1",
    source_ip: "203.0.113.7",
    key_id: "key_1",
  });
});

test("the next minute is reported separately", () => {
  const counts: number[] = [];
  const refused = refusalTrace(({ refused: count }) => counts.push(count));
  for (const minute of [0, 0, 1, 1, 2]) refused(NOW + minute * 60_000, { request_id: "r", source_ip: "192.0.2.1" });
  assert.deepEqual(counts, [1, 1, 1]);
});

test.run();
