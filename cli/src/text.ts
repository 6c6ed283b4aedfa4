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

/** `15m`, `24h`, `7d` before now, or an RFC 3339 time. @returns RFC 3339 @throws Error */
export function when(text: string, now = Date.now()): string {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const at = unit === undefined ? Date.parse(text) : now - Number(amount) * UNITS_MS[unit]!;
  if (Number.isNaN(at)) throw new Error(`${text} is no time: write 15m, 24h, 7d, or 2026-11-25T10:00:00Z`);
  return new Date(at).toISOString();
}

/** @throws CommandError naming where the text comes from */
export function parsed<T>(text: string, from: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CommandError(`${from} is not JSON: ${(cause as Error).message}`);
  }
}

/** All of a stream. */
export async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Asks, and reads a line. @param hidden what is typed is not shown @throws CommandError where nobody is there */
export async function ask(process: NodeJS.Process, question: string, hidden = false): Promise<string> {
  if (!process.stdin.isTTY) throw new CommandError(`"${question.trim()}" needs a terminal.`);
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
