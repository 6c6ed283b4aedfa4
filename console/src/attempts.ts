import type { Delivery } from "./types.ts";

/** Whether a delivery can be tried once more: it has failed, or was given up. */
export const isRetried = ({ status }: Delivery): boolean => status === "failed" || status === "dead_lettered";

/** How often a delivery was attempted. */
export const attemptsOf = ({ attempts, attempts_left_out = 0 }: Delivery): number =>
  attempts.length + attempts_left_out;
