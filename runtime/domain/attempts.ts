/** Numbers of a delivery's attempts where it had more than are kept: the first ones and the newest are. */

/** These come before the attempts that are left out. */
export const FIRST_KEPT = 10;

/** Number of an attempt, from 1. @param index its place among those that are kept @param leftOut how many are not */
export const attemptNumber = (index: number, leftOut: number): number => index + 1 + (index < FIRST_KEPT ? 0 : leftOut);

/** How often a delivery was attempted, as the API shows it. */
export const attemptsOf = ({
  attempts,
  attempts_left_out = 0,
}: {
  readonly attempts: readonly unknown[];
  readonly attempts_left_out?: number | undefined;
}): number => attempts.length + attempts_left_out;
