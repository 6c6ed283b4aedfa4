import type { Delivery } from "./types.ts";

/** Whether a delivery can be tried once more: it has failed, or was given up. */
export const isRetried = ({ status }: Delivery): boolean => status === "failed" || status === "dead_lettered";

/** These come before the attempts that are left out. */
export const FIRST_KEPT = 10;
/** Number of an attempt, from its place among those that are kept. */
export const numberOf = (index: number, leftOut: number): number => index + 1 + (index < FIRST_KEPT ? 0 : leftOut);

/** How often a delivery was attempted. */
export const attemptsOf = ({ attempts, attempts_left_out = 0 }: Delivery): number =>
  attempts.length + attempts_left_out;
