import assert from "node:assert/strict";
import { test } from "uvu";
import { keyedPerSecond, keyedSection } from "../../loadtest/capacity/keyed.ts";
import { defaultQuotas, defaultQuotasIn } from "../../loadtest/capacity/quotas.ts";
import { type Load, simulate } from "../../loadtest/capacity/simulate.ts";

const load: Load = {
  eventsPerRequest: 100,
  eventBytes: 1_000,
  compression: 0.3,
  fanOut: 1,
  busiest: 0.1,
  requestsPerSecond: () => 50,
  seconds: 60,
  concurrentPosts: 25,
};
const ample = { ...defaultQuotas, provisionedPollers: 20, firehoseBytesPerSecond: 1e9, ingestProvisioned: 50 };

test("with room everywhere no request is refused or held back, and every event is delivered", () => {
  const { requests, refused, accept, endToEnd, drainSeconds, felt } = simulate(ample, load);
  assert.equal(refused, 0);
  assert.equal(accept.count, requests);
  assert.equal(endToEnd.count, requests);
  assert.ok(drainSeconds !== undefined && drainSeconds <= 2);
  assert.deepEqual([...felt.keys()], []);
});

test("an archive stream takes five times as much in three regions as in the others", () => {
  const rates = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "us-east-2"].map(
    (region) => defaultQuotasIn(region).firehoseBytesPerSecond / 2 ** 20,
  );
  assert.deepEqual(rates, [5, 5, 5, 1, 1]);
});

test("the same seed gives the same run", () => {
  const figures = () => {
    const { requests, accept, endToEnd } = simulate(ample, load, undefined, 7);
    return [requests, accept.percentile(0.95), endToEnd.percentile(0.95)];
  };
  assert.deepEqual(figures(), figures());
});

const breaks: [quota: Parameters<typeof simulate>[0], name: keyof typeof defaultQuotas][] = [
  [{ ...ample, firehoseBytesPerSecond: 2 ** 20 }, "firehoseBytesPerSecond"],
  [{ ...ample, edgeRequestsPerSecond: 10, edgeRegions: 1 }, "edgeRequestsPerSecond"],
  [{ ...ample, tableWriteUnits: 500, tableWarmWriteUnits: 500 }, "tableWriteUnits"],
  [{ ...ample, partitionWriteUnits: 10 }, "partitionWriteUnits"],
  [{ ...ample, lambdaConcurrency: 4 }, "lambdaConcurrency"],
  [{ ...ample, provisionedPollers: 0, pollerStart: 1, pollerRampPerMinute: 0.1, pollerMax: 1 }, "pollerRampPerMinute"],
];
for (const [quotas, name] of breaks) {
  test(`a deployment with too little ${name} is held back by it, and loses no accepted event`, () => {
    const { felt, accept, endToEnd, drainSeconds } = simulate(quotas, load);
    assert.ok(felt.has(name), `felt ${[...felt.keys()].join(", ")}`);
    if (drainSeconds !== undefined) assert.equal(endToEnd.count, accept.count);
  });
}

test("a busy customer on eight partitions is held back by them, and on thirty-two by nothing", () => {
  // Singles at 1,000 a second, all of one customer, on partitions that take a tenth of DynamoDB's.
  const singles: Load = { ...load, eventsPerRequest: 1, busiest: 1, requestsPerSecond: () => 1_000, seconds: 20 };
  const few = { ...ample, lambdaConcurrency: 5_000, tableWarmWriteUnits: 40_000, partitionWriteUnits: 100 };
  const names = (shards: number) => [...simulate({ ...few, shards }, singles).felt.keys()];
  assert.deepEqual(
    [names(8).includes("partitionWriteUnits"), names(32).includes("partitionWriteUnits")],
    [true, false],
  );
});

test("a quota counts as broken only when it holds requests back for seconds", () => {
  const brushed = simulate({ ...ample, lambdaScalingPer10s: 20, ingestProvisioned: 0 }, load);
  assert.ok(brushed.felt.has("lambdaScalingPer10s"), [...brushed.felt.keys()].join());
  assert.deepEqual([...brushed.broke.keys()], []);
  const broken = simulate({ ...ample, firehoseBytesPerSecond: 2 ** 20 }, load);
  assert.ok(broken.broke.has("firehoseBytesPerSecond"));
  assert.ok(broken.broke.get("firehoseBytesPerSecond")! < 15);
});

test("requests wait for shared processors only once all of them are busy", () => {
  const processors = { cores: 2, accept: 0.004, route: 0.004, deliver: 0.004 };
  const p95 = (perSecond: number) => {
    const { accept, endToEnd } = simulate(
      ample,
      { ...load, requestsPerSecond: () => perSecond },
      undefined,
      1,
      processors,
    );
    return [accept.percentile(0.95), endToEnd.percentile(0.95)] as const;
  };
  const [easy, easyEnd] = p95(80);
  assert.ok(easy < 100 && easyEnd < 1_000, `${easy} ms, ${easyEnd} ms`);
  const [much, muchEnd] = p95(250);
  assert.ok(much > 2_000 && muchEnd > 5_000, `${much} ms, ${muchEnd} ms`);
});

test("a node of 13 GiB keeps the keys of 10,000 events a second in batches of a hundred, but not singly", () => {
  const perSecond = keyedPerSecond(13.07);
  assert.ok(perSecond >= 100 && perSecond < 10_000, String(perSecond));
  assert.match(keyedSection(), new RegExp(`cache.r7g.large \\| ${perSecond} \\|`));
});

test.run();
