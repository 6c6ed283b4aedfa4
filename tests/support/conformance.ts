import assert from "node:assert/strict";
import type { Test } from "uvu";

/** A case of a conformance suite that one implementation is known to fail. */
export interface Deviation {
  readonly why: string;
  /** What the case fails with: `<name>: <message>` of its error. Another error is another fault. */
  readonly fails: RegExp;
}

/** By the title of the case. */
export type Deviations = Readonly<Record<string, Deviation>>;

/**
 * Cases of a suite that several implementations are held to. A deviation that is gone fails, whether its case passes now or
 * no longer exists: so the list tells how an implementation differs today.
 */
export function conformanceCases(test: Test, deviations: Deviations) {
  const titles = new Set<string>();
  return {
    holds(title: string, work: () => Promise<void>): void {
      titles.add(title);
      const deviation = deviations[title];
      if (deviation === undefined) test(title, work);
      else test(`NOT ${title}: ${deviation.why}`, () => fails(work, deviation.fails));
    },
    run(): void {
      test("every known deviation is one from a case of this suite", () =>
        assert.deepEqual(
          Object.keys(deviations).filter((title) => !titles.has(title)),
          [],
        ));
      test.run();
    },
  };
}

/** @throws AssertionError when the work succeeds, or fails with another error */
export async function fails(work: () => Promise<void>, expected: RegExp): Promise<void> {
  const error = await work().then(
    () => undefined,
    (reason: Error) => `${reason.name}: ${reason.message}`,
  );
  if (error === undefined) throw new assert.AssertionError({ message: "the case passes: take its deviation away" });
  assert.match(error, expected);
}
