import { type Clause, type Draft, leaf, reason, settled } from "../clause.ts";
import { Frame, type Path, PathPool, TOO_COSTLY } from "../frame.ts";
import { Invalid } from "../invalid.ts";
import { type Needs, ofElements } from "../needs.ts";
import { JsonPathCompiler } from "./filter.ts";
import { type Expression, isDescendant, parseLogical, parseQuery, selectors } from "./parse.ts";
import { splitSingular } from "./query.ts";

/** A JSONPath query (RFC 9535) for use on any JSON document. */
export interface JsonPath {
  readonly text: string;
  /** Names and indexes, when the query names at most one place; undefined otherwise. */
  readonly steps: readonly (string | number)[] | undefined;
  /** What the members that it selects are called: the last names in it. */
  readonly names: readonly string[];
  /**
   * The values selected, in the RFC's order.
   * @param work units of work allowed, about 50 ns each; unlimited unless given
   * @throws RangeError when they are used up
   */
  values(document: unknown, work?: number): unknown[];
  /** Where the selected values are, as names and indexes from the root. */
  locations(document: unknown, work?: number): (readonly (string | number)[])[];
}

/** @throws Invalid with the position */
export function parsePath(text: string): JsonPath {
  const query = parseQuery(text);
  const { steps, rest } = splitSingular(query.segments);
  const visit = new JsonPathCompiler(new PathPool(), text, 0).query(query, (value, frame) => {
    frame.found.push(frame.trail === undefined ? value : [...frame.trail]);
    return false;
  });
  const run = (document: unknown, work: number, trail: (string | number)[] | undefined): unknown[] => {
    const frame = new Frame({ event_id: "", event_type: null, received_at: "", payload: document as never });
    frame.fuel = work;
    frame.trail = trail;
    visit(frame);
    if (frame.fuel < 0) throw new RangeError(`${text} takes too much work on this document`);
    return frame.found;
  };
  return {
    text,
    steps: rest.length === 0 ? steps : undefined,
    names: lastNames(query.segments),
    values: (document, work = Number.POSITIVE_INFINITY) => run(document, work, undefined),
    locations: (document, work = Number.POSITIVE_INFINITY) =>
      run(document, work, normalised(steps, document)) as (string | number)[][],
  };
}

function lastNames(segments: ReturnType<typeof parseQuery>["segments"]): string[] {
  const named = segments.map(({ selectors: each }) =>
    each.flatMap((selector) => (selector instanceof selectors.NameSelector ? [selector.name] : [])),
  );
  return named.findLast((names) => names.length > 0) ?? [];
}

/** Steps with negative indexes counted from the start, as far as the document has them. */
function normalised(steps: readonly (string | number)[], document: unknown): (string | number)[] {
  let value = document;
  return steps.map((step) => {
    const index = typeof step === "number" && step < 0 && Array.isArray(value) ? value.length + step : step;
    value = (Object(value) as Record<string | number, unknown>)[index];
    return index;
  });
}

/**
 * A JSONPath selector on the payload: a query, true when it selects anything, or a logical expression over paths.
 * @throws Invalid with the position
 */
export function compileJsonPath(text: string, pool: PathPool): Draft {
  const parsed = parseEither(text);
  return "query" in parsed
    ? existence(text, parsed.query, pool)
    : new JsonPathCompiler(pool, text, 3).logical(parsed.expression);
}

type Query = ReturnType<typeof parseQuery>;

/** The two forms overlap only in `$.a`, which means the same in both; of two errors the one further on is told. */
function parseEither(text: string): { query: Query } | { expression: Expression } {
  let first: Invalid;
  try {
    return { query: parseQuery(text) };
  } catch (thrown) {
    if (!(thrown instanceof Invalid)) throw thrown;
    first = thrown;
  }
  try {
    return { expression: parseLogical(text) };
  } catch (thrown) {
    if (!(thrown instanceof Invalid)) throw thrown;
    // Where the query stops at an operator, an expression was meant.
    const meant = /^\s*[=!<>&|]/.test(text.slice(first.problem.position ?? 0));
    throw meant || (thrown.problem.position ?? 0) >= (first.problem.position ?? 0) ? thrown : first;
  }
}

/** A query that must select something. Its filter, if it decides alone, is what the index and the explanation use. */
function existence(text: string, query: Query, pool: PathPool): Draft {
  const compiler = new JsonPathCompiler(pool, text, 0);
  const visit = compiler.query(query, () => true);
  const { steps, rest } = splitSingular(query.segments);
  const path = pool.at(steps);
  const [next, ...more] = rest;
  const filtered = next !== undefined && next.selectors.length === 1 && !isDescendant(next);
  // Filters are compiled from the last segment to the first.
  const filter =
    filtered && next.selectors[0] instanceof selectors.FilterSelector ? compiler.filters.at(-1) : undefined;
  const wanted = filter === undefined || more.length > 0 ? undefined : settled(filter);
  return leaf({
    text,
    test: (frame) => {
      const found = visit(frame);
      return frame.fuel < 0 ? TOO_COSTLY : found;
    },
    because: (frame, value) => {
      if (value === true) return rest.length === 0 ? `${path.name} is present` : `${text} selects something`;
      if (value === TOO_COSTLY) return TOO_COSTLY.reason;
      const above = path.read(frame);
      if (above === undefined) return `${path.name} is missing`;
      if (wanted === undefined) return `${text} selects nothing`;
      return `no element of ${path.name} qualifies${nearest(above, wanted, frame)}`;
    },
    needs: filter === undefined ? [[{ kind: "exists", path }]] : elementNeeds(filter, path),
  });
}

/** Some element must qualify; where the filter demands nothing that can be looked up, there must be elements at all. */
function elementNeeds(filter: Draft, path: Path): Needs {
  const needs = ofElements(filter.needs, path, "values");
  return needs.map((alternative) => (alternative.length > 0 ? alternative : [{ kind: "exists", path }]));
}

/** Why the first element does not qualify: `; the first: qty 4 is not > 10`. */
function nearest(value: unknown, filter: Clause, frame: Frame): string {
  if (typeof value !== "object" || value === null) return "; it is neither an array nor an object";
  const first = Array.isArray(value) ? value[0] : (value as Record<string, unknown>)[frame.keysOf(value)[0] ?? ""];
  if (first === undefined) return "; it is empty";
  const outer = frame.current;
  frame.current = first;
  const own = filter.test(frame);
  const why = own === true ? "" : `; the first: ${reason(filter, frame, own)}`;
  frame.current = outer;
  return why;
}
