import { defined } from "../../runtime/domain/defined.ts";
import { CommandError } from "./exits.ts";

export interface SelectorFlags {
  readonly type?: readonly string[];
  readonly jsonpath?: string;
  readonly cel?: string;
}

/** A selector of the flags, all of which must hold, or of one text. @param fallback without either @throws CommandError */
export function selectorOf(
  { type, jsonpath, cel }: SelectorFlags,
  text: string | undefined,
  fallback?: string,
): unknown {
  const members = {
    ...(type === undefined ? {} : { event_type: type.length === 1 ? type[0] : [...type] }),
    ...defined({ jsonpath, cel }),
  };
  const asked = Object.keys(members).length > 0;
  if (asked && text !== undefined)
    throw new CommandError("Give a selector, or --type, --jsonpath and --cel; not both.");
  if (asked) return members;
  if (text !== undefined) return text;
  if (fallback !== undefined) return fallback;
  throw new CommandError('Give a selector ("order.*", "$.amount > 100"), or --type, --jsonpath, --cel.');
}
