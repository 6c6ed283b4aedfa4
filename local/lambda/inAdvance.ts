import type { Iam } from "../iam.ts";
import { AHEAD, type LambdaFunction } from "./function.ts";
import { quietDoor } from "./machine.ts";
import type { Entry } from "./registry.ts";

/** Environments that a function has in advance, so that a second event finds one as well. */
const AT_ONCE = 2;
/** How long a function at the front door opens more of them, while nobody asks for anything. */
const RESERVE_MS = 400;

/**
 * Opens environments of these functions, and of those that they may invoke, one after the other: first one of each, then more. In Lambda the first events wait for
 * such starts as well, but each start has a processor to itself; here it takes the processor from the environments that work.
 * So where accepting comes first, those at the front door get more of them after that, for as long as nobody asks for anything.
 * @param door those that answer requests
 * @param others those that work off queues
 */
export async function startInAdvance(
  door: readonly Entry[],
  others: readonly Entry[],
  all: readonly Entry[],
  iam: Iam,
  acceptFirst: boolean,
): Promise<void> {
  const first = [...door, ...others];
  const invoked = all.filter(({ settings: { arn } }) =>
    first.some(({ settings }) => iam.may(settings.role, "lambda:InvokeFunction", arn)),
  );
  const functions = new Set([...first, ...invoked].map(({ lambda }) => lambda));
  for (const count of [1, AT_ONCE]) for (const lambda of functions) await lambda.warm(count);
  if (acceptFirst) void openInReserve(door.map(({ lambda }) => lambda));
}

/** Opens as many of each as can be had in the time, since what takes long to open takes memory as well. */
async function openInReserve(door: readonly LambdaFunction[]): Promise<void> {
  for (const lambda of door)
    for (let [count, spent] = [AT_ONCE + 1, 0]; count <= AHEAD && spent < RESERVE_MS; count += 1) {
      await quietDoor();
      const began = performance.now();
      await lambda.warm(count);
      spent += performance.now() - began;
    }
}
