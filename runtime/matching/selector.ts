import { TriggersError } from "../domain/errors/errors.ts";
import type { Event } from "../domain/event.ts";
import type { EventSelector } from "../domain/subscription.ts";
import type { Budget } from "./budget.ts";
import { compileCel } from "./cel/index.ts";
import { and, type Clause, type Draft, decisive, leaf, reason, settled } from "./clause.ts";
import { parseTypePattern, type TypePattern } from "./eventType.ts";
import { Frame, PathPool, TOO_COSTLY, type Truth } from "./frame.ts";
import { Invalid, naming, SELECTOR } from "./invalid.ts";
import { compileJsonPath } from "./jsonPath/index.ts";
import { disjunction, type Needs } from "./needs.ts";

export interface Explanation {
  readonly matched: boolean;
  /** The smallest part of the selector that decides, as it was written: flip it and the verdict flips. */
  readonly clause: string;
  /** Why it decides so, with the values met: `amount 40 is not > 100`. */
  readonly because: string;
}

export interface CompiledSelector {
  /** Whether the event is wanted. Never throws: a condition that can't be evaluated counts as false. */
  matches(event: Event, budget?: Budget): boolean;
  /** @param budget pays for all that finding the reason takes */
  explain(event: Event, budget?: Budget): Explanation;
}

/** A selector's compiled form: what matching, explaining and the index all go by. */
export class Selector {
  readonly clause: Clause;
  readonly needs: Needs;
  #stamp = 0;
  #known: Truth = false;

  constructor(draft: Draft) {
    this.clause = settled(draft);
    this.needs = draft.needs;
  }

  /** The verdict on a frame, or why there is none; evaluated at most once an event. */
  judge(frame: Frame): Truth {
    if (this.#stamp === frame.stamp) return this.#known;
    this.#stamp = frame.stamp;
    frame.begin();
    this.#known = this.clause.test(frame);
    return this.#known;
  }

  explain(event: Event, budget?: Budget): Explanation {
    const frame = new Frame(event, budget);
    const verdict = this.judge(frame);
    const { text } = this.clause;
    frame.pay();
    if (verdict === TOO_COSTLY) return { matched: false, clause: text, because: TOO_COSTLY.reason };
    const { clause, value } = decisive(this.clause, frame);
    const because = reason(clause, frame, value);
    frame.pay();
    return { matched: verdict === true, clause: clause.text, because };
  }
}

/**
 * Compiles a selector. A string is an event type (pattern), a JSONPath query, or a logical expression over paths.
 * @throws TriggersError `invalid_selector` with the position
 */
export function compileSelector(selector: EventSelector): CompiledSelector {
  const compiled = compile(selector, new PathPool());
  return {
    matches: (event, budget) => {
      const frame = new Frame(event, budget);
      const value = compiled.judge(frame);
      frame.pay();
      return value === true;
    },
    explain: (event, budget) => compiled.explain(event, budget),
  };
}

/** A selector that was stored when the rules were others: one that is refused today matches nothing, and says why. */
export function compileStored(selector: EventSelector): CompiledSelector {
  try {
    return compileSelector(selector);
  } catch (thrown) {
    if (!(thrown instanceof TriggersError)) throw thrown;
    const because = `the selector is no longer valid: ${thrown.message}`;
    return { matches: () => false, explain: () => ({ matched: false, clause: "", because }) };
  }
}

/**
 * @param pool paths shared with other selectors
 * @throws TriggersError `invalid_selector` with the position
 */
export function compile(selector: EventSelector, pool: PathPool): Selector {
  const parts: Draft[] = [];
  if (typeof selector === "string") parts.push(naming(SELECTOR, () => ofText(selector, pool)));
  else {
    const { event_type, jsonpath, cel } = selector;
    if (event_type !== undefined) parts.push(naming(`${SELECTOR}/event_type`, () => ofTypes(event_type, pool)));
    if (jsonpath !== undefined) parts.push(naming(`${SELECTOR}/jsonpath`, () => compileJsonPath(jsonpath, pool)));
    if (cel !== undefined) parts.push(naming(`${SELECTOR}/cel`, () => compileCel(cel, pool)));
    if (parts.length === 0) {
      naming(SELECTOR, () => {
        throw new Invalid({ message: "give at least one of `event_type`, `jsonpath` and `cel`" });
      });
    }
  }
  return new Selector(and(parts.map(({ text }) => text).join(" and "), parts));
}

/** How a path or an expression over paths begins, a literal with its comparison included; all else is an event type. */
const EXPRESSION =
  /^\s*(?:[$@!(]|(?:length|count|match|search|value)\s*\(|(?:-?\d[\w.+-]*|'[^']*'|"[^"]*"|true|false|null)\s*(?:[=!<>]=|[<>]))/;
/** What no event type pattern holds, but every mistaken expression does. */
const NOT_A_TYPE = /[\s=<>&|!'"()[\]{}]/;

function ofText(text: string, pool: PathPool): Draft {
  if (EXPRESSION.test(text)) return compileJsonPath(text, pool);
  const at = text.search(NOT_A_TYPE);
  if (at >= 0) {
    const cel = /\bevent(?:_type|_id)?\b|received_at/.test(text);
    throw new Invalid({
      message: "this is neither an event type, nor a JSONPath (`$…`), nor an expression over paths",
      position: at,
      expected: "an event type such as `order.created`, or a path that begins with `$`",
      ...(cel ? { suggestion: `{ "cel": ${JSON.stringify(text)} }` } : {}),
    });
  }
  return ofTypes(text, pool);
}

/** Event types in one list: what a selector may hold. */
const MAX_TYPES = 500;

function ofTypes(types: string | readonly string[], pool: PathPool): Draft {
  const list = typeof types === "string" ? [types] : types;
  if (list.length === 0) throw new Invalid({ message: "the list of event types is empty", expected: "at least one" });
  if (list.length > MAX_TYPES) throw new Invalid({ message: `a list holds at most ${MAX_TYPES} event types` });
  const patterns = list.map(parseTypePattern);
  const exact = new Set(patterns.flatMap((pattern) => (pattern.exact ? [pattern.text] : [])));
  const wild = patterns.filter((pattern) => !pattern.exact);
  const text = list.length === 1 ? list[0]! : `one of ${list.slice(0, 5).join(", ")}${list.length > 5 ? ", …" : ""}`;
  return leaf({
    text: list.join(", "),
    test: ({ event: { event_type: type } }) =>
      type !== null && (exact.has(type) || wild.some((pattern) => pattern.matches(type))),
    because: ({ event: { event_type: type } }, value) =>
      type === null
        ? "the event has no event_type"
        : `event_type ${JSON.stringify(type)} is ${value === true ? "" : "not "}${text}`,
    needs: disjunction(patterns.map((pattern) => typeNeeds(pattern, pool))),
  });
}

function typeNeeds({ text, exact }: TypePattern, { event_type: path }: PathPool): Needs {
  if (exact) return [[{ kind: "equal", path, values: [text] }]];
  const prefix = text.slice(0, text.indexOf("*"));
  if (prefix !== "") return [[{ kind: "prefix", path, text: prefix }]];
  const suffix = text.slice(text.lastIndexOf("*") + 1);
  return [[suffix === "" ? { kind: "exists", path } : { kind: "suffix", path, text: suffix }]];
}
