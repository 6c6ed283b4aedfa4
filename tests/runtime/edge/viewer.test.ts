import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { test } from "uvu";

type Headers = Record<string, { value: string; multiValue?: { value: string }[] }>;
const code = readFileSync(new URL("../../../runtime/edge/viewer.js", import.meta.url), "utf8");

/** The headers that the function, run as CloudFront runs it, makes of these. */
function headersAfter(headers: Headers): Headers {
  const event = { request: { method: "POST", uri: "/events", headers } };
  return JSON.parse(runInNewContext(`${code}; JSON.stringify(handler(${JSON.stringify(event)}).headers)`));
}

const bearer = { value: "Bearer trg_live_x" };
const behaviour: [says: string, before: Headers, after: Headers][] = [
  [
    "the caller's authorization travels on under another name",
    { authorization: bearer },
    { authorization: bearer, "x-triggers-authorization": bearer },
  ],
  ["without one there is none", { host: { value: "a" } }, { host: { value: "a" } }],
  [
    "whatever the caller says in the platform's name is dropped",
    {
      "x-triggers-identity": { value: "eyJ" },
      "x-triggers-authorization": { value: "Bearer stolen" },
      "x-triggers-body-fault": { value: "x" },
      "X-Triggers-Request-Id": { value: "x" },
      "x-trigger": { value: "kept" },
    },
    { "x-trigger": { value: "kept" } },
  ],
  [
    "two authorizations are ambiguous, so none travels on",
    { authorization: { ...bearer, multiValue: [bearer, { value: "Bearer other" }] } },
    { authorization: { ...bearer, multiValue: [bearer, { value: "Bearer other" }] } },
  ],
];
for (const [says, before, after] of behaviour) test(says, () => assert.deepEqual(headersAfter(before), after));

test("it keeps to what CloudFront's runtime knows: no import, no optional chaining, under 10 KB", () => {
  assert.equal(/\bimport\b(?!,)|\?\.|\?\?/.test(code.replace(/^\/\/.*$/gm, "")), false);
  assert.ok(code.length < 10_240);
});

test.run();
