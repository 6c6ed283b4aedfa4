// group: shared 3
import assert from "node:assert/strict";
import { suite } from "uvu";
import { ArchiveReader } from "../../local/product/demo/archive.ts";
import { ApiClient } from "../../local/product/demo/client.ts";
import { runDemo } from "../../local/product/demo/flow.ts";
import { shopDay } from "../../local/product/demo/shop.ts";
import { runShop, shopNumbers } from "../../local/product/demo/shopRun.ts";
import { eventually } from "../support/eventually.ts";
import { newCustomer, sharedPlatform } from "../support/platform.ts";

const test = suite("the demo");

test("every genuine payload, sent singly and in batches, is in inbox, webhooks and archive byte for byte", async () => {
  const platform = await sharedPlatform();
  const { api_key } = await newCustomer(platform);
  const { outputs, sinkUrl, url } = platform;
  const archive = new ArchiveReader(platform.aws(), String(outputs.archiveBucket), new Date(0));
  const rows = await runDemo({ api: new ApiClient(url, api_key), sinkUrl, archive, run: "test", patienceMs: 60_000 });
  archive.close();
  assert.ok(rows.length === 12 && rows.every(({ expected }) => expected > 0), JSON.stringify(rows));
  assert.deepEqual(
    rows.map(({ what, found }) => [what, found]),
    rows.map(({ what, expected }) => [what, expected]),
  );
});

test("a day of the shop shows each kind of trouble in the numbers, which agree with the sent events", async () => {
  const platform = await sharedPlatform();
  const { api_key } = await newCustomer(platform, { name: "Shop" });
  const api = new ApiClient(platform.url, api_key);
  const from = new Date();
  const options = { api, sinkUrl: platform.sinkUrl, seconds: 3, visits: 60, seed: 7, say: () => {} };
  const summary = await runShop(options);
  assert.ok(summary.accepted > 150 && summary.refused > 0, JSON.stringify(summary));
  const lines = await shopNumbers(api, from, summary);
  assert.match(lines[0]!, new RegExp(`^counted: events ${summary.accepted}, unmatched [1-9]`));
  for (const type of ["order.created", "order.paid", "cart.updated", "customer.created"])
    assert.match(lines[1]!, new RegExp(`${type} [1-9]`));
  assert.match(lines[3]!, /^refused: (invalid_\w+ \d+(; )?)+$/);
  const attempts = await eventually(
    async () => (await shopNumbers(api, from, summary))[2]!,
    (line) => /warehouse, http_5xx/.test(line) && /former-partner, gone/.test(line) && /fulfilment, fine/.test(line),
    60_000,
  );
  assert.match(attempts, /warehouse, http_5xx/);
});

test("a shop's day is the same for the same seed, in order, and busier in the evening than at night", () => {
  const day = shopDay(2_000, 1);
  assert.deepEqual(shopDay(2_000, 1), day);
  assert.deepEqual(
    day.map(({ at }) => at),
    day.map(({ at }) => at).sort((a, b) => a - b),
  );
  const orders = day.filter(({ payload }) => payload.event_type === "order.created");
  const between = (from: number, to: number) => orders.filter(({ at }) => at >= from / 24 && at < to / 24).length;
  assert.ok(between(19, 22) > 5 * between(1, 4), `${between(19, 22)} and ${between(1, 4)}`);
  const seen = new Set<unknown>();
  for (const { payload } of day) {
    if (payload.event_type === "order.created") seen.add(payload.order_id);
    if (payload.event_type === "order.shipped") assert.ok(seen.has(payload.order_id));
  }
});

test.run();
