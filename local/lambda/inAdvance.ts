import type { Iam } from "../iam.ts";
import type { Entry } from "./registry.ts";

/**
 * Opens an environment of each of these functions, and of each that they may invoke, one after the other. In Lambda the first event waits for such
 * starts as well, but each of them has a processor to itself.
 */
export async function startInAdvance(first: readonly Entry[], all: readonly Entry[], iam: Iam): Promise<void> {
  const invoked = all.filter(({ settings: { arn } }) =>
    first.some(({ settings }) => iam.may(settings.role, "lambda:InvokeFunction", arn)),
  );
  for (const { lambda } of new Set([...first, ...invoked])) await lambda.warm();
}
