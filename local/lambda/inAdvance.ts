import type { Iam } from "../iam.ts";
import type { Entry } from "./registry.ts";

/** Environments that a function has in advance, so that a second event finds one as well. */
const AT_ONCE = 2;

/**
 * Opens environments of these functions, and of those that they may invoke, one after the other: first one of each, then more. In Lambda the first events wait for
 * such starts as well, but each start has a processor to itself; here it takes the processor from the environments that work.
 */
export async function startInAdvance(first: readonly Entry[], all: readonly Entry[], iam: Iam): Promise<void> {
  const invoked = all.filter(({ settings: { arn } }) =>
    first.some(({ settings }) => iam.may(settings.role, "lambda:InvokeFunction", arn)),
  );
  const functions = new Set([...first, ...invoked].map(({ lambda }) => lambda));
  for (const count of [1, AT_ONCE]) for (const lambda of functions) await lambda.warm(count);
}
