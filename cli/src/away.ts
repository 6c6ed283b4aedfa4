import { TriggersConnectionError, TriggersError } from "../../sdk/typescript/src/errors.ts";

/** What a command that runs on does while the platform does not answer: it asks again, after longer and longer pauses. */

const LONGEST_PAUSE_MS = 15_000;

/** Whether asking again may help: there was no answer, or one that says "later". */
export const isAway = (error: unknown): boolean =>
  error instanceof TriggersConnectionError ||
  (error instanceof TriggersError && (error.status >= 500 || error.status === 429));

/** The pause after another attempt in vain. */
export const longerPause = (ms: number): number => Math.min(LONGEST_PAUSE_MS, ms * 2);
