import assert from "node:assert/strict";
import { test } from "uvu";
import { answerIn } from "../../console/src/errorWords.ts";

const answers: [status_code: number | null, error: string | null, words: string][] = [
  [204, null, "answered 204"],
  [500, "http_error", "answered 500"],
  [410, "gone", "answered 410, gone"],
  [null, "timeout", "timeout"],
  [null, "connection_refused", "connection refused"],
  [null, null, "no answer"],
];
for (const [status_code, error, words] of answers)
  test(`an attempt is told as "${words}"`, () => assert.equal(answerIn({ status_code, error }), words));

test.run();
