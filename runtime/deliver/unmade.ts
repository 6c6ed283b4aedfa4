import { TriggersError } from "../domain/errors/errors.ts";

/**
 * Why there is nothing to post of an event, or of a whole delivery. Invariant: every fault while a body is made ends
 * as one of these, so that it is kept as a failed attempt with its reason, tried again by the schedule, and a dead letter in
 * the end; it says nothing about the endpoint, whose circuit it leaves alone.
 */
export interface Unmade {
  readonly error: UnmadeError;
  readonly text: string;
  /** Trying again can't help: it is a dead letter at once. */
  readonly final: boolean;
}

/** As they stand in an attempt's `error`. */
export type UnmadeError =
  /** The stored events can't be read. */
  | "payload_unreadable"
  /** Reading the reference table failed, or finding the key. */
  | "enrich_failed"
  | "transform_failed"
  /** What the transform or the enrichment makes of the event exceeds 1,000,000 bytes. */
  | "payload_too_large"
  /** The events can't be cut into posts, or written into a body. */
  | "body_failed"
  /** Signing the post failed, or making its headers. */
  | "sign_failed"
  /** What follows from the post can't be told. */
  | "settle_failed";

/** @param thrown any value: the text of an error that is not ours may repeat the event, so it is left out */
export function unmade(error: UnmadeError, thrown: unknown): Unmade {
  if (thrown instanceof TriggersError) {
    const tooLarge = thrown.code === "payload_too_large";
    return { error: tooLarge ? "payload_too_large" : error, text: thrown.message, final: tooLarge };
  }
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return { error, text: `The platform failed at this step (${name}); nothing was sent.`, final: false };
}
