import type { Failure } from "../domain/failure.ts";

/**
 * Where a message failed, so that it has to come again:
 * - `decode`: it can't be read; `read`: reading its snapshot, its payload or its stored batch failed;
 * - `match`: it can't be decided, or put off; `store`: its batch can't be stored; `continue`: its rest can't be sent on;
 * - `queue`: its deliveries can't be queued; `archive`: its records are not taken; `erase`: an erased payload can't be removed.
 */
export type Phase = "decode" | "read" | "match" | "store" | "continue" | "queue" | "archive" | "erase";

/** What went wrong with a message, and where. */
export type Fault = Omit<Failure<Phase>, "message_id">;
