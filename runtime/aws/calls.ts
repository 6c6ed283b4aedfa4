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
