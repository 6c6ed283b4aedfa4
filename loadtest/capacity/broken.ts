/**
 * Which quota breaks first, by one rule for the simulation and for a run on this machine: a quota breaks when it holds back a twentieth
 * of the requests for three seconds on end. One that is only brushed does not count.
 */
const SHARE = 0.05;
const SECONDS = 3;

/** How often a quota held something back, by second. */
export type BySecond = ReadonlyMap<number, number>;

/**
 * @param offered requests a second at a time
 * @returns by quota, the second from which it was broken
 */
export function brokenQuotas<Q extends string>(
  felt: ReadonlyMap<Q, BySecond>,
  offered: (second: number) => number,
): Map<Q, number> {
  const broken = new Map<Q, number>();
  for (const [quota, bySecond] of felt) {
    for (const second of [...bySecond.keys()].sort((a, b) => a - b)) {
      const held = Array.from(
        { length: SECONDS },
        (_, i) => (bySecond.get(second + i) ?? 0) >= Math.max(1, SHARE * offered(second + i)),
      );
      if (!held.every(Boolean)) continue;
      broken.set(quota, second);
      break;
    }
  }
  return broken;
}

/** The first one; of several at once the one that held back most. */
export function firstBroken<Q extends string>(
  broken: ReadonlyMap<Q, number>,
  times: (quota: Q) => number,
): { readonly quota: Q; readonly second: number } | undefined {
  const [first] = [...broken].sort(([a, from], [b, other]) => from - other || times(b) - times(a));
  return first === undefined ? undefined : { quota: first[0], second: first[1] };
}
