import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { Judge, Shown } from "../../../runtime/api/judge.ts";
import { TriggersError } from "../../../runtime/domain/errors/errors.ts";
import type { Event } from "../../../runtime/domain/event.ts";
import type { Budget } from "../../../runtime/matching/index.ts";
import { turnsDuring } from "../../support/turns.ts";

const test = suite("verdicts of many selectors on many events");
const event: Event = {
  event_id: "evt_01JDGXS7G0ABCDEFGHJKMNPQRS",
  event_type: "d",
  received_at: "2026-11-25T00:00:00.000Z",
  payload: {},
};

/** Selectors that take so many units each, and how often they were asked, and how often after the budget was used up. */
function selectors(units: readonly number[], matched: (n: number) => boolean) {
  const asked = { matches: 0, explain: 0, late: 0 };
  const spend = (budget: Budget, of: number) => {
    if (budget.usedUp) asked.late += 1;
    budget.spend(of);
  };
  const all = units.map((of, n) => ({
    subscription_id: `sub_${n}`,
    selector: {
      matches(_: Event, budget?: Budget) {
        asked.matches += 1;
        spend(budget!, of);
        return matched(n);
      },
      explain(_: Event, budget?: Budget) {
        asked.explain += 1;
        if (!budget!.usedUp) spend(budget!, of);
        return { matched: matched(n), clause: "", because: `because ${n}` };
      },
    },
  }));
  return { all, asked };
}

/** Judges so many events. @returns verdicts of all, or what it was refused for */
async function judged(judge: Judge, events: number): Promise<{ verdicts: number; refusal?: string }> {
  let verdicts = 0;
  try {
    for (let n = 0; n < events; n += 1) verdicts += (await judge.verdicts(event)).length;
    return { verdicts };
  } catch (error) {
    assert.ok(error instanceof TriggersError);
    return { verdicts, refusal: `${error.code} ${/sub_\d+/.exec(error.message)?.[0]}` };
  }
}

test("nothing is asked any more once the budget is used up, whatever selectors take", () =>
  fc.assert(
    fc.asyncProperty(
      fc
        .constantFrom(0, 10, 10_000)
        .chain((most) => fc.array(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 50, size: "max" })),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      fc.integer({ min: 1_000, max: 200_000 }),
      async (units, events, brief, budget) => {
        const { all, asked } = selectors(units, (n) => n % 2 === 0);
        const { verdicts, refusal } = await judged(new Judge(all, { brief, units: budget }), events);
        assert.equal(asked.late, 0);
        const most = Math.max(...units);
        // Each verdict costs something, so that there is an end even to selectors that take nothing.
        const evaluations = brief ? asked.matches : asked.explain;
        assert.ok(evaluations <= budget / 20 + 1, String(evaluations));
        if (refusal === undefined) {
          const shown = brief ? units.filter((_, n) => n % 2 === 0).length : units.length;
          assert.equal(verdicts, events * shown);
        } else assert.ok(most > 0 || refusal === "unprocessable sub_0", refusal);
      },
    ),
  ));

test("the refusal names the selector that took longest", async () => {
  const { all } = selectors([5, 900, 40], () => true);
  assert.equal((await judged(new Judge(all, { brief: false, units: 10_000 }), 100)).refusal, "unprocessable sub_1");
});

test("in brief, only what matches is explained", async () => {
  const { all, asked } = selectors([1, 1, 1, 1], (n) => n === 2);
  const found = await new Judge(all, { brief: true }).verdicts(event);
  assert.deepEqual(
    found.map(({ subscription_id, matched, because }) => [subscription_id, matched, because]),
    [["sub_2", true, "because 2"]],
  );
  assert.deepEqual([asked.matches, asked.explain], [4, 1]);
});

test("others have their turn while very many are judged", async () => {
  const { all } = selectors(new Array<number>(1_000).fill(5_000), () => false);
  const turns = await turnsDuring(() => new Judge(all, { brief: true }).verdicts(event));
  assert.ok(turns >= 10, String(turns));
});

test("what an answer can't hold is not made: at most one round more than fits", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 200, size: "max" }),
      fc.integer({ min: 1, max: 20_000 }),
      async (sizes, most) => {
        let made = 0;
        const all = new Shown(most).each(
          sizes,
          async (size) => {
            made += size;
            return size;
          },
          (size) => size,
        );
        const total = sizes.reduce((sum, size) => sum + size, 0);
        if (total <= most) assert.deepEqual(await all, sizes);
        else await assert.rejects(all, (error: TriggersError) => error.code === "unprocessable");
        assert.ok(made <= most + 10 * 1_000, String(made));
      },
    ),
  ));

test.run();
