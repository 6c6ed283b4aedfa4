/** The most that a service takes in one call. */
export interface CallLimits {
  readonly items: number;
  readonly bytes: number;
}

/** Cuts items into calls that a service takes, in order. @param bytesOf length of an item as the service counts it */
export function intoCalls<T>(items: readonly T[], bytesOf: (item: T) => number, most: CallLimits): T[][] {
  const calls: T[][] = [];
  let size = 0;
  for (const item of items) {
    const length = bytesOf(item);
    const last = calls.at(-1);
    if (last === undefined || last.length === most.items || size + length > most.bytes) {
      calls.push([item]);
      size = length;
    } else {
      last.push(item);
      size += length;
    }
  }
  return calls;
}

const FIRST_PAUSE_MS = 50;

/**
 * Sends items in few calls; what a call refuses is sent again, with growing pauses.
 * @param sizeOf bytes of an item, as the service counts them
 * @param tries how often an item is sent at most
 * @param send one call. By position, why an item was refused; undefined where it was taken. A call that fails has refused all of them
 * @returns by position, why an item was refused at last; undefined where it was taken
 */
export async function sendInCalls<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  { tries, ...most }: CallLimits & { readonly tries: number },
  send: (call: readonly T[]) => Promise<readonly (Error | undefined)[]>,
): Promise<(Error | undefined)[]> {
  const outcomes = new Array<Error | undefined>(items.length).fill(undefined);
  const placed = items.map((item, at) => ({ item, at }));
  await Promise.all(
    intoCalls(placed, ({ item }) => sizeOf(item), most).map(async (call) => {
      let waiting = call;
      for (let tried = 1; ; tried += 1) {
        const sent = waiting;
        const refused = await send(sent.map(({ item }) => item)).catch((error: Error) => sent.map(() => error));
        for (const [i, { at }] of sent.entries()) outcomes[at] = refused[i];
        waiting = sent.filter((_, i) => refused[i] !== undefined);
        if (waiting.length === 0 || tried === tries) return;
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (tried - 1)));
      }
    }),
  );
  return outcomes;
}
