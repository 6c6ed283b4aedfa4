// group: own platform 4
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { loadOf, met, modelled, type QuotasFile, requestsOf } from "../../loadtest/capacity/rehearsal.ts";
import { prepareCustomers } from "../../loadtest/customers.ts";
import { generate } from "../../loadtest/generator.ts";
import { duration, type Scenario, scenarios, shortened } from "../../loadtest/scenarios.ts";
import { type Platform, startPlatform } from "../../local/product/platform.ts";

/**
 * A fiftieth of an AWS account under a fiftieth of 10,000 events a second: the quota that this machine meets first is the one that the
 * capacity model names.
 */
const test = suite("quotas of AWS, rehearsed");
const SHARE = 0.02;

let platform: Platform;
let folder: string;
test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "triggers-quotas-"));
  platform = await startPlatform({ state: folder, port: 0, quotas: SHARE, log: () => {} });
});
test.after(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function rehearse(scenario: Scenario) {
  const target = {
    url: platform.url,
    operatorKey: platform.operatorKey,
    pid: undefined,
    aws: undefined,
    archiveBucket: undefined,
    stop: async () => {},
  };
  const customers = await prepareCustomers(target, scenario, platform.sinkUrl);
  platform.account!.begin();
  const startedAt = Date.now();
  await generate(
    platform.url,
    customers.map(({ key }) => key),
    scenario,
  );
  const here = met(platform.account!.told() as QuotasFile, startedAt, requestsOf(scenario) / duration(scenario));
  return { here: here?.quota, model: modelled(SHARE, loadOf(scenario))?.quota };
}

test("in batches of a hundred Firehose's bytes a second break first", async () => {
  const scenario = shortened(scenarios.baseline, 12, SHARE);
  assert.deepEqual(await rehearse(scenario), { here: "firehoseBytesPerSecond", model: "firehoseBytesPerSecond" });
});

test("one event a request, the concurrency that the edge shares with all functions breaks first", async () => {
  const scenario = shortened(scenarios.singles, 8, 10 * SHARE);
  assert.deepEqual(await rehearse(scenario), { here: "lambdaConcurrency", model: "lambdaConcurrency" });
});

test.run();
