import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { errorText, log } from "../../../runtime/aws/log.ts";
import { formatKey, newKeyId, newSecret } from "../../../runtime/domain/identity/apiKey.ts";
import { printed } from "../../support/printed.ts";

/** What is written of these fields. */
function written(fields: Readonly<Record<string, unknown>>): { readonly line: string; readonly fields: unknown } {
  const line = printed(() => log("warn", "test.written", fields));
  const { timestamp: _, level: __, message: ___, ...rest } = JSON.parse(line);
  return { line, fields: rest };
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{7,12}$/);
/** A text with something that belongs to a person or opens a door, and the part of it that no line may show. */
const telling = fc.oneof(
  word.map((name) => [`${name}@example.com`, name] as const),
  word.map((name) => [`Email address is not verified: "Anna" <${name}@example.com>`, name] as const),
  fc.stringMatching(/^\+49[1-9]\d{9}$/).map((number) => [`no route to ${number}`, number.slice(0, -4)] as const),
  fc.constant(null).map(() => {
    const key = formatKey("live", newKeyId(), newSecret());
    return [`Bearer ${key}`, key.slice(12)] as const;
  }),
  word.map((secret) => [`whsec_${secret}${secret}`, secret + secret] as const),
  word.map((secret) => [`https://user:${secret}@hooks.example.com/x`, secret] as const),
  word.map(
    (secret) =>
      [`fetch of https://hooks.example.com/services/${secret}/path?a=${secret}&b=1234 failed`, secret] as const,
  ),
  word.map((secret) => [`wss://live.example.com/live?ticket=${secret}wxyz`, secret] as const),
);
/** Wherever it stands: in a member, in a list, in the cause of an error, at the end of a line. */
const places: readonly ((text: string) => Readonly<Record<string, unknown>>)[] = [
  (text) => ({ error: text }),
  (text) => ({ error: errorText(new Error("it failed", { cause: new Error(text) })) }),
  (text) => ({ about: { list: [1, { text }] } }),
  (text) => ({ error: `Error: it failed\n${text}\n    at here (file:///var/task/index.mjs:1:2)` }),
];

test("no line shows an address, a number, a token or a URL's secret, wherever it stands", () =>
  fc.assert(
    fc.property(telling, fc.constantFrom(...places), ([text, secret], place) => {
      assert.equal(written(place(text)).line.includes(secret), false);
    }),
  ));

test("all else is written as it is", () => {
  const fields = {
    error: "Error: it failed\n    at here (file:///var/task/index.mjs:1:2)",
    queue: "arn:aws:sqs:us-east-1:123456789012:ingest-queue",
    event_id: "evt_01M8KM14YPPAM6FB0XH3NBCYWJ",
    request: { from: "2026-11-29T12:00:00.000Z", hours: [1, 2.5, null], ok: true },
    _aws: { Timestamp: 1_764_417_600_000 },
  };
  assert.deepEqual(written(fields).fields, fields);
});

test.run();
