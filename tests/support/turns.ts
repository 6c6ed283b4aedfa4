/** How many turns other work had while this was done: a long computation that never pauses leaves them none. */
export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const count = (): NodeJS.Immediate =>
    setImmediate(() => {
      turns += 1;
      counting = count();
    });
  let counting = count();
  await work();
  clearImmediate(counting);
  return turns;
}
