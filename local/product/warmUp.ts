import { quietDoor, requestsUnderWay } from "../lambda/machine.ts";

/** After so many requests V8 has compiled the code that answers them. */
const REQUESTS = 400;
/** Under way at once, so that several environments of a function are warm. */
const AT_ONCE = 3;
const LONGEST_MS = 5_000;
/** An event as callers send it, of about 1 KB. */
const EVENT = JSON.stringify({ event_type: "warm.up", text: "x".repeat(900) });

/**
 * Sends the front door requests before there are callers, while nobody else asks for anything. V8 compiles code that runs often, and the first
 * hundreds of callers would wait for it. The operator's key may send no events, so every request is refused once its caller and its
 * limit are known: nothing is stored, and no customer's numbers count it.
 * @param url of the platform
 * @returns how many requests were answered; none where nobody listens any longer
 */
export async function warmUp(url: string, operatorKey: string): Promise<number> {
  const until = performance.now() + LONGEST_MS;
  const headers = { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" };
  let [begun, underWay, answered] = [0, 0, 0];
  const lane = async () => {
    while (begun < REQUESTS && performance.now() < until) {
      if (requestsUnderWay() > underWay) await quietDoor();
      begun += 1;
      underWay += 1;
      try {
        await (await fetch(`${url}/events`, { method: "POST", headers, body: EVENT })).arrayBuffer();
        answered += 1;
      } catch {
        // The platform stops.
        return;
      } finally {
        underWay -= 1;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return answered;
}
