import * as assert from "node:assert/strict";
import { suite } from "uvu";
import { Admission } from "../../../local/cloudfront/admission.ts";

const test = suite("admission");

/** A server that answers `perSecond` requests in the order they came, offered `rates[i]` a second for second `i`. */
function run(rates: readonly number[], perSecond: number, machine: { full?: boolean; queuesFull?: boolean } = {}) {
  let now = 0;
  const admission = new Admission({
    full: () => machine.full ?? true,
    queuesFull: () => machine.queuesFull ?? false,
    now: () => now,
  });
  const queue: number[] = [];
  const seconds = rates.map(() => ({ offered: 0, admitted: 0, answered: 0, slowest: 0 }));
  let [due, capacity] = [0, 0];
  for (; now < rates.length * 1_000; now += 1) {
    const second = seconds[Math.floor(now / 1_000)]!;
    for (due += rates[Math.floor(now / 1_000)]! / 1_000; due >= 1; due -= 1) {
      second.offered += 1;
      if (!admission.admits()) continue;
      second.admitted += 1;
      admission.began();
      queue.push(now);
    }
    for (capacity = Math.min(capacity + perSecond / 1_000, 1 + queue.length); capacity >= 1; capacity -= 1) {
      const began = queue.shift();
      if (began === undefined) break;
      admission.ended();
      second.answered += 1;
      second.slowest = Math.max(second.slowest, now - began);
    }
  }
  return seconds;
}

const last = (seconds: ReturnType<typeof run>, count: number) => seconds.slice(-count);

test("beyond saturation answers go on at their peak rate and nobody waits for long", () => {
  const seconds = run([400, 400, ...new Array<number>(25).fill(3_000)], 500);
  for (const { answered, slowest } of last(seconds, 15)) {
    assert.ok(answered >= 495, `${answered} answered`);
    assert.ok(slowest < 2_500, `waited ${slowest} ms`);
  }
  for (const { slowest } of last(seconds, 8)) assert.ok(slowest < 1_750, `waited ${slowest} ms`);
});

test("a burst is let in whole", () => {
  const seconds = run([950, 0, 0, 0, 0, 0], 200);
  assert.equal(seconds[0]!.admitted, seconds[0]!.offered);
});

test("after an overload all are let in again within two seconds", () => {
  const seconds = run([...new Array<number>(10).fill(2_000), 100, 100, 100, 100], 500);
  for (const { admitted, offered, slowest } of last(seconds, 2)) {
    assert.equal(admitted, offered);
    assert.ok(slowest < 50, `waited ${slowest} ms`);
  }
});

test("requests that wait for something other than the machine are no overload", () => {
  const seconds = run(new Array<number>(10).fill(300), 100, { full: false });
  assert.ok(seconds.every(({ admitted, offered }) => admitted === offered));
});

test("while accepted messages can't be processed, few requests are let in, and small loads pass whole", () => {
  const much = run(new Array<number>(10).fill(500), 500, { queuesFull: true });
  for (const { admitted } of last(much, 8)) assert.ok(admitted > 0 && admitted <= 25, `${admitted} admitted`);
  const little = run(new Array<number>(10).fill(15), 500, { queuesFull: true });
  assert.ok(little.every(({ admitted, offered }) => admitted === offered));
});

test.run();
