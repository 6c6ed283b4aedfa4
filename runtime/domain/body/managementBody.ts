import { TriggersError } from "../errors/errors.ts";
import { readJson } from "../json.ts";
import { checkJson } from "./jsonText.ts";
import { MAX_DEPTH } from "./scanNames.ts";

const invalid = (message: string) =>
  new TriggersError("invalid_request", message, { details: [{ path: "", message }] });

/** JSON of a management call. @throws TriggersError `invalid_json` with the position, `invalid_request` */
export function parseJson(bytes: Uint8Array): unknown {
  checkJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const text = new TextDecoder("utf-8").decode(bytes); // skips a byte order mark
  const value: unknown = readJson(text);
  checkDepth(value);
  if (SURROGATE.test(text) && !wellFormed(value)) throw invalid("Strings may not contain a lone surrogate.");
  // PostgreSQL's text holds every character but this one.
  if (text.includes("\\u0000")) throw invalid("Strings may not contain the character U+0000.");
  return value;
}

const SURROGATE = /\\u[dD][89a-fA-F]/;

/** Whether all strings and names are whole characters. All other strings have no form in UTF-8. */
const wellFormed = (value: unknown): boolean =>
  typeof value === "string"
    ? value.isWellFormed()
    : typeof value !== "object" ||
      value === null ||
      Object.entries(value).every(([name, member]) => name.isWellFormed() && wellFormed(member));

function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw invalid(`The body is nested deeper than ${MAX_DEPTH} levels.`);
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
}
