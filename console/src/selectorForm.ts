import { lineOf, textsOf } from "./listText.ts";
import type { Selector } from "./types.ts";

/** A selector as people fill it in. Pure. */

/** Three texts, of which all that are given must hold. */
export interface SelectorDraft {
  /** Types and patterns, by commas. */
  readonly type: string;
  readonly jsonpath: string;
  readonly cel: string;
}

export const noSelector: SelectorDraft = { type: "", jsonpath: "", cel: "" };

export const typesIn = ({ type }: Pick<SelectorDraft, "type">): string[] =>
  textsOf(type).filter((each) => each !== null);

export function selectorOf(draft: SelectorDraft): Selector {
  const types = typesIn(draft);
  const [jsonpath, cel] = [draft.jsonpath.trim(), draft.cel.trim()];
  return {
    ...(types.length === 0 ? {} : { event_type: types.length === 1 ? types[0]! : types }),
    ...(jsonpath === "" ? {} : { jsonpath }),
    ...(cel === "" ? {} : { cel }),
  };
}

export function draftOf(selector: Selector): SelectorDraft {
  if (typeof selector === "string")
    return selector.startsWith("$") ? { ...noSelector, jsonpath: selector } : draftOf({ event_type: selector });
  const { event_type = [], jsonpath = "", cel = "" } = selector;
  return { type: lineOf([event_type].flat()), jsonpath, cel };
}
