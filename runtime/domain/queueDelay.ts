import { MINUTE_MS, type Millis } from "./time.ts";

/** SQS holds no message back longer than this. */
export const MAX_QUEUE_DELAY_MS: Millis = 15 * MINUTE_MS;
