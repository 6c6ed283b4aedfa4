import { setTimeout as pause } from "node:timers/promises";
import type { Event, Triggers } from "../../../sdk/typescript/src/client.ts";
import { isTriggersError } from "../../../sdk/typescript/src/errors.ts";
import { isAway, longerPause } from "../away.ts";
import type { Outcome, Post } from "./forward.ts";

/** An event that is owed, with the post that would deliver it. */
export type Pulled = Event & { readonly request?: Post; readonly request_error?: { readonly message: string } };

/** What the loop tells; the command shows it. */
export interface Told {
  forwarded(event: Pulled, outcome: Exclude<Outcome, { kind: "absent" }>): void;
  /** No post could be made of an event: why, in the platform's words. */
  unmade(event: Pulled, why: string): void;
  /** Nobody listens at the target; what arrives waits. `false`: somebody does again. */
  targetAway(away: boolean): void;
  platformAway(away: boolean, why: string): void;
}

const PAUSE_MS = 700;
const PAGE = 20;

/**
 * Pulls a backlog and hands each event on, oldest first, one after another.
 *
 * Invariant: an event leaves the backlog only after the target got it, also where the target answered with an error. An
 * event is not handed on while nobody listens. A machine that slept, a program that was killed and a platform that was away find the rest still
 * there: the place where it goes on is the backlog itself, page by page by its cursor.
 * @returns when `signal` ends it, or "gone" when the subscription was removed @throws TriggersError that no waiting mends
 */
export async function pull(
  triggers: Triggers,
  id: string,
  hand: (post: Post) => Promise<Outcome>,
  told: Told,
  signal: AbortSignal,
): Promise<"ended" | "gone"> {
  let platformWait = PAUSE_MS;
  let absent = false;
  /** Handed on, and not yet off the backlog: the platform went away between the two. */
  const handed = new Set<string>();

  async function acknowledge(): Promise<void> {
    if (handed.size === 0) return;
    await triggers.acknowledgeBacklog(id, [...handed]);
    handed.clear();
  }

  /** @returns whether all that was there is handed on */
  async function pass(): Promise<boolean> {
    await acknowledge();
    const query = { limit: String(PAGE), requests: "true" };
    for await (const { items } of triggers.backlog(id, query as never, { signal }).pages()) {
      for (const event of items as readonly Pulled[]) {
        if (signal.aborted) return false;
        if (event.request === undefined)
          told.unmade(event, event.request_error?.message ?? "no post could be made of it");
        else {
          const outcome = await hand(event.request);
          if (outcome.kind === "absent") {
            if (!absent) told.targetAway(true);
            absent = true;
            return false;
          }
          if (absent) told.targetAway(false);
          absent = false;
          told.forwarded(event, outcome);
        }
        handed.add(event.event_id);
      }
      await acknowledge();
    }
    return true;
  }

  while (!signal.aborted) {
    try {
      await pass();
      if (platformWait > PAUSE_MS) told.platformAway(false, "");
      platformWait = PAUSE_MS;
    } catch (error) {
      if (signal.aborted) break;
      if (isTriggersError(error, "not_found")) return "gone";
      if (!isAway(error)) throw error;
      if (platformWait === PAUSE_MS) told.platformAway(true, (error as Error).message);
      platformWait = longerPause(platformWait);
    }
    await pause(platformWait, undefined, { signal }).catch(() => undefined);
  }
  // What was handed on must not come again with the next start.
  await acknowledge().catch(() => undefined);
  return "ended";
}
