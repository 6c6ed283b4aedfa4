/** What is written to standard output meanwhile. */
export function printed(act: () => void): string {
  const { write } = process.stdout;
  let text = "";
  process.stdout.write = ((chunk: string) => {
    text += chunk;
    return true;
  }) as typeof write;
  try {
    act();
  } finally {
    process.stdout.write = write;
  }
  return text;
}
