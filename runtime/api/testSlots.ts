import { randomUUID } from "node:crypto";
import { TriggersError } from "../domain/errors/errors.ts";
import { giveBackSlot, takeSlot } from "../store/testSlots.ts";
import { type Deps, eventsOf } from "./deps.ts";

/**
 * How many of a customer's test calls are under way at once, wherever they run: each holds two functions for as long as the
 * endpoint takes. A slot is an item of the events table, taken by a condition and given back; one whose holder died is free
 * once no call can last any longer.
 */
const TEST_SLOTS = 2;
/** Longer than a test's five seconds and its way there and back. */
const LEASE_MS = 10_000;

/**
 * Does the work in a free slot of the customer's.
 * @throws TriggersError `rate_limited` when none is free
 */
export async function inTestSlot<T>(deps: Deps, customerId: string, work: () => Promise<T>): Promise<T> {
  const events = eventsOf(deps);
  const holder = randomUUID();
  for (let number = 0; number < TEST_SLOTS; number += 1) {
    const slot = { customer_id: customerId, number, holder };
    const now = deps.now();
    if (!(await takeSlot(events, slot, { now, until: now + LEASE_MS }))) continue;
    try {
      return await work();
    } finally {
      // A slot that is kept ends by itself.
      await giveBackSlot(events, slot).catch((error) =>
        deps.log("warn", "api.test_slot_not_given_back", { customer_id: customerId, error: String(error) }),
      );
    }
  }
  throw new TriggersError("rate_limited", `${TEST_SLOTS} tests at a time; repeat when one of them is over.`, {
    headers: { "retry-after": "1" },
  });
}
