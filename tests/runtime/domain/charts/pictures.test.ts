import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { nextMark } from "../../../../runtime/domain/charts/cursor.ts";
import { CHARACTER, type Mark } from "../../../../runtime/domain/charts/drawing.ts";
import { drawHeat } from "../../../../runtime/domain/charts/heat.ts";
import { type Buckets, columnsOf, drawHistogram } from "../../../../runtime/domain/charts/histogram.ts";
import { drawRanked } from "../../../../runtime/domain/charts/ranked.ts";
import { drawGauge, drawRing, judge, withNames } from "../../../../runtime/domain/charts/shares.ts";
import { drawSpark } from "../../../../runtime/domain/charts/spark.ts";
import { svgText } from "../../../../runtime/domain/charts/svgText.ts";
import { LAST_BUCKET } from "../../../../runtime/domain/usage/histogram.ts";

const count = fc.integer({ min: 1, max: 100_000 });
const buckets: fc.Arbitrary<Buckets> = fc
  .uniqueArray(fc.integer({ min: 0, max: LAST_BUCKET }), { minLength: 1, maxLength: 40 })
  .chain((places) =>
    fc.tuple(
      ...places
        .toSorted((a, b) => a - b)
        .map((place) => fc.tuple(fc.constant(Math.max(1, Math.round(1.1 ** place * 10) / 10)), count)),
    ),
  );

test("a histogram counts all that was measured, in columns without gaps", () =>
  fc.assert(
    fc.property(buckets, fc.option(buckets, { nil: [] as Buckets }), (now, before) => {
      const columns = columnsOf(now, before);
      assert.equal(
        columns.reduce((sum, column) => sum + column.count, 0),
        now.reduce((sum, [, n]) => sum + n, 0),
      );
      columns.forEach((column, at) => {
        assert.ok(column.from < column.to);
        if (at > 0) assert.equal(column.from, columns[at - 1]!.to);
      });
      for (const [upper] of now) assert.ok(columns.some(({ from, to }) => upper > from && upper <= to * 1.06));
    }),
  ));

test("times that spread as they used to are never called unusual", () =>
  fc.assert(
    fc.property(buckets, fc.integer({ min: 1, max: 9 }), (before, times) => {
      const now = before.map(([upper, n]) => [upper, n * times] as const);
      assert.ok(columnsOf(now, before, 0).every(({ unusual }) => !unusual));
    }),
  ));

test("a slow heap that was not there before is unusual, and bears a sign as well as a colour", () => {
  const columns = columnsOf(
    [
      [100, 900],
      [5_000, 100],
    ],
    [[100, 1_000]],
    120,
  );
  assert.deepEqual(
    columns.filter(({ unusual }) => unusual).map(({ count: n }) => n),
    [100],
  );
  const { shapes } = drawHistogram(
    { columns, percentiles: [{ name: "p95", ms: 5_000 }], format: (ms) => `${ms} ms` },
    { width: 600, height: 240 },
  );
  assert.deepEqual(
    shapes.filter(({ text }) => text === "▲").map(({ fill }) => fill),
    ["bad"],
  );
});

test("the name of a percentile meets neither another name nor any line", () =>
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 280, max: 1_200 }),
      (times, width) => {
        const [p50, p95, p99] = times.toSorted((a, b) => a - b) as [number, number, number];
        const percentiles = Object.entries({ p50, p95, p99 }).map(([name, ms]) => ({ name, ms }));
        const columns = columnsOf([
          [1, 5],
          [60_000, 5],
        ]);
        const { shapes } = drawHistogram({ columns, percentiles, format: (ms) => `${ms} ms` }, { width, height: 240 });
        const names = shapes
          .filter(({ text }) => /^p\d/.test(text ?? ""))
          .map(({ at, text }) => {
            const [x, wide] = [Number(at.x), text!.length * CHARACTER];
            return {
              from: at.textAnchor === "end" ? x - wide : x,
              to: at.textAnchor === "end" ? x : x + wide,
              y: Number(at.y),
            };
          });
        const lines = shapes.filter(({ tag, stroke }) => tag === "line" && stroke === "ink");
        assert.equal(names.length, 3);
        assert.equal(lines.length, 3);
        names.forEach((name, place) => {
          for (const other of names.slice(place + 1)) assert.ok(Math.abs(other.y - name.y) >= 11);
          for (const { at } of lines)
            if (Number(at.x1) >= name.from && Number(at.x1) <= name.to) assert.ok(Number(at.y1) >= name.y);
        });
      },
    ),
  ));

test("bars of a ranking begin at zero, and are as long as their values", () =>
  fc.assert(
    fc.property(fc.array(count, { minLength: 1, maxLength: 12 }), (values) => {
      const { shapes, marks } = drawRanked(
        values.map((value, at) => ({ name: `type.${at}`, value })),
        500,
        String,
      );
      const rects = shapes.filter(({ tag }) => tag === "rect");
      const [first] = rects;
      rects.forEach((rect, at) => {
        assert.equal(rect.at.x, first!.at.x);
        assert.ok(
          Math.abs(Number(rect.at.width) / Number(first!.at.width) - values[at]! / values[0]!) <
            1e-6 * (values[at]! / values[0]! + 1),
        );
      });
      assert.deepEqual(
        marks.map(({ row }) => row),
        values.map((_, at) => at),
      );
    }),
  ));

test("a bar of a share is as long as that share of the whole, however few there are", () =>
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1, noNaN: true }), (share) => {
      const bar = (value: number) =>
        Number(
          drawRanked([{ name: "one", value }], 500, () => "some %", 1).shapes.find(({ tag }) => tag === "rect")!.at
            .width,
        );
      assert.ok(Math.abs(bar(share) - share * bar(1)) < 1e-6);
    }),
  ));

test("a ring has a mark for each part above zero", () => {
  const part = (value: number) => ({ name: String(value), value, paint: "good", sign: "✓" }) as const;
  assert.deepEqual(
    drawRing([part(3), part(0), part(1)], 200, ["4", "in all"]).marks.map(({ row }) => row),
    [0, 2],
  );
  assert.deepEqual(drawRing([part(0)], 200, ["0", "in all"]).marks, []);
});

test("on paper, the parts of a ring are named beside it, and a sign that its font lacks is drawn", () => {
  const parts = [
    { name: "Delivered", value: 3, paint: "good", sign: "✓" },
    { name: "Dead-lettered", value: 1, paint: "bad", sign: "✕" },
  ] as const;
  const drawing = withNames(drawRing(parts, 200, ["4", "in all"]), parts);
  for (const { at, text } of drawing.shapes)
    if (text !== undefined) assert.ok(Number(at.x) + text.length * CHARACTER <= drawing.width, text);
  const svg = svgText(drawing, "3 delivered, 1 dead-lettered");
  assert.deepEqual(svg.match(/>[^<]+</g), [">4<", ">in all<", ">Delivered<", ">Dead-lettered<"]);
  assert.equal(svg.match(/stroke-width="1.6"/g)?.length, 4);
});

const zones = [
  [0, "bad", "poor"],
  [0.9, "warn", "fair"],
  [0.95 + Number.EPSILON, "good", "good"],
] as const;
for (const [value, paint] of [
  [null, undefined],
  [0, "bad"],
  [0.8999, "bad"],
  [0.9, "warn"],
  [0.95, "warn"],
  [0.9501, "good"],
  [1, "good"],
  [1.2, "good"],
] as const)
  test(`a success rate of ${value} is ${paint ?? "judged by nothing"}`, () => {
    assert.equal(judge({ value, zones })?.paint, paint);
    const text = JSON.stringify(drawGauge({ value, zones, says: "" }, 180));
    assert.ok(!/NaN|null/.test(text));
  });

test("a cell without data is a gap, a cell of zero is not, and the fullest is the darkest", () => {
  const cell = (column: number, value: number | null) => ({ column, line: 0, value });
  const { shapes } = drawHeat([cell(0, null), cell(1, 0), cell(2, 5), cell(3, 10)], ["0", "1", "2", "3"], ["Mon"], 400);
  assert.deepEqual(
    shapes.filter(({ tag }) => tag === "rect").map(({ fill, at }) => [fill, at.fillOpacity]),
    [
      ["none", undefined],
      ["sunk", undefined],
      ["series0", 0.56],
      ["series0", 1],
    ],
  );
});

test("a spark line has a gap where data is missing", () => {
  const [shape] = drawSpark([1, 2, null, 4, 5], { width: 100, height: 20 }, []).shapes;
  assert.equal(String(shape!.at.d).split("M").length - 1, 2);
});

const box = fc.record({
  x: fc.nat({ max: 600 }),
  y: fc.nat({ max: 300 }),
  width: fc.integer({ min: 1, max: 40 }),
  height: fc.integer({ min: 1, max: 40 }),
});
const marksOf = fc
  .array(box, { minLength: 1, maxLength: 40 })
  .map((all): Mark[] => all.map((each, row) => ({ ...each, row })));
const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

test("after any arrow keys the cursor is on a mark", () =>
  fc.assert(
    fc.property(marksOf, fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: 50 }), (marks, pressed) => {
      let at = -1;
      for (const key of pressed) {
        at = nextMark(marks, at, key)!;
        assert.ok(marks[at] !== undefined, `${key} led to ${at}`);
      }
    }),
  ));

test("the right arrow comes by every mark, from the first to the last, and stays there", () =>
  fc.assert(
    fc.property(marksOf, (marks) => {
      const seen: number[] = [];
      for (let at = -1, step = 0; step < marks.length; step += 1) {
        at = nextMark(marks, at, "ArrowRight")!;
        seen.push(at);
      }
      assert.deepEqual(
        seen,
        marks.map((_, at) => at),
      );
      assert.equal(nextMark(marks, marks.length - 1, "ArrowRight"), marks.length - 1);
      assert.equal(nextMark(marks, marks.length - 1, "Home"), 0);
    }),
  ));

test("other keys are left to the page, and without marks every key is", () => {
  assert.equal(nextMark([{ x: 0, y: 0, width: 1, height: 1, row: 0 }], 0, "Tab"), undefined);
  assert.equal(nextMark([], -1, "ArrowRight"), undefined);
});

test.run();
