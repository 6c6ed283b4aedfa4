import assert from "node:assert/strict";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { test } from "uvu";
import { packRows, type Rows } from "../../../../runtime/domain/metrics/facts.ts";
import {
  dayForms,
  dayItems,
  hourItems,
  hourOf,
  QUARTER_MS,
  quartersOf,
  readHour,
} from "../../../../runtime/domain/metrics/hours.ts";
import { histograms, measure, noSums } from "../../../../runtime/domain/metrics/sums.ts";

const DAY = Date.UTC(2026, 10, 27);
const ITEM_LIMIT = 400_000;
const TYPES = 400;
/** Each 10 % longer than the one before, up to a day: what an endpoint's deliveries take that answers again after a day. */
const times = Array.from({ length: 190 }, (_, at) => 1.1 ** at);

/** The minute's rows of many types, each with every length of time, so often that little of it can be packed. */
const lateRows = (dice: RandomGenerator): Rows =>
  new Map(
    Array.from({ length: TYPES }, (_, type) => {
      const sums = noSums();
      for (const ms of times) measure(sums, "delivery", ms, uniformInt(dice, 1, 9_999));
      return [`td-\n\norder.${type}`, sums];
    }),
  );
const measured = (rows: Rows): number =>
  [...rows.values()].reduce(
    (all, { latencies }) => all + [...latencies.delivery!.values()].reduce((sum, n) => sum + n, 0),
    0,
  );
const minute = (at: number, rows: Rows) => ({
  sk: { S: `${new Date(at).toISOString().slice(0, 16)}#w.1` },
  rows: { B: packRows(rows) },
});
const sizeOf = (item: Readonly<Record<string, AttributeValue>>) =>
  Object.values(item).reduce((sum, { B, S, N }) => sum + (B?.length ?? (S ?? N)!.length), 0);

test("an hour and a day of very different latencies fit into items that DynamoDB takes, and lose none of them", () => {
  const dice = xoroshiro128plus(1);
  const quarters = Array.from({ length: 8 }, () => lateRows(dice));
  const hours = [0, 4].flatMap((first) => {
    const minutes = quarters.slice(first, first + 4).map((rows, at) => minute(DAY + (first + at) * QUARTER_MS, rows));
    return hourItems("cus_a", DAY + first * QUARTER_MS, hourOf(minutes));
  });
  const days = dayForms.map((form) => dayItems("cus_a", DAY, form, hours));
  for (const item of [...hours, ...days.flat()]) assert.ok(sizeOf(item) < ITEM_LIMIT, `${sizeOf(item)} bytes`);
  const wanted = quarters.reduce((sum, rows) => sum + measured(rows), 0);
  for (const items of [hours, ...days]) {
    let found = 0;
    for (const item of items)
      readHour(
        item,
        quartersOf(DAY),
        "type",
        (_, __, { latencies }) => {
          for (const n of latencies.delivery!.values()) found += n;
        },
        histograms,
      );
    assert.equal(found, wanted);
  }
});

test.run();
