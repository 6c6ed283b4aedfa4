import { renameSync, writeFileSync } from "node:fs";

/** Writes a file whole or not at all, also when the process dies in between or another one writes it too. @param mode of a new file */
export function writeWhole(path: string, text: string, mode = 0o666): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, path);
}
