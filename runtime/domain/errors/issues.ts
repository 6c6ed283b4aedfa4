import jsonPointer from "json-pointer";
import type { z } from "zod";
import type { ErrorDetail } from "./errors.ts";

/** What a schema found wrong, as the details of an error answer: where, and what is allowed there. */

type Issue = z.core.$ZodIssue;

const failsAtRoot = (issues: readonly Issue[], ...codes: readonly Issue["code"][]): boolean =>
  issues.some(({ path, code }) => path.length === 0 && codes.includes(code));

/** Of what may have several forms: the faults of the form that comes nearest, or all forms in one where none does. */
function nearest(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  const meant =
    forms.find((issues) => !failsAtRoot(issues, "invalid_type", "invalid_value", "invalid_union")) ??
    forms.find((issues) => !failsAtRoot(issues, "invalid_type"));
  if (meant !== undefined) return meant;
  const [first] = forms[0] ?? [];
  const messages = [...new Set(forms.flat().map(({ message }) => message))];
  const must = messages.every((message) => message.startsWith(MUST));
  const message = must ? MUST + messages.map((each) => each.slice(MUST.length)).join(" or ") : messages.join(", or ");
  return first === undefined ? [] : [{ ...first, message }];
}

const MUST = "must be ";
/** What JSON's values are called. */
const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  tuple: "an array",
  object: "an object",
  record: "an object",
};
const FORMATS: Readonly<Record<string, string>> = {
  datetime: `${MUST}a time of RFC 3339: "2026-11-25T10:00:00Z"`,
  email: `${MUST}an e-mail address`,
};
/** What a text or a list is counted in. */
const PARTS: Readonly<Record<string, string>> = { string: "characters", array: "items" };

function boundOf(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig>): string {
  const [bound, least] = issue.code === "too_small" ? [issue.minimum, true] : [issue.maximum, false];
  const parts = PARTS[issue.origin];
  const said = bound.toLocaleString("en");
  if (parts === undefined && issue.inclusive === false) return `${MUST}${least ? "more" : "less"} than ${said}`;
  if (parts === undefined) return `${MUST}at ${least ? "least" : "most"} ${said}`;
  if (issue.exact === true) return `must have ${said} ${parts}`;
  return least && Number(bound) === 1 ? "must not be empty" : `has ${least ? "fewer" : "more"} than ${said} ${parts}`;
}

/**
 * What is wrong in the words of all other messages, where a schema has none of its own: the `error` of `safeParse`.
 * @returns undefined for what is left to zod's words
 */
export function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `${MUST}${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value": {
      const values = issue.values.map((value) => JSON.stringify(value));
      return `${MUST}${values.length > 2 ? "one of " : ""}${values.join(values.length > 2 ? ", " : " or ")}`;
    }
    case "too_small":
    case "too_big":
      return boundOf(issue);
    case "invalid_format":
      return issue.format === "regex" ? `must match the pattern ${issue.pattern}` : FORMATS[issue.format];
    default:
      return undefined;
  }
}

/** The words for a query, in which a parameter that comes several times is a list. */
export const inWordsOfQuery = (issue: z.core.$ZodRawIssue): string | undefined =>
  Array.isArray(issue.input) && (issue.code === "invalid_type" || issue.code === "invalid_value")
    ? "may be given once"
    : inWords(issue);

/** An unknown member is named by its own path. @param within the steps to what was checked @returns one for each thing wrong */
export function detailsOf(
  { issues }: { readonly issues: readonly Issue[] },
  within: readonly string[] = [],
): ErrorDetail[] {
  return issues.flatMap((issue): ErrorDetail[] => {
    const at = [...within, ...issue.path.map(String)];
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: jsonPointer.compile([...at, key]), message: "is not known here" }));
    const meant = issue.code === "invalid_union" ? nearest(issue.errors) : [];
    return meant.length > 0
      ? detailsOf({ issues: meant }, at)
      : [{ path: jsonPointer.compile(at), message: issue.message }];
  });
}
