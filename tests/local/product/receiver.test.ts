import assert from "node:assert/strict";
import { suite } from "uvu";
import { type ReceiverServer, startReceiverServer } from "../../../local/product/receiver/server.ts";
import { RequestStore } from "../../../local/product/receiver/store.ts";
import { statusFor } from "../../support/statusFor.ts";

const test = suite("receiver");
let server: ReceiverServer;
let url: string;
test.before(async () => {
  server = await startReceiverServer(0);
  url = `http://127.0.0.1:${server.port}`;
});
test.after(() => server.close());
test.before.each(async () => {
  await fetch(`${url}/requests`, { method: "DELETE" });
});

interface Shown {
  readonly requests: {
    received_at: string;
    method: string;
    path: string;
    headers: Record<string, string>;
    body: string;
    body_encoding?: string;
  }[];
}
const shown = async (query = "") => ((await (await fetch(`${url}/requests${query}`)).json()) as Shown).requests;

test("any method and path is taken, and kept as it came", async () => {
  const response = await fetch(`${url}/hooks/a?b=c`, { method: "PUT", headers: { "X-Test": "1" }, body: '{"é": 1}' });
  assert.deepEqual([response.status, await response.text()], [200, "ok\n"]);
  const [request, ...more] = await shown();
  assert.equal(more.length, 0);
  assert.deepEqual([request?.method, request?.path, request?.body], ["PUT", "/hooks/a?b=c", '{"é": 1}']);
  assert.equal(request?.headers["x-test"], "1");
  assert.match(String(request?.received_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("a body that is not UTF-8 is shown in base64", async () => {
  await fetch(url, { method: "POST", body: new Uint8Array([255, 0]) });
  const [request] = await shown();
  assert.deepEqual([request?.body, request?.body_encoding], ["/wA=", "base64"]);
});

test("requests can be chosen by path, with or without query, and by time", async () => {
  await fetch(`${url}/a?x=1`, { method: "POST" });
  await fetch(`${url}/b`, { method: "POST" });
  assert.deepEqual(
    (await shown("?path=/a")).map(({ path }) => path),
    ["/a?x=1"],
  );
  assert.deepEqual(
    (await shown("?path=/a%3Fx=1")).map(({ path }) => path),
    ["/a?x=1"],
  );
  assert.deepEqual(await shown("?since=2999-01-01T00:00:00Z"), []);
  assert.equal((await shown("?since=2000-01-01T00:00:00Z")).length, 2);
  assert.equal((await fetch(`${url}/requests?since=yesterday`)).status, 400);
});

test("DELETE forgets all requests", async () => {
  await fetch(`${url}/a`, { method: "POST" });
  assert.equal((await fetch(`${url}/requests`, { method: "DELETE" })).status, 204);
  assert.deepEqual(await shown(), []);
});

const statusOf = async (path: string) => (await fetch(`${url}${path}`, { method: "POST", redirect: "manual" })).status;
const scripts: [path: string, statuses: number[]][] = [
  ["/script/status/410", [410, 410]],
  ["/script/fail/2", [500, 500, 200]],
  ["/script/fail/1/503", [503, 200]],
  ["/script/fail/1/other", [500, 200]],
  ["/script/retry-after/7", [429, 200]],
  ["/script/slow/1", [200]],
  ["/script/redirect", [302]],
  ["/script/unknown", [200]],
];
for (const [path, statuses] of scripts) {
  test(`${path} answers ${statuses.join(", then ")}`, async () => {
    const got: number[] = [];
    for (const _ of statuses) got.push(await statusOf(path));
    assert.deepEqual(got, statuses);
  });
}

test("a Retry-After names its seconds", async () => {
  const response = await fetch(`${url}/script/retry-after/7/503`, { method: "POST" });
  assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "7"]);
});

test("/script/reset resets the connection, /script/huge sends megabytes", async () => {
  await assert.rejects(fetch(`${url}/script/reset`, { method: "POST" }));
  const response = await fetch(`${url}/script/huge/3`, { method: "POST" });
  assert.equal((await response.arrayBuffer()).byteLength, 3 * 1024 * 1024);
});

test("/script/hang and /script/drip never end", async () => {
  const signal = () => AbortSignal.timeout(200);
  await assert.rejects(fetch(`${url}/script/hang`, { method: "POST", signal: signal() }), { name: "TimeoutError" });
  const drip = await fetch(`${url}/script/drip`, { method: "POST", signal: signal() });
  assert.equal(drip.status, 200);
  await assert.rejects(drip.text(), { name: "TimeoutError" });
});

test("the store drops the oldest beyond its number and its bytes", () => {
  const request = (path: string, bytes: number) => ({
    received_at: "2026-01-01T00:00:00.000Z",
    method: "POST",
    path,
    headers: {},
    body: Buffer.alloc(bytes),
  });
  const paths = (store: RequestStore) => (JSON.parse(store.json(null, null)) as Shown).requests.map(({ path }) => path);
  const few = new RequestStore(10, 1_000);
  for (let i = 0; i < 12; i += 1) few.add(request(String(i), 1));
  assert.deepEqual(paths(few), ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
  few.add(request("big", 995));
  assert.deepEqual(paths(few).at(-1), "big");
  assert.ok(paths(few).length <= 6);
});

test("a port that is taken is replaced by a free one", async () => {
  const other = await startReceiverServer(server.port);
  assert.notEqual(other.port, server.port);
  await other.close();
});

test("requests are shown to this machine alone, not to a web page whose name was made to point here", async () => {
  assert.equal(await statusFor(`${url}/requests`, "evil.example:80"), 403);
  assert.equal(await statusFor(`${url}/requests`, `localhost:${server.port}`), 200);
});

test.run();
