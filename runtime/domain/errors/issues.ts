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
  const messages = new Set(forms.flat().map(({ message }) => message));
  return first === undefined ? [] : [{ ...first, message: [...messages].join(", or ") }];
}

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
