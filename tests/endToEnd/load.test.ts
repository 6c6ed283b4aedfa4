// group: patient 2
import assert from "node:assert/strict";
import { test } from "uvu";
import { agreement, differs } from "../../loadtest/agreement.ts";
import { archiveOf } from "../../loadtest/archive.ts";
import { prepareCustomers } from "../../loadtest/customers.ts";
import { generate } from "../../loadtest/generator.ts";
import { balance, lookupWith, settledBalance } from "../../loadtest/ledger.ts";
import { startReceiver } from "../../loadtest/receiver.ts";
import { type Scenario, scenarios, shortened } from "../../loadtest/scenarios.ts";
import type { Target } from "../../loadtest/target.ts";
import { eventually } from "../support/eventually.ts";
import { type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** The load suites in small, by the generator in Node: what counts here is the ledger, not the clock. */

let platform: SharedPlatform;
test.before(async () => {
  platform = await sharedPlatform();
});

const SECONDS = 3;
const small: readonly (readonly [scenario: Scenario, share: number])[] = [
  [scenarios.baseline, 0.1],
  [scenarios.singles, 0.05],
  [{ ...scenarios.mixed, customers: 3, subscriptions: 20 }, 0.2],
  [{ ...scenarios.retries, customers: 5, endpoints: { failing: 0.2, hanging: 0.2 } }, 0.2],
  [{ ...scenarios.limits, customers: 4 }, 0.2],
];

const targetOf = ({ url, operatorKey, aws, outputs }: SharedPlatform): Target => ({
  url,
  operatorKey,
  pid: undefined,
  aws: aws(),
  archiveBucket: String(outputs.archiveBucket),
  stop: async () => {},
});

for (const [scenario, share] of small) {
  test(`${scenario.name}: every accepted event is accounted for`, async () => {
    const receiver = await startReceiver();
    try {
      const target = targetOf(platform);
      const from = new Date();
      const customers = await prepareCustomers(target, scenario, receiver.url);
      const keys = customers.map(({ key }) => key);
      const { runs, failed, failures, dropped, refused } = await generate(
        target.url,
        keys,
        shortened(scenario, SECONDS, share),
      );
      assert.deepEqual({ failed, failures, dropped }, { failed: 0, failures: [], dropped: 0 });
      if (scenario.expect.refusals !== true) assert.equal(refused, 0);
      else assert.ok(refused > 0, "nobody was refused");
      assert.ok(runs.length > 0);
      const hanging = Math.round(scenario.customers * (scenario.endpoints?.hanging ?? 0));
      const failing = Math.round(scenario.customers * (scenario.endpoints?.failing ?? 0));
      // Customers in order: failing, hanging, healthy.
      const expected = runs
        .filter(({ customer }) => customer < failing || customer >= failing + hanging)
        .reduce((sum, { count }) => sum + count, 0);
      await eventually(
        async () => receiver.received.distinct,
        (distinct) => distinct >= expected,
        60_000,
      );
      const { received } = receiver;
      const lookup = lookupWith(target.url, keys);
      const ledger = await settledBalance(async () => ({
        runs,
        received,
        lookup,
        sample: 1,
        archive: await archiveOf(target, runs),
      }));
      assert.ok(ledger.balanced, JSON.stringify(ledger));
      assert.equal(ledger.accepted, ledger.delivered + ledger.pending);
      const figures = await agreement(target.url, keys, from, async () => ({
        requests: runs.length,
        refused,
        ledger: await balance({ runs, received, lookup, sample: 1 }),
      }));
      assert.deepEqual(figures.filter(differs), []);
    } finally {
      await receiver.close();
    }
  });
}

test.run();
