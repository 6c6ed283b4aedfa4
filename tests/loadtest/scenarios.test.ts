import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { accepted, bodyText, customerOf, shapeOf } from "../../loadtest/payloads.ts";
import { dueTimes, duration, type Scenario, scenarios, shortened, warmUp } from "../../loadtest/scenarios.ts";

const all: readonly Scenario[] = Object.values(scenarios);
const offered = ({ arrival }: Scenario): number =>
  "stages" in arrival
    ? arrival.stages.reduce(
        (sum, { requestsPerSecond, seconds }, i) =>
          sum + ((requestsPerSecond + arrival.stages[Math.max(0, i - 1)]!.requestsPerSecond) / 2) * seconds,
        0,
      )
    : arrival.requestsPerSecond * arrival.seconds;

for (const scenario of all) {
  test(`${scenario.name} is due as often as its arrival says, in order, within its duration`, () => {
    const due = [...dueTimes(scenario)];
    assert.ok(Math.abs(due.length - offered(scenario)) <= 1, `${due.length} requests, ${offered(scenario)} expected`);
    assert.ok(due.every((at, i) => at >= (due[i - 1] ?? 0) && at <= duration(scenario) * 1_000 + 1e-6));
  });

  test(`${scenario.name} has shares that sum to one and bodies within the request limit`, () => {
    assert.ok(Math.abs(scenario.shapes.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
    for (const shape of scenario.shapes) {
      const body = bodyText(shape);
      const events = JSON.parse(body) as unknown;
      assert.equal(Array.isArray(events) ? events.length : 1, shape.events);
      assert.ok(Buffer.byteLength(body) <= 1_000_000);
    }
  });
}

test("a ramp's due times follow its slope: a quarter of the requests in the first half of a climb from zero", () => {
  const climb: Scenario = {
    ...scenarios.smoke,
    arrival: {
      stages: [
        { requestsPerSecond: 0, seconds: 0 },
        { requestsPerSecond: 100, seconds: 10 },
      ],
    },
  };
  const due = [...dueTimes(climb)];
  assert.equal(due.length, 500);
  assert.equal(due.filter((at) => at <= 5_000).length, 125);
});

test("a shortened scenario keeps its shape and takes no longer than asked", () => {
  for (const scenario of all) {
    const short = shortened(scenario, 5, 0.1);
    assert.ok(duration(short) <= 5 + ("stages" in short.arrival ? short.arrival.stages.length : 0));
    assert.deepEqual(short.shapes, scenario.shapes);
  }
});

test("a warm-up ends at the rate that the run begins with, and is a small part of it", () => {
  for (const scenario of all) {
    const warming = warmUp(scenario);
    const due = [...dueTimes(warming)];
    const { arrival } = scenario;
    const begins = "stages" in arrival ? arrival.stages[0]!.requestsPerSecond : arrival.requestsPerSecond;
    const lastSecond = due.filter((at) => at > (duration(warming) - 1) * 1_000).length;
    assert.ok(Math.abs(lastSecond - begins) <= 1, `${lastSecond} requests in the last second, ${begins} expected`);
    assert.ok(duration(warming) <= Math.max(3, Math.min(15, duration(scenario) / 3) + 2));
  }
});

test("shapes come in their shares, and cold customers get their turn", () => {
  const { mixed } = scenarios;
  const counts = new Map<number, number>();
  const customers = new Set<number>();
  for (let n = 0; n < 100_000; n += 1) {
    const shape = shapeOf(mixed, n);
    counts.set(shape, (counts.get(shape) ?? 0) + 1);
    customers.add(customerOf(mixed, n));
  }
  for (const [at, { share }] of mixed.shapes.entries())
    assert.ok(Math.abs((counts.get(at) ?? 0) / 100_000 - share) < 0.002);
  assert.equal(customers.size, mixed.customers);
});

test("the first id and the count are read out of any 202 answer", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (count) => {
      const event = (i: number) => ({
        event_id: `evt_01ARZ3NDEKTSV4RRFFQ69G5${String(i).padStart(3, "0")}`,
        status: "accepted",
      });
      const answer = count === 1 ? event(0) : { events: Array.from({ length: count }, (_, i) => event(i)) };
      assert.deepEqual(accepted(JSON.stringify(answer)), { first: "evt_01ARZ3NDEKTSV4RRFFQ69G5000", count });
    }),
  ));

test.run();
