/** Keys while listening. @returns what stops reading them */
export function onKeys(process: NodeJS.Process, keys: Readonly<Record<string, () => void>>): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  const take = (chunk: Buffer) => keys[chunk.toString()]?.();
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", take);
  return () => {
    stdin.off("data", take);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

const UP = "\u001b[A";
const DOWN = "\u001b[B";
const CTRL_C = "\u0003";
export const named = { up: UP, down: DOWN, ctrlC: CTRL_C } as const;

/** Puts text on the clipboard of the person at the terminal, over SSH too (OSC 52 of xterm). */
export const copy = (process: NodeJS.Process, text: string): void => {
  process.stdout.write(`\u001b]52;c;${Buffer.from(text).toString("base64")}\u0007`);
};
