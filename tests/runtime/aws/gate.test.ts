import assert from "node:assert/strict";
import { test } from "uvu";
import { gate } from "../../../runtime/aws/gate.ts";
import type { Peppers } from "../../../runtime/domain/identity/apiKey.ts";
import {
  IDENTITY_HEADER,
  PATH_HEADER,
  REQUEST_ID_HEADER,
  SEAL_HEADER,
} from "../../../runtime/domain/identity/identity.ts";
import { sealOf } from "../../../runtime/domain/identity/seal.ts";
import { newId } from "../../../runtime/domain/ids.ts";

const pepper = (n: number) => Buffer.alloc(32, n).toString("base64");
const first: Peppers = { current: "v1", versions: { v1: pepper(1) } };
const NOW = Date.UTC(2026, 10, 27);

function headersUnder(peppers: Peppers, now = NOW) {
  const requestId = newId("req", now);
  const sealed = { requestId, method: "POST", path: "/events", identity: "who" };
  return {
    accept: "*/*",
    [REQUEST_ID_HEADER]: requestId,
    [PATH_HEADER]: "/events",
    [IDENTITY_HEADER]: "who",
    [SEAL_HEADER]: sealOf(sealed, peppers),
  };
}

test("an identity counts only under the edge's seal", async () => {
  const { pass } = gate(
    async () => JSON.stringify(first),
    () => NOW,
  );
  const headers = headersUnder(first);
  assert.deepEqual(await pass("POST", headers), headers);
  const { [IDENTITY_HEADER]: _, ...nobody } = headers;
  assert.deepEqual(await pass("GET", headers), nobody);
  const { [SEAL_HEADER]: __, ...bare } = headers;
  assert.equal((await pass("POST", bare))[IDENTITY_HEADER], undefined);
});

test("public paths need no pepper", async () => {
  const { pass } = gate(
    () => Promise.reject(new Error("away")),
    () => NOW,
  );
  assert.deepEqual(await pass("GET", { accept: "*/*" }), { accept: "*/*" });
});

test("while the peppers can't be read, no identity is decided", async () => {
  const { pass, ready } = gate(
    () => Promise.reject(new Error("away")),
    () => NOW,
  );
  await ready();
  await assert.rejects(pass("POST", headersUnder(first)), {
    code: "unavailable",
    message: "Who calls can't be verified.",
  });
});

test("where the clocks of edge and function differ a request gets 503, and its key does not count as bad", async () => {
  const { pass } = gate(
    async () => JSON.stringify(first),
    () => NOW,
  );
  for (const ms of [-7_200_000, 7_200_000])
    await assert.rejects(pass("POST", headersUnder(first, NOW + ms)), { code: "unavailable" });
});

test("a new pepper is known as soon as the edge seals by it, and the old one as long as it is there", async () => {
  let peppers = first;
  let clock = NOW;
  const { pass } = gate(
    async () => JSON.stringify(peppers),
    () => clock,
  );
  const known = async (headers: ReturnType<typeof headersUnder>) => (await pass("POST", headers))[IDENTITY_HEADER];
  assert.equal(await known(headersUnder(first)), "who");
  clock += 60_000;
  peppers = { current: "v2", versions: { ...first.versions, v2: pepper(2) } };
  assert.equal(await known(headersUnder(peppers, clock)), "who");
  assert.equal(await known(headersUnder(first, clock)), "who");
  // The old one is dropped, and what was read is old.
  peppers = { current: "v2", versions: { v2: pepper(2) } };
  clock += 301_000;
  await known(headersUnder(peppers, clock));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await known(headersUnder(first, clock)), undefined);
});

test.run();
