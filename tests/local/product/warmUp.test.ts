import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import { requestBegan, requestEnded } from "../../../local/lambda/machine.ts";
import { warmUp } from "../../../local/product/warmUp.ts";
import { eventually } from "../../support/eventually.ts";

/** A front door that refuses everything, and counts. */
async function door() {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers.authorization);
    requestBegan();
    request.resume().on("end", () => {
      requestEnded();
      response.writeHead(403).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys, close };
}

test("hundreds of requests are made with the operator's key", async () => {
  const { url, keys, close } = await door();
  const answered = await warmUp(url, "trg_live_operator");
  close();
  assert.ok(answered >= 100, `${answered} requests`);
  assert.deepEqual([...new Set(keys)], ["Bearer trg_live_operator"]);
  assert.equal(keys.length, answered);
});

test("nothing is asked while somebody else is answered, and it goes on afterwards", async () => {
  const { url, keys, close } = await door();
  requestBegan();
  const warming = warmUp(url, "key");
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(keys.length, 0);
  requestEnded();
  await eventually(
    () => keys.length,
    (count) => count > 0,
  );
  close();
  await warming;
});

test("it ends where nobody listens any longer", async () => {
  const { url, close } = await door();
  close();
  assert.equal(await warmUp(url, "key"), 0);
});

test.run();
