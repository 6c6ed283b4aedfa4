import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import type { Peppers } from "../../../runtime/domain/identity/apiKey.ts";
import { holds, sealOf, versionIn } from "../../../runtime/domain/identity/seal.ts";
import { newId } from "../../../runtime/domain/ids.ts";

const pepper = (n: number) => Buffer.alloc(32, n).toString("base64");
const peppers: Peppers = { current: "v2", versions: { v1: pepper(1), v2: pepper(2) } };
const NOW = Date.UTC(2026, 10, 27);
const sealed = { requestId: newId("req", NOW), method: "POST", path: "/events", identity: "eyJhIjoxfQ" };

test("a seal is valid for the request that it was made for", () =>
  assert.equal(holds(sealOf(sealed, peppers), sealed, peppers, NOW), true));

const others: [says: string, other: Partial<typeof sealed>][] = [
  ["request", { requestId: newId("req", NOW) }],
  ["method", { method: "DELETE" }],
  ["path", { path: "/events/dry-run" }],
  ["caller", { identity: "eyJhIjoyfQ" }],
];
for (const [says, other] of others)
  test(`a seal is not valid for another ${says}`, () =>
    assert.equal(holds(sealOf(sealed, peppers), { ...sealed, ...other }, peppers, NOW), false));

test("a seal is valid for five minutes, by the clock of either side", () => {
  const at = (ms: number) => holds(sealOf(sealed, peppers), sealed, peppers, NOW + ms);
  assert.deepEqual([-300_001, -300_000, 300_000, 300_001].map(at), ["late", true, true, "late"]);
});

test("a seal by an older pepper holds as long as that pepper is in use", () => {
  const old = sealOf(sealed, { ...peppers, current: "v1" });
  assert.equal(versionIn(old), "v1");
  assert.equal(holds(old, sealed, peppers, NOW), true);
  assert.equal(holds(old, sealed, { current: "v2", versions: { v2: pepper(2) } }, NOW), false);
});

test("without a pepper nobody can make a seal", () => {
  const forged = sealOf(sealed, { current: "v2", versions: { v2: pepper(3) } });
  assert.equal(holds(forged, sealed, peppers, NOW), false);
  // Nor by a version that there is not, under the key of no pepper.
  const nobodys = sealOf(sealed, { current: "v9", versions: { v9: "" } });
  assert.equal(holds(nobodys, sealed, peppers, NOW), false);
});

test("a request whose id holds no time never has a valid seal", () => {
  const odd = { ...sealed, requestId: "req_1" };
  assert.equal(holds(sealOf(odd, peppers), odd, peppers, NOW), false);
});

test("no other text is a valid seal", () => {
  const good = sealOf(sealed, peppers);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.nat(good.length - 1).map((at) => good.slice(0, at) + good.slice(at + 1)),
      ),
      (text) => {
        assert.equal(holds(text, sealed, peppers, NOW), text === good);
      },
    ),
  );
});

test.run();
