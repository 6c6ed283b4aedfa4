/** Where another environment of a function is of use: environments are for invocations that wait, threads for processor time. */

/** Share of its time in which a thread computes, from which on it is not given another environment. */
const BUSY = 0.9;
/** The same for a function that works off a queue, while the machine is full: others come first, and each environment has its own questions to ask. */
const BUSY_BEHIND = 0.2;
/**
 * What an invocation computes at most, milliseconds, if it waits most of the time: for the network, and on a full machine for processors. Of such, more
 * environments make use of the thread, however busy that is.
 */
const LIGHT_MS = 5;
/** Looks in a row that find all threads busy, and the machine not full, before one more thread is started. */
const SHORT_LOOKS = 4;

/** A thread as it was found when it was looked at last. */
export interface Looked {
  readonly environments: ReadonlyMap<number, unknown>;
  /** The share of the time before that in which it computed, and for how long an invocation, milliseconds; NaN where none ended. */
  readonly busy: number;
  readonly eachMs: number;
}

export interface Room {
  /** Environments that a thread takes, and threads that a function has at most. */
  readonly perThread: number;
  readonly threads: number;
  /** Whether others come first now. */
  readonly behind: boolean;
}

export const isLight = ({ eachMs }: Looked): boolean => eachMs < LIGHT_MS;
export const isBusy = ({ busy }: Looked): boolean => busy >= BUSY;

/**
 * @param threads those that take invocations
 * @param shortLooks how many looks in a row found all of them busy on a machine that was not full
 * @returns the thread with the most time left, or one more thread; undefined where another environment would only make all others slower
 */
export function placeFor<Thread extends Looked>(
  threads: readonly Thread[],
  room: Room,
  shortLooks: number,
): Thread | "new" | undefined {
  const hasTime = (thread: Looked) => (room.behind ? thread.busy < BUSY_BEHIND : !isBusy(thread) || isLight(thread));
  const byTime = [...threads].sort((a, b) => a.busy - b.busy);
  const roomy = byTime.find((thread) => thread.environments.size < room.perThread && hasTime(thread));
  if (roomy !== undefined) return roomy;
  const ofUse = threads.length === 0 || threads.some(hasTime) || shortLooks >= SHORT_LOOKS;
  return ofUse && threads.length < room.threads ? "new" : undefined;
}
