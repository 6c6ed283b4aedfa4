/**
 * Where a message failed, so that it has to come again. A post that fails is none of them: it is an attempt, and kept as one.
 * - `decode`: it can't be read; `drain`: held deliveries can't be released or tried;
 * - `read`: the stored deliveries and batches; `gate`: subscriptions and circuits can't be asked;
 * - `queue`: its next attempt can't be queued; `keep`: its new state can't be written.
 */
export type Phase = "decode" | "drain" | "read" | "gate" | "queue" | "keep";
