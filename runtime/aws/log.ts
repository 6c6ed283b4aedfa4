/**
 * One JSON line to standard output, which Lambda carries to CloudWatch as it is. `message` is `<stage>.<what happened>`,
 * units are in the names of the fields (`_ms`, `_bytes`), and neither payloads nor secrets are ever among them.
 */
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;
export type Level = "info" | "warn" | "error";

export const log: Log = (level, message, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
};

/** What an error says, with the name and message of what caused it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.name}: ${error.cause.message})` : "";
  return `${error.name}: ${error.message}${cause}`;
}
