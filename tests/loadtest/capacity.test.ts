import assert from "node:assert/strict";
import { test } from "uvu";
import { defaultQuotas } from "../../loadtest/capacity/quotas.ts";
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

test("with room everywhere nothing is refused or felt, and all of it is delivered", () => {
  const { requests, refused, accept, endToEnd, drainSeconds, felt } = simulate(ample, load);
  assert.equal(refused, 0);
  assert.equal(accept.count, requests);
  assert.equal(endToEnd.count, requests);
  assert.ok(drainSeconds !== undefined && drainSeconds <= 2);
  assert.deepEqual([...felt.keys()], []);
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
  test(`a deployment short of ${name} feels that, and loses nothing it accepted`, () => {
    const { felt, accept, endToEnd, drainSeconds } = simulate(quotas, load);
    assert.ok(felt.has(name), `felt ${[...felt.keys()].join(", ")}`);
    if (drainSeconds !== undefined) assert.equal(endToEnd.count, accept.count);
  });
}

test.run();
