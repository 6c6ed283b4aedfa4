import assert from "node:assert/strict";
import { suite } from "uvu";
import type { Service } from "../../../runtime/aws/service.ts";
import { payloadMaker } from "../../../runtime/deliver/payloads.ts";
import type { Delivery } from "../../../runtime/deliver/plan.ts";
import type { DeliveryTarget, Enrich } from "../../../runtime/domain/subscription.ts";

const test = suite("payloads");
const FIRST = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

function world(rows: Record<string, object>) {
  const asked: (readonly string[])[] = [];
  const clock = { now: 1_000_000 };
  const service = (async ({ keys }: { keys: readonly string[] }) => {
    asked.push(keys);
    const texts = Object.entries(rows).map(([key, row]) => [key, JSON.stringify(row)]);
    return { answer: { version: 1, rows: texts }, bytes: 0 };
  }) as unknown as Service;
  const make = payloadMaker({ service, region: "eu-west-1", now: () => clock.now });
  const payloads = async (enrich: Enrich | undefined, events: readonly object[], more: Partial<Delivery> = {}) => {
    const target = { tenant: "cus_a", ...(enrich && { enrich }) } as DeliveryTarget;
    const raws = events.map((event) => Buffer.from(JSON.stringify(event)));
    const made = await make(target, { first: FIRST, events: raws, ...more } as Delivery, [...raws.keys()]);
    return raws.map((_, offset) => {
      const payload = made(offset);
      return "error" in payload ? payload.error : Buffer.from(payload).toString();
    });
  };
  return { asked, clock, payloads };
}
const products: Enrich = { from: "products", key: "$.sku", as: "product" };

test("without a transform the stored bytes themselves go out", async () => {
  const { payloads, asked } = world({});
  assert.deepEqual(await payloads(undefined, [{ a: 1 }]), ['{"a":1}']);
  assert.deepEqual(asked, []);
});

test("each event gets its row; one without a key or a row is left as it is", async () => {
  const { payloads, asked } = world({ x: { name: "X" } });
  assert.deepEqual(await payloads(products, [{ sku: "x" }, { sku: "y" }, {}, { sku: "x" }]), [
    '{"sku":"x","product":{"name":"X"}}',
    '{"sku":"y"}',
    "{}",
    '{"sku":"x","product":{"name":"X"}}',
  ]);
  assert.deepEqual(asked, [["x", "y"]]);
});

test("rows, present or missing, are asked for again only after four seconds", async () => {
  const rows: Record<string, object> = { x: { v: 1 } };
  const { payloads, asked, clock } = world(rows);
  const both = () => payloads(products, [{ sku: "x" }, { sku: "y" }]);
  const before = await both();
  rows.x = { v: 2 };
  clock.now += 3_999;
  assert.deepEqual(await both(), before);
  clock.now += 1;
  assert.deepEqual(await both(), ['{"sku":"x","product":{"v":2}}', '{"sku":"y"}']);
  assert.equal(asked.length, 2);
});

test("metadata is what the platform knows: time of receipt, region, and the key's name where it has one", async () => {
  const { payloads, asked } = world({});
  const meta: Enrich = { from: "$event", as: "meta" };
  assert.deepEqual(await payloads(meta, [{}], { key_name: "shop" }), [
    '{"meta":{"received_at":"2016-07-30T23:54:10.259Z","region":"eu-west-1","key_name":"shop"}}',
  ]);
  assert.deepEqual(await payloads(meta, [{}]), [
    '{"meta":{"received_at":"2016-07-30T23:54:10.259Z","region":"eu-west-1"}}',
  ]);
  assert.deepEqual(asked, []);
});

test.run();
