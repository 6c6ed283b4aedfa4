import { JSONPathEnvironment, JSONPathError, type JSONPathQuery, type JSONValue } from "json-p3";
import { Invalid } from "./invalid.ts";

const environment = new JSONPathEnvironment();

/** A parsed JSONPath query (RFC 9535). */
export interface JsonPath {
  readonly text: string;
  /** True when the query names at most one place: only names and indexes. */
  readonly singular: boolean;
  /** The values found, in order. */
  readonly values: (document: unknown) => unknown[];
  readonly exists: (document: unknown) => boolean;
  /** Names and indexes of a singular query. */
  readonly steps: readonly (string | number)[] | undefined;
  /** Where the values found are, as names and indexes from the root. */
  readonly locations: (document: unknown) => (readonly (string | number)[])[];
}

/** @throws Invalid with the position */
export function parsePath(text: string): JsonPath {
  const query = guarded(0, () => environment.compile(text));
  return {
    text,
    singular: query.singularQuery(),
    values: (document) => query.query(document as JSONValue).values(),
    exists: (document) => query.match(document as JSONValue) !== undefined,
    steps: query.singularQuery() ? query.segments.map((segment) => stepOf(segment.selectors[0]!)) : undefined,
    locations: (document) => query.query(document as JSONValue).nodes.map((node) => node.location),
  };
}

/** A logical expression over the payload: comparisons of singular paths joined by `&&`, `||`, `!`. @throws Invalid */
export function parseComparison(text: string): (document: unknown) => boolean {
  const query: JSONPathQuery = guarded(3, () => environment.compile(`$[?${text}]`));
  const selectors = query.segments[0]?.selectors;
  const only = selectors?.[0];
  if (query.segments.length !== 1 || selectors?.length !== 1 || only === undefined || !("expression" in only)) {
    throw new Invalid({ message: "this is not one logical expression", position: 0 });
  }
  const expression = only.expression as { evaluate: (context: object) => boolean };
  return (document) => expression.evaluate({ environment, currentValue: document, rootValue: document });
}

const stepOf = (selector: object): string | number =>
  "name" in selector ? (selector.name as string) : (selector as { index: number }).index;

function guarded<T>(offset: number, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof JSONPathError)) throw thrown;
    const message = thrown.message.replace(/ \(.*$/s, "");
    throw new Invalid({ message, position: Math.max(0, thrown.token.index - offset) });
  }
}
