/**
 * Of an `LRUCache`: at most so many entries, and room only for those that there are. By its own `max`, room for all of them is taken, and filled, when
 * the cache is made: 25 ms of each new environment at the edge went there.
 */
export const growing = (max: number) => ({ maxSize: max, sizeCalculation: () => 1 });
