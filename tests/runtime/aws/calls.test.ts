import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { sendInCalls } from "../../../runtime/aws/calls.ts";

const test = suite("items sent in calls");

/** What the service says to an item each time it is sent: taken, refused, or a call that fails as a whole. */
const answers = fc.array(fc.constantFrom("taken", "refused", "failed"), { minLength: 3, maxLength: 3 });

test("each item is sent until it is taken, at most as often as said, in calls of the allowed size; and is told of by its place", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), answers }), { maxLength: 25 }),
      fc.integer({ min: 1, max: 3 }),
      async (items, tries) => {
        const limits = { items: 4, bytes: 100, tries };
        const sent = items.map((): string[] => []);
        const numbered = items.map((item, at) => ({ ...item, at }));
        const outcomes = await sendInCalls(
          numbered,
          ({ bytes }) => bytes,
          limits,
          async (call) => {
            assert.ok(call.length <= limits.items && call.reduce((sum, { bytes }) => sum + bytes, 0) <= limits.bytes);
            const said = call.map(({ at, answers }) => answers[sent[at]!.length]!);
            const whole = said.includes("failed");
            for (const [i, { at }] of call.entries()) sent[at]!.push(whole ? "failed" : said[i]!);
            if (whole) throw new Error("failed");
            return said.map((word) => (word === "taken" ? undefined : new Error(word)));
          },
        );
        assert.equal(outcomes.length, items.length);
        for (const [at, said] of sent.entries()) {
          assert.ok(said.length >= 1 && said.length <= tries);
          assert.ok(
            said.slice(0, -1).every((word) => word !== "taken"),
            "a taken item was sent again",
          );
          const last = said.at(-1)!;
          assert.equal(outcomes[at]?.message, last === "taken" ? undefined : last);
          if (last !== "taken") assert.equal(said.length, tries);
        }
      },
    ),
    { numRuns: 20 },
  ));

test.run();
