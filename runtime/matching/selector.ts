import type { Event } from "../domain/event.ts";
import type { EventSelector } from "../domain/subscription.ts";
import { parseCel } from "./cel.ts";
import { parseTypePattern } from "./eventType.ts";
import { Invalid, naming } from "./invalid.ts";
import { parseComparison, parsePath } from "./jsonPath.ts";

export interface Explanation {
  readonly matched: boolean;
  /** The part of the selector that decides, as it was written. */
  readonly clause?: string;
  /** Why it decides so, with the values met: `amount 40 is not > 100`. */
  readonly because?: string;
}

export interface CompiledSelector {
  /** Whether the event is wanted. Never throws: what can't be evaluated is no match. */
  readonly matches: (event: Event) => boolean;
  readonly explain: (event: Event) => Explanation;
}

interface Part {
  readonly text: string;
  readonly test: (event: Event) => boolean;
  readonly miss: (event: Event) => string;
}

/**
 * Compiles a selector. A string is an event type (pattern), a JSONPath query, or a logical expression over paths.
 * @throws TriggersError `invalid_selector` with the position
 */
export function compileSelector(selector: EventSelector, at = "/event_selector"): CompiledSelector {
  const parts: Part[] = [];
  if (typeof selector === "string") parts.push(naming(at, () => ofText(selector)));
  else {
    const { event_type, jsonpath, cel } = selector;
    if (event_type !== undefined) parts.push(naming(`${at}/event_type`, () => ofTypes(event_type)));
    if (jsonpath !== undefined) parts.push(naming(`${at}/jsonpath`, () => ofPath(jsonpath)));
    if (cel !== undefined) parts.push(naming(`${at}/cel`, () => ofCel(cel)));
    if (parts.length === 0) {
      naming(at, () => {
        throw new Invalid({ message: "give at least one of `event_type`, `jsonpath` and `cel`" });
      });
    }
  }
  return {
    matches: (event) => parts.every((part) => part.test(event)),
    explain: (event) => {
      const missed = parts.find((part) => !part.test(event));
      return missed === undefined
        ? { matched: true }
        : { matched: false, clause: missed.text, because: missed.miss(event) };
    },
  };
}

const FORM = /^\s*(?:\$|!|\(|(?:length|count|match|search|value)\s*\()/;

function ofText(text: string): Part {
  if (!FORM.test(text)) return ofTypes(text);
  return ofPath(text);
}

function ofTypes(types: string | readonly string[]): Part {
  const patterns = (typeof types === "string" ? [types] : types).map(parseTypePattern);
  if (patterns.length === 0) throw new Invalid({ message: "the list of event types is empty" });
  const text = patterns.map((pattern) => pattern.text).join(", ");
  return {
    text,
    test: ({ event_type }) => event_type !== null && patterns.some((pattern) => pattern.matches(event_type)),
    miss: ({ event_type }) => `event type ${JSON.stringify(event_type)} is not ${text}`,
  };
}

function ofPath(text: string): Part {
  const miss = () => `${text} does not hold`;
  let whole: Invalid;
  try {
    const path = parsePath(text);
    return { text, test: (event) => path.exists(event.payload), miss };
  } catch (thrown) {
    if (!(thrown instanceof Invalid)) throw thrown;
    whole = thrown;
  }
  try {
    const holds = parseComparison(text);
    return { text, test: (event) => holds(event.payload), miss };
  } catch (thrown) {
    if (!(thrown instanceof Invalid)) throw thrown;
    throw (thrown.problem.position ?? 0) > (whole.problem.position ?? 0) ? thrown : whole;
  }
}

function ofCel(text: string): Part {
  return { text, test: parseCel(text), miss: () => `${text} is not true` };
}
