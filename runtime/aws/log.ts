import { maskText, maskUrl } from "../domain/people/masking.ts";

/**
 * One JSON line to standard output, which Lambda carries to CloudWatch as it is. `level` and `timestamp` are spelt as in the
 * lines that Lambda itself writes, so one filter finds both. `message` is `<stage>.<what happened>`, and units are in the
 * names of the fields (`_ms`, `_bytes`). Payloads and secrets are never logged. What somebody else wrote into an error may hold a mail
 * address, a phone number, a token, or a URL with a secret in it: these are masked here, in each text. docs/decisions/logger.md says
 * why it is ours.
 * @example {"timestamp":"2026-11-25T12:00:00.000Z","level":"ERROR","message":"route.failed","error":"TypeError: …"}
 */
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;
export type Level = "info" | "warn" | "error";

export const log: Log = (level, message, fields = {}) => {
  const line = { timestamp: new Date().toISOString(), level: level.toUpperCase(), message, ...fields };
  process.stdout.write(`${JSON.stringify(line, (_, value) => (typeof value === "string" ? masked(value) : value))}\n`);
};

const URLS = /\b(?:https?|wss?):\/\/[^\s"'<>`]+/gi;

const masked = (text: string): string =>
  maskText(text.includes("://") ? text.replaceAll(URLS, maskUrl) : text, ["email", "phone", "token"]);

/** Name and message of an error, and those of its cause. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.name}: ${error.cause.message})` : "";
  return `${error.name}: ${error.message}${cause}`;
}

/** An error with the place where it was thrown, for faults that nobody expected. */
export const errorStack = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
