import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { isBusy, isLight, type Looked, placeFor } from "../../local/lambda/place.ts";

const test = suite("where environments are opened");

const thread = (environments: number, busy: number, eachMs: number): Looked => ({
  environments: new Map(Array.from({ length: environments }, (_, i) => [i, i])),
  busy,
  eachMs,
});
const ROOM = { perThread: 16, threads: 4, behind: false };
const [WAITS, COMPUTES] = [0.4, 60];

test("invocations that wait share a thread until it is full of environments, though it is busy", () => {
  const busy = thread(15, 1, WAITS);
  assert.equal(placeFor([busy], ROOM, 0), busy);
  assert.equal(placeFor([thread(16, 1, WAITS)], ROOM, 0), "new");
});

test("beside invocations that compute, a busy thread takes no other, and one more thread is started once the machine has had time for it", () => {
  assert.equal(placeFor([thread(3, 0.95, COMPUTES)], ROOM, 0), undefined);
  assert.equal(placeFor([thread(3, 0.95, COMPUTES)], ROOM, 4), "new");
  const idle = thread(3, 0.2, COMPUTES);
  assert.equal(placeFor([thread(3, 0.95, COMPUTES), idle], ROOM, 4), idle);
});

test("while others come first, only a thread that is idle most of the time takes another", () => {
  const behind = { ...ROOM, behind: true };
  assert.equal(placeFor([thread(3, 0.3, WAITS)], behind, 0), undefined);
  const idle = thread(3, 0.1, COMPUTES);
  assert.equal(placeFor([thread(3, 0.3, WAITS), idle], behind, 0), idle);
});

test("a thread in which nothing ended counts by how busy it is", () => {
  const hangs = thread(2, 0.01, Number.NaN);
  assert.equal(placeFor([hangs], ROOM, 0), hangs);
  assert.equal(placeFor([thread(2, 1, Number.NaN)], ROOM, 0), undefined);
});

test("no thread gets more environments than it has room for, none computes for others to wait, and no function has too many threads", () => {
  const looked = fc
    .tuple(fc.nat(16), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 100 }))
    .map(([environments, busy, eachMs]) => thread(environments, busy, eachMs));
  fc.assert(
    fc.property(fc.array(looked, { maxLength: 4 }), fc.nat(8), (threads, shortLooks) => {
      const place = placeFor(threads, ROOM, shortLooks);
      if (place === "new") assert.ok(threads.length < ROOM.threads);
      else if (place !== undefined)
        assert.ok(place.environments.size < ROOM.perThread && (isLight(place) || !isBusy(place)));
      else assert.ok(threads.length === ROOM.threads || threads.every((one) => isBusy(one) && !isLight(one)));
    }),
  );
});

test.run();
