import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { CHARACTER, type Drawing, type Shape } from "../../../../runtime/domain/charts/drawing.ts";
import { drawOverTime, type OverTime } from "../../../../runtime/domain/charts/overTime.ts";
import { svgText } from "../../../../runtime/domain/charts/svgText.ts";

const SIZE = { width: 640, height: 240 };
const HOUR = 3_600_000;
const count = fc.nat({ max: 1_000_000 });
const maybe = fc.option(count, { nil: null, freq: 4 });
const buckets = <V extends number | null>(values: fc.Arbitrary<V>) => fc.array(values, { minLength: 1, maxLength: 60 });

const chart = (values: readonly (number | null)[], more: Partial<OverTime> = {}): OverTime => ({
  starts: values.map((_, at) => at * HOUR),
  end: values.length * HOUR,
  label: (at) => `${at / HOUR}:00`,
  series: [{ name: "Events", paint: "series0", as: "bars", values }],
  ...more,
});
const bars = ({ shapes }: Drawing): Shape[] => shapes.filter(({ tag, fill }) => tag === "rect" && fill === "series0");
const number = (shape: Shape, name: string): number => Number(shape.at[name]);
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));

test("bars stand on one line, that of zero, and are as high as their values: twice as many is twice as high", () =>
  fc.assert(
    fc.property(buckets(count), (values) => {
      const drawn = bars(drawOverTime(chart(values), SIZE));
      const shown = values.filter((value) => value > 0);
      assert.equal(drawn.length, shown.length);
      const feet = drawn.map((bar) => number(bar, "y") + number(bar, "height"));
      for (const foot of feet) assert.ok(near(foot, feet[0]!));
      const scale = number(drawn[0] ?? { tag: "rect", at: { height: 1 } }, "height") / (shown[0] ?? 1);
      for (const [at, bar] of drawn.entries()) assert.ok(near(number(bar, "height"), shown[at]! * scale));
    }),
  ));

test("every mark is inside of the picture, for any values", () =>
  fc.assert(
    fc.property(buckets(maybe), fc.integer({ min: 160, max: 1_400 }), (values, width) => {
      const { shapes, marks } = drawOverTime(chart(values), { width, height: 240 });
      for (const { tag, at } of shapes)
        if (tag === "rect") {
          assert.ok(Number(at.x) >= 0 && Number(at.x) + Number(at.width) <= width + 1e-6);
          assert.ok(Number(at.y) >= 0 && Number(at.y) + Number(at.height) <= 240 + 1e-6);
        }
      for (const { x, width: wide } of marks) assert.ok(x >= 0 && x + wide <= width + 1e-6);
    }),
  ));

const units = [
  ["milliseconds", 1],
  ["seconds", 1_000],
  ["minutes", 60_000],
] as const;
for (const [name, unit] of units)
  test(`an axis in ${name} shows round multiples of them, each label whole and inside of the picture`, () =>
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 5_000, noNaN: true }), (most) => {
        const format = (value: number) => `${value / unit} ${name}`;
        const { shapes } = drawOverTime(chart([most * unit], { format, unit: () => unit }), SIZE);
        const labels = shapes.filter(({ text }) => text?.endsWith(name));
        assert.ok(labels.length > 2);
        for (const { text, at } of labels) {
          assert.ok(Number(at.x) - text!.length * CHARACTER >= 0, `"${text}" is cut off`);
          // One digit, or two of which the second halves or quarters a step: 1, 1.5, 2.5, 40.
          assert.match(text!.replace(/ .*/, ""), /^0?\.?0*[0-9]?[0-9]?0*(\.[0-9]{1,4})?$/);
        }
      }),
    ));

test("a bucket without a value is a gap: no bar, and the line is interrupted", () =>
  fc.assert(
    fc.property(buckets(maybe), (values) => {
      const known = values.filter((value) => value !== null && value > 0);
      assert.equal(bars(drawOverTime(chart(values), SIZE)).length, known.length);
      const { shapes } = drawOverTime(
        chart(values, { series: [{ name: "p95", paint: "series0", as: "line", values }] }),
        SIZE,
      );
      const runs = values.filter((value, at) => value !== null && (values[at - 1] ?? null) === null).length;
      const alone = values.filter(
        (value, at) => value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null,
      ).length;
      const lines = shapes.filter(({ tag, stroke }) => tag === "path" && stroke === "series0");
      const begun = lines.map(({ at }) => String(at.d).split("M").length - 1).reduce((sum, each) => sum + each, 0);
      assert.equal(begun, runs);
      assert.equal(shapes.filter(({ tag }) => tag === "circle").length, alone);
    }),
  ));

test("bars of several series stand on each other, and are as high together as their sum", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(count, count), { minLength: 1, maxLength: 20 }), (pairs) => {
      const series = ([0, 1] as const).map((place) => ({
        name: String(place),
        paint: `series${place}` as const,
        as: "bars" as const,
        values: pairs.map((pair) => pair[place]),
      }));
      const both = drawOverTime(chart([], { starts: pairs.map((_, at) => at), end: pairs.length, series }), SIZE);
      const sum = drawOverTime(chart(pairs.map(([a, b]) => a + b)), SIZE);
      const height = (drawing: Drawing) =>
        drawing.shapes.filter(({ tag }) => tag === "rect").reduce((total, { at }) => total + Number(at.height), 0);
      assert.ok(near(height(both), height(sum)));
    }),
  ));

test("a bucket that is still filling is drawn lighter, with a dashed edge; all others are not", () => {
  const drawn = bars(drawOverTime(chart([3, 4, 5], { partial: [false, false, true] }), SIZE));
  assert.deepEqual(
    drawn.map(({ at }) => [at.fillOpacity, at.strokeDasharray]),
    [
      [undefined, undefined],
      [undefined, undefined],
      [0.35, "3 2"],
    ],
  );
});

test("labels of the axis never meet, long ones neither, and none is cut off", () =>
  fc.assert(
    fc.property(buckets(count), fc.integer({ min: 200, max: 1_200 }), fc.nat({ max: 12 }), (values, width, more) => {
      const label = (at: number) => `${"27 Nov 2026, ".slice(0, more)}${at / HOUR}:00`;
      const labels = drawOverTime(chart(values, { label }), { width, height: 240 }).shapes.filter(
        ({ tag, at }) => tag === "text" && at.y === 232,
      );
      const spans = labels.map(({ at, text }) => {
        const wide = text!.length * CHARACTER;
        const from = Number(at.x) - wide / 2;
        return [from, from + wide] as const;
      });
      assert.ok(spans.length > 0);
      for (const [at, [from, to]] of spans.entries()) {
        assert.ok(from >= 0 && to <= width + 1e-6, `${labels[at]!.text}`);
        if (at > 0) assert.ok(from > spans[at - 1]![1], `${labels[at]!.text}`);
      }
    }),
  ));

test("a label is asked about its time, and about nothing else", () => {
  const asked: unknown[][] = [];
  drawOverTime(chart([1, 2, 3], { label: (...of) => String(asked.push(of)) }), SIZE);
  assert.deepEqual(asked, [[0], [HOUR], [2 * HOUR]]);
});

test("on a phone the axis of a day has two labels at least, those with a date too", () => {
  const label = (at: number) => `27 Nov, ${String(at / HOUR).padStart(2, "0")}:00`;
  const { shapes } = drawOverTime(chart(Array(24).fill(1), { label }), { width: 232, height: 240 });
  const labels = shapes.filter(({ tag, at }) => tag === "text" && at.y === 232);
  assert.deepEqual(
    labels.map(({ text }) => text),
    ["27 Nov, 00:00", "27 Nov, 14:00"],
  );
});

test("the text of a drawing has a number wherever one belongs, and no markup out of data", () =>
  fc.assert(
    fc.property(buckets(maybe), fc.string(), (values, name) => {
      const hostile = `<script>${name}"'&`;
      const series = [{ name: hostile, paint: "series0" as const, as: "area" as const, values }];
      const text = svgText(drawOverTime(chart(values, { series, legend: true }), SIZE), hostile);
      assert.ok(
        !/NaN|undefined|null|Infinity/.test(text.replaceAll(/>[^<]*</g, "><").replaceAll(/aria-label="[^"]*"/g, "")),
        text,
      );
      assert.ok(!text.includes("<script>"));
    }),
  ));

test("the usual band and the limit are within the axis, also where no value is near them", () => {
  const { shapes } = drawOverTime(
    chart([1, 2], { band: { low: 40, high: 80 }, levels: [{ value: 100, paint: "bad", name: "limit" }] }),
    SIZE,
  );
  const band = shapes.find(({ fill }) => fill === "info")!;
  assert.ok(number(band, "y") > 0 && number(band, "height") > 0);
  const level = shapes.find(({ tag, stroke }) => tag === "line" && stroke === "bad")!;
  assert.ok(number(level, "y1") >= 0 && number(level, "y1") < number(band, "y"));
});

test("without values there is no axis, which would look like zeros", () =>
  assert.deepEqual(
    drawOverTime(chart([null, null]), SIZE).shapes.map(({ tag, text }) => text ?? tag),
    ["rect", "Nothing happened in this time."],
  ));

test.run();
