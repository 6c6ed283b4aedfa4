import pLimit from "p-limit";

/** Like `Promise.all` over `items.map(work)`, with at most `width` at a time. */
export const mapConcurrently = <T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> => pLimit(width).map(items, (item) => work(item));
