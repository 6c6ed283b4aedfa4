import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import { probe } from "../../../runtime/alert/probe.ts";
import { metricsTable } from "../../support/metricsTable.ts";

const test = suite("whether the API can be reached");
const MINUTE = 60_000;

let server: Server;
let url: string;
const asked: string[] = [];
/** Answers in turn; the last one stays. */
let answers: ((response: ServerResponse) => void)[] = [];
const says =
  (status: number, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end("{}");

test.before(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.after(() => new Promise<void>((resolve) => void server.close(() => resolve())));
test.before.each(() => {
  asked.length = 0;
});

const { counters, items } = metricsTable();
let clock = 0;
/** @returns what the probe says, and what it has kept of this minute */
async function probed(at = "https://api.example.com"): Promise<[boolean, number | undefined]> {
  clock += MINUTE;
  const up = await probe({ counters, now: () => clock + 20_000, elsewhere: { "https://api.example.com": url } }, at);
  const kept = items.get(`alerts#api ${new Date(clock).toISOString().slice(0, 16)}`);
  return [up, kept === undefined ? undefined : Number(kept.down!.N)];
}

test("the probe asks the API by its public URL, once if it answers well", async () => {
  answers = [says(200)];
  assert.deepEqual(await probed(), [true, 0]);
  assert.deepEqual(asked, ["GET /health"]);
});

test("an API that answers at the second try is up", async () => {
  answers = [says(503), says(200)];
  assert.deepEqual(await probed(), [true, 0]);
  assert.equal(asked.length, 2);
});

const away: [says: string, answer: (response: ServerResponse) => void][] = [
  ["it answers that a part is away", says(503)],
  ["the distribution's own error answers", says(502)],
  ["it is refused", says(403)],
  ["somebody else answers", says(302, { location: "https://example.com" })],
  [
    "somebody sends on to a server that is well",
    (response) => says(response.req.url === "/health" ? 302 : 200, { location: `${url}/elsewhere` })(response),
  ],
  ["the connection breaks", (response) => void response.destroy()],
];
for (const [why, answer] of away)
  test(`down: ${why}`, async () => {
    answers = [answer];
    assert.deepEqual(await probed(), [false, 1]);
  });

test("down: nobody listens", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  assert.deepEqual(await probed(`http://127.0.0.1:${port}`), [false, 1]);
});

test.run();
