import * as assert from "node:assert/strict";
import { suite } from "uvu";
import type { Service } from "../../../runtime/aws/service.ts";
import { targetCache } from "../../../runtime/deliver/targets.ts";
import type { DeliveryTarget } from "../../../runtime/domain/subscription.ts";

const test = suite("targets of delivering");

const TENANT = "cus_1" as never;
const target = { subscription_id: "sub_1", status: "active" } as DeliveryTarget;

/** A cache over a service that answers with `stored`, or fails without it; `asked` counts. */
function setUp() {
  const state = { stored: [target] as DeliveryTarget[] | undefined, asked: 0, now: 0 };
  const service = (async () => {
    state.asked += 1;
    if (state.stored === undefined) throw new Error("no answer");
    return { answer: { targets: state.stored }, bytes: 0 };
  }) as unknown as Service;
  const cache = targetCache(
    service,
    () => {},
    () => state.now,
  );
  return { state, get: async () => (await cache.get(TENANT, ["sub_1"])).get("sub_1"), cache };
}

test("asks once for what it knows, behind the work after 2 s, before it after 4 s", async () => {
  const { state, get } = setUp();
  await get();
  state.now = 2_000;
  assert.equal(await get(), target);
  assert.equal(state.asked, 1);
  state.stored = [{ ...target, status: "disabled" }];
  state.now = 2_001;
  assert.equal((await get())?.status, "active");
  assert.equal(state.asked, 2);
  assert.equal((await get())?.status, "disabled");
  state.stored = [];
  state.now = 6_002;
  assert.equal(await get(), null);
});

test("serves what it knows while the service can't be asked, and says so of what it doesn't know", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.stored = undefined;
  state.now = 60_000;
  assert.equal(await get(), target);
  await assert.rejects(cache.get(TENANT, ["sub_2"]), /no answer/);
});

test("what is removed here is gone at once, and an answer that was under way does not bring it back", async () => {
  const { state, get, cache } = setUp();
  await get();
  state.now = 2_001;
  await get(); // asks behind the work
  cache.removed(TENANT, "sub_1");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await get(), null);
  state.now = 100_000;
  assert.equal(await get(), null);
  assert.equal(state.asked, 2);
});

test.run();
