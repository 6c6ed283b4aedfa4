import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { Batch } from "../../sdk/typescript/src/batch.ts";
import { TriggersError } from "../../sdk/typescript/src/errors.ts";

const test = suite("a batch of texts");

const one = (n: number) => `{"n":${n}}`;
/** Answers as the platform does: a list is taken whole, or refused. */
async function send(text: string) {
  try {
    return (JSON.parse(text) as { n: number }[]).map(
      ({ n }) => ({ event_id: `evt_${n}`, status: "accepted" }) as const,
    );
  } catch {
    throw new TriggersError("invalid_json", "The body is not valid JSON.", { status: 400, details: [] } as never);
  }
}

test("each event gets its own id back, with any other texts", async () => {
  const texts = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(one) },
      fc.constantFrom(
        (n: number) => `${one(n)},${one(n)}`,
        (n: number) => `${one(n)}],[${one(n)}`,
        (n: number) => `${one(n)} ${one(n)}`,
        (n: number) => `${one(n)},`,
        () => "",
        () => " ",
        () => "{",
      ),
    ),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 5 }), async (makers, maxEvents) => {
      const batch = new Batch(send, async (value) => JSON.stringify(value), { maxEvents, onSignals: false });
      const added = makers.map((make, n) => batch.addText(make(n)));
      const settled = Promise.allSettled(added);
      await batch.close();
      for (const [n, outcome] of (await settled).entries()) {
        const expected = makers[n] === one ? `evt_${n}` : undefined;
        assert.equal(outcome.status === "fulfilled" ? outcome.value.event_id : undefined, expected);
      }
    }),
    { numRuns: 50 },
  );
});

test("an answer with a wrong number of ids gives no event an id", async () => {
  const batch = new Batch(
    async () => [{ event_id: "evt_1", status: "accepted" }],
    async (value) => JSON.stringify(value),
    {
      onSignals: false,
    },
  );
  const settled = Promise.allSettled([batch.add({}), batch.add({})]);
  await batch.close();
  for (const outcome of await settled)
    assert.match(String((outcome as PromiseRejectedResult).reason), /2 events were sent, and 1 ids/);
});

test.run();
