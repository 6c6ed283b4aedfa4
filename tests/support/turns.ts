/**
 * How many turns other work had while this was done: a long computation that never pauses leaves them none.
 * @param work is given how many there have been so far
 */
export async function turnsDuring(work: (soFar: () => number) => Promise<unknown>): Promise<number> {
  let turns = 0;
  const count = (): NodeJS.Immediate =>
    setImmediate(() => {
      turns += 1;
      counting = count();
    });
  let counting = count();
  await work(() => turns);
  clearImmediate(counting);
  return turns;
}
