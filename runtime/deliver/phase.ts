/**
 * Where a message failed, so that it has to come again. A failed post is not among them: it is stored as an attempt.
 * - `decode`: it can't be read; `drain`: held deliveries can't be released or tried;
 * - `read`: the stored deliveries and batches; `gate`: subscriptions and circuits can't be asked;
 * - `queue`: its next attempt can't be queued; `keep`: its new state can't be written.
 */
export type Phase = "decode" | "drain" | "read" | "gate" | "queue" | "keep";
