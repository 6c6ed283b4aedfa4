import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "uvu";
import { listen } from "../../../local/listen.ts";
import { post } from "../../../local/product/post.ts";

/** What the platform's own first calls get, one answer after the other, and the keys that they came with. */
async function answered(answers: readonly (readonly [status: number, text: string])[]) {
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    const [status, text] = answers[Math.min(keys.push(request.headers["idempotency-key"]), answers.length) - 1]!;
    response.writeHead(status).end(text);
  });
  const port = await listen(server, 0);
  const { status } = await post(`http://127.0.0.1:${port}/customers`, "key", {}, 1);
  server.closeAllConnections();
  server.close();
  return { status, tries: keys.length, keys: new Set(keys).size };
}

const inFlight = [409, '{"error":{"code":"idempotency_in_flight"}}'] as const;

test("a call at the start is repeated under one key while the machine is too busy for the first attempt", async () =>
  assert.deepEqual(await answered([[503, "{}"], inFlight, inFlight, [201, "{}"]]), { status: 201, tries: 4, keys: 1 }));

test("a refusal is an answer", async () =>
  assert.deepEqual(await answered([[409, '{"error":{"code":"webhook_url_taken"}}']]), {
    status: 409,
    tries: 1,
    keys: 1,
  }));

test("a platform that stays away ends the start", async () =>
  assert.deepEqual(await answered([[503, "{}"]]), { status: 503, tries: 10, keys: 1 }));

test.run();
