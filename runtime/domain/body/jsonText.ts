import { type ErrorDetail, TriggersError } from "../errors/errors.ts";
import { type Position, type Scan, scan } from "./scan.ts";

/** How every call says that its body is not JSON: with the position, and for a repeated member name like for bad syntax. */

const sentenceAt = ({ line, column, byte }: Position, message: string): string =>
  `The body is not valid JSON at line ${line}, column ${column} (byte ${byte}): ${message}`;

/** The refusal of a text that is no JSON at all. */
export function malformed({ message, at }: Extract<Scan, { kind: "malformed" }>, body: Buffer): TriggersError {
  if (body.length === 0) return new TriggersError("invalid_json", "The body is empty; JSON is expected.");
  return new TriggersError("invalid_json", sentenceAt(at, `${message}.`), {
    details: [{ path: "", code: "invalid_json", message, ...at }],
  });
}

/** A repeated name that the scanner found, as a whole sentence. */
export function repeatedName(fault: ErrorDetail): string {
  const { message } = fault;
  return sentenceAt(fault as ErrorDetail & Position, message.charAt(0).toLowerCase() + message.slice(1));
}

/**
 * Checks the body of a call that takes no events.
 * @throws TriggersError `invalid_json` for a syntax error, a repeated member name, or bytes that are not UTF-8
 */
export function checkJson(body: Buffer): void {
  const scanned = scan(body);
  if (scanned.kind === "malformed") throw malformed(scanned, body);
  const [first, ...others] = scanned.faults.filter(({ code }) => code === "invalid_json");
  if (first === undefined) return;
  throw new TriggersError("invalid_json", repeatedName(first), { details: [first, ...others] });
}
