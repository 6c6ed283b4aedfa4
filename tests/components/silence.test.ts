import assert from "node:assert/strict";
import { test } from "uvu";
import { judge, readMetricAlarm } from "../../local/cloudwatch/alarms.ts";
import { Metrics } from "../../local/cloudwatch/metrics.ts";
import { exampleGraph, type Graph } from "../../program/graph.ts";
import { testClock } from "../local/clock.ts";

/** The program's own alarms for what should run, judged minute by minute. */
const home = await exampleGraph("prod");
const standby = await exampleGraph("prod-us-west-2");
const MINUTE = 60_000;

const rows: [graph: Graph, name: string, everyMinutes: number, quietMinutes: number][] = [
  [home, "sweep", 1, 5],
  [home, "retain", 60, 120],
  [standby, "watch", 1, 3],
];
for (const [graph, name, everyMinutes, quietMinutes] of rows)
  test(`${name} runs every ${everyMinutes} min in peace, and rings ${quietMinutes} min after it stopped`, () => {
    const declared = graph.resources.find((one) => one.name === `${name}-silent-alarm`)!;
    const clock = testClock(Date.UTC(2026, 0, 1));
    const metrics = new Metrics(clock);
    const alarm = readMetricAlarm(declared, declared.name, "arn", clock.now());
    const state = () => judge(alarm, metrics, () => undefined, clock.now()).state;
    const runs = (minutes: number, running: boolean) => {
      const states = new Set<string>();
      for (let minute = 0; minute < minutes; minute += 1) {
        if (running && minute % everyMinutes === 0)
          metrics.record("AWS/Lambda", "Invocations", { FunctionName: name }, 1);
        clock.advance(MINUTE);
        states.add(state());
      }
      return states;
    };
    assert.equal(state(), "ALARM", "of what has never run there is nothing good to say");
    runs(quietMinutes, true);
    assert.deepEqual(runs(3 * quietMinutes, true), new Set(["OK"]));
    runs(quietMinutes, false);
    assert.equal(state(), "ALARM");
    runs(everyMinutes, true);
    assert.equal(state(), "OK");
  });

test.run();
