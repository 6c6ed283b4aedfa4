import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { compileViewerFunction } from "../../../local/cloudfront/viewerFunction.ts";

type Headers = Record<string, string>;
const code = readFileSync(new URL("../../../runtime/edge/viewer.js", import.meta.url), "utf8");

/** What the function makes of a request. @param takeover the store's entry, if there is one */
async function after(uri: string, headers: Headers, takeover?: string) {
  const run = compileViewerFunction(code, "E1", [(key) => (key === "takeover" ? takeover : undefined)]);
  const request = { method: "POST", uri, query: "", headers: new Map(Object.entries(headers)), ip: "203.0.113.7" };
  const { originId } = await run(request);
  const { "x-triggers-received": received, ...others } = Object.fromEntries(request.headers);
  return { headers: others, originId, uri: request.uri, received: Number(received) };
}

const authorization = "Bearer trg_live_x";
const behaviour: [says: string, before: Headers, after: Headers][] = [
  [
    "the caller's authorization travels on under another name",
    { authorization },
    { authorization, "x-triggers-authorization": authorization },
  ],
  ["without one there is none", { host: "a" }, { host: "a" }],
  [
    "whatever the caller says in the platform's name is dropped",
    {
      "x-triggers-identity": "eyJ",
      "x-triggers-authorization": "Bearer stolen",
      "x-triggers-body-fault": "x",
      "x-triggers-request-id": "x",
      "x-trigger": "kept",
    },
    { "x-trigger": "kept" },
  ],
];
for (const [says, before, expected] of behaviour)
  test(says, async () => assert.deepEqual((await after("/events", before)).headers, expected));

test("two authorizations are ambiguous, so none travels on", () => {
  const both = { authorization: { value: "a", multiValue: [{ value: "a" }, { value: "b" }] } };
  const mark = new Function(`const cf = { kvs() {} };${code.replace(/^(\/\/|import ).*$/gm, "")};return mark`)();
  mark(both);
  assert.deepEqual(Object.keys(both), ["authorization", "x-triggers-received"]);
});

test("when the request came is written down, whatever the caller says of it", async () => {
  const before = Date.now();
  const { received } = await after("/events", { "x-triggers-received": "1" });
  assert.ok(received >= before && received <= Date.now());
});

const paths: [says: string, sent: string, meant: string][] = [
  ["a path stays as it is", "/events/dry-run", "/events/dry-run"],
  ["a slash at the end means the same as none", "/events/", "/events"],
  ["the root is a slash", "/", "/"],
  ["only one slash is taken away", "/events//", "/events/"],
  ["an escaped slash belongs to a name", "/event-types/a%2F", "/event-types/a%2F"],
];
for (const [says, sent, meant] of paths) test(says, async () => assert.equal((await after(sent, {})).uri, meant));

const said = (region: string, from: number): string => JSON.stringify({ region, until: Date.now() + from });
const origins: [says: string, uri: string, takeover: string | undefined, originId: string | undefined][] = [
  ["events go to the home region while nobody has taken over", "/events", undefined, undefined],
  ["events go to the region that has taken over", "/events", said("eu-west-1", 60_000), "ingest-eu-west-1"],
  ["so they do by a path with a slash at its end", "/events/", said("eu-west-1", 60_000), "ingest-eu-west-1"],
  ["a takeover that was not renewed has ended", "/events", said("eu-west-1", -1), undefined],
  ["reads go to the home region, where events are", "/inbox", said("eu-west-1", 60_000), undefined],
  ["an entry that is no JSON moves nothing", "/events", "{", undefined],
];
for (const [says, uri, takeover, originId] of origins)
  test(says, async () => assert.equal((await after(uri, {}, takeover)).originId, originId));

test("it keeps to what CloudFront's runtime knows: no import but CloudFront's, no optional chaining, under 10 KB", () => {
  const bare = code.replace(/^\/\/.*$/gm, "").replace('import cf from "cloudfront";', "");
  assert.equal(/\bimport\b|\?\.|\?\?/.test(bare), false);
  assert.ok(code.length < 10_240);
});

test.run();
