import assert from "node:assert/strict";
import { suite } from "uvu";
import { comparisonTable, ratiosOf } from "../support/benchComparison.ts";

const test = suite("comparison of benches");

test("figures are paired by the words around them, and given as ratios with their spread", () => {
  const rounds = [
    { base: "single, 1024 bytes\nedge  10.0 µs\nsum 1,000 µs", head: "single, 1024 bytes\nedge 20.0 µs\nsum 500 µs" },
    { base: "single, 1024 bytes\nsum 1,000 µs\nedge  11.0 µs", head: "single, 1024 bytes\nedge 33.0 µs\nsum 500 µs" },
    { base: "single, 1024 bytes\nsum 1,000 µs\nedge  10.0 µs", head: "single, 1024 bytes\nedge 22.0 µs\nsum 500 µs" },
  ];
  const ratios = ratiosOf(rounds);
  assert.deepEqual(ratios, [
    { line: "edge # µs", figure: 1, base: 10, head: 22, ratio: 2.2, least: 2, greatest: 3 },
    { line: "sum # µs", figure: 1, base: 1_000, head: 500, ratio: 0.5, least: 0.5, greatest: 0.5 },
  ]);
  assert.match(comparisonTable(ratios), /\| edge # µs \| 1 \| 10 \| 22 \| 2\.20 \| 2\.00–3\.00 \| more \|/);
  assert.match(comparisonTable(ratios), /\| sum # µs \| 1 \| 1,000 \| 500 \| 0\.50 \| 0\.50–0\.50 \| less \|/);
});

test("a figure that only one version or only some rounds print is left out", () => {
  assert.deepEqual(ratiosOf([{ base: "old 1", head: "new 2" }]), []);
  const rounds = [
    { base: "a 1", head: "a 2" },
    { base: "", head: "a 2" },
  ];
  assert.deepEqual(ratiosOf(rounds), []);
});

test("lines with the same words are told apart by their order, and numbers in names are not figures", () => {
  const [first, second] = ratiosOf([{ base: "row sha256 1\nrow sha256 2", head: "row sha256 2\nrow sha256 2" }]);
  assert.deepEqual([first?.line, first?.ratio, second], ["row sha256 #", 2, undefined]);
});

test.run();
