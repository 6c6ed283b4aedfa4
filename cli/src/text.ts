import { CommandError } from "./exits.ts";

/** Rows in columns as wide as they need to be, a line each. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === cells.length - 1 ? cell : cell.padEnd(widths[at]!)))
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m`, `24h`, `7d` before now, or an RFC 3339 time. @returns RFC 3339 @throws CommandError */
export function when(text: string, now = Date.now()): string {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  // Date.parse alone takes nearly anything: of "5" it makes May 2001.
  const absolute = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const at = unit === undefined ? absolute : now - Number(amount) * UNITS_MS[unit]!;
  if (Number.isNaN(at)) throw new CommandError(`${text} is no time: write 15m, 24h, 7d, or 2026-11-25T10:00:00Z.`);
  return new Date(at).toISOString();
}

/** Asks, and reads a line. @param hidden what is typed is not shown @throws CommandError where nobody is there */
export async function ask(process: NodeJS.Process, question: string, hidden = false): Promise<string> {
  if (!process.stdin.isTTY) throw new CommandError(`Nobody can answer here: "${question.trim()}"`);
  const { createInterface } = await import("node:readline/promises");
  const { Writable } = await import("node:stream");
  let silent = false;
  const output = new Writable({
    write: (chunk, _, done) => {
      if (!silent) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    const answer = lines.question(question);
    silent = hidden;
    return (await answer).trim();
  } finally {
    lines.close();
    if (hidden) process.stderr.write("\n");
  }
}

/** Asks whether a change that is final is wanted; `--yes` says so beforehand. @throws CommandError where nobody wants it, or nobody is there */
export async function confirm(process: NodeJS.Process, yes: boolean, question: string): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new CommandError('Nobody can confirm it here: add "--yes".');
  if (!/^y(es)?$/i.test(await ask(process, `${question} [y/N] `))) throw new CommandError("Nothing was changed.");
}
