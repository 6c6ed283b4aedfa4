import type { JSONPathQuery } from "json-p3";
import { defined, mapDefined } from "../../domain/defined.ts";
import { LongNumber } from "../../domain/jsonNumber.ts";
import { and, type Draft, leaf, not, or } from "../clause.ts";
import { type Frame, type Path, type PathPool, TOO_COSTLY } from "../frame.ts";
import { Invalid } from "../invalid.ts";
import { compareJson } from "../json.ts";
import { comparisonNeeds, type Needs, type Scalar } from "../needs.ts";
import { compileRegex, fromIRegexp, type Regex, regexOf } from "../regex.ts";
import { characters, show } from "../text.ts";
import { type Expression, expressions, isDescendant, pathLimits, returnsValue, type Segments } from "./parse.ts";
import { compileSegments, splitSingular, visitBelow } from "./query.ts";

/** What a filter compares: a value, or `undefined` for Nothing. */
interface Operand {
  readonly text: string;
  value(frame: Frame): unknown;
  readonly path?: Path;
  readonly literal?: Scalar | LongNumber;
}

/** Compiles logical expressions and queries of one selector against a pool of paths, and counts against its bounds. */
export class JsonPathCompiler {
  readonly #pool: PathPool;
  readonly #text: string;
  /** Characters that the parser put before the text. */
  readonly #offset: number;
  /** The outermost filters compiled so far, the last segment's first. */
  readonly filters: Draft[] = [];
  #tests = 0;
  #depth = 0;

  constructor(pool: PathPool, text: string, offset: number) {
    this.#pool = pool;
    this.#text = text;
    this.#offset = offset;
  }

  /** @throws Invalid when a bound is passed or a regular expression is not one */
  logical(expression: Expression): Draft {
    const text = expression.toString();
    if (expression instanceof expressions.LogicalExpression) return this.logical(expression.expression);
    if (expression instanceof expressions.PrefixExpression) return not(text, this.logical(expression.right));
    if (expression instanceof expressions.InfixExpression) {
      const { operator } = expression;
      if (operator === "&&" || operator === "||") {
        const parts = this.#joined(expression, operator).map((part) => this.logical(part));
        return (operator === "&&" ? and : or)(text.slice(1, -1), parts);
      }
      const written = `${expression.left.toString()} ${operator} ${expression.right.toString()}`;
      return this.#comparison(written, this.#operand(expression.left), operator, this.#operand(expression.right));
    }
    this.#count(expression);
    if (expression instanceof expressions.FilterQuery) return this.#existence(expression);
    if (expression instanceof expressions.FunctionExtension) return this.#matching(expression);
    throw new Invalid({ message: `\`${text}\` is not a condition`, position: this.#at(expression) });
  }

  /** Visits the values that a query selects; `last` says whether to stop. */
  query(
    query: JSONPathQuery,
    last: (value: unknown, frame: Frame) => boolean,
    relative = false,
  ): (frame: Frame) => boolean {
    this.#bound(query.segments);
    if (relative) {
      const visit = this.#segments(query.segments, last);
      return (frame) => visit(frame.current, frame);
    }
    const { steps, rest } = splitSingular(query.segments);
    return visitBelow(this.#pool.at(steps), this.#segments(rest, last));
  }

  #segments(segments: Segments, last: (value: unknown, frame: Frame) => boolean) {
    return compileSegments(
      segments,
      (selector) => {
        this.#depth += 1;
        if (this.#depth > pathLimits.filterDepth) {
          throw new Invalid({
            message: `filters can be nested ${pathLimits.filterDepth} deep`,
            position: this.#at(selector),
          });
        }
        const clause = this.logical(selector.expression);
        this.#depth -= 1;
        if (this.#depth === 0) this.filters.push(clause);
        return clause;
      },
      last,
    );
  }

  #bound(segments: Segments): void {
    if (segments.filter(isDescendant).length > pathLimits.descendants) {
      throw new Invalid({
        message: `a path has at most ${pathLimits.descendants} descendant segments (\`..\`)`,
        position: 0,
      });
    }
  }

  #count(expression: Expression): void {
    this.#tests += 1;
    if (this.#tests <= pathLimits.tests) return;
    throw new Invalid({
      message: `an expression has at most ${pathLimits.tests} tests`,
      position: this.#at(expression),
    });
  }

  #at({ token }: { readonly token: { readonly index: number } }): number {
    return Math.min(this.#text.length, Math.max(0, token.index - this.#offset));
  }

  #joined(expression: Expression, operator: string): Expression[] {
    if (!(expression instanceof expressions.InfixExpression) || expression.operator !== operator) return [expression];
    return [...this.#joined(expression.left, operator), ...this.#joined(expression.right, operator)];
  }

  #operand(expression: Expression): Operand {
    this.#count(expression);
    if (expression instanceof expressions.NullLiteral) return { text: "null", value: () => null, literal: null };
    if (
      expression instanceof expressions.StringLiteral ||
      expression instanceof expressions.NumberLiteral ||
      expression instanceof expressions.BooleanLiteral
    ) {
      const literal = expression.value;
      return { text: JSON.stringify(literal), value: () => literal, literal };
    }
    if (expression instanceof expressions.RootQuery && expression.path.singularQuery()) {
      const path = this.#pool.at(splitSingular(expression.path.segments).steps);
      return { text: path.name, value: (frame) => path.read(frame), path };
    }
    if (expression instanceof expressions.FilterQuery) {
      const nodes = this.#nodes(expression);
      return { text: relativeName(expression), value: (frame) => nodes(frame)[0], path: this.#placeOf(expression) };
    }
    if (expression instanceof expressions.FunctionExtension) return this.#function(expression);
    throw new Invalid({ message: `\`${expression.toString()}\` can't be compared`, position: this.#at(expression) });
  }

  /** The values a query inside an expression selects. */
  #nodes(expression: InstanceType<typeof expressions.FilterQuery>): (frame: Frame) => unknown[] {
    const collect = (value: unknown, frame: Frame) => {
      frame.found.push(value);
      return false;
    };
    const visit = this.query(expression.path, collect, expression instanceof expressions.RelativeQuery);
    return (frame) => {
      const outer = frame.found;
      frame.found = [];
      visit(frame);
      const { found } = frame;
      frame.found = outer;
      return found;
    };
  }

  /** The place that must exist for a query to select anything: its leading names and indexes. */
  #placeOf(expression: InstanceType<typeof expressions.FilterQuery>): Path {
    const { steps } = splitSingular(expression.path.segments);
    // Outside of any filter `@` is the payload, as `$` is.
    const root =
      expression instanceof expressions.RootQuery || this.#depth === 0 ? this.#pool.event : this.#pool.current;
    return steps.reduce((path: Path, step) => path.child(step), root);
  }

  #existence(expression: InstanceType<typeof expressions.FilterQuery>): Draft {
    const visit = this.query(expression.path, () => true, expression instanceof expressions.RelativeQuery);
    const path = this.#placeOf(expression);
    const name = relativeName(expression);
    return leaf({
      text: expression.toString(),
      test: (frame) => {
        const found = visit(frame);
        return frame.fuel < 0 ? TOO_COSTLY : found;
      },
      because: (_frame, value) => (value === true ? `${name} is present` : `${name} is missing`),
      needs: [[{ kind: "exists", path }]],
    });
  }

  #comparison(text: string, left: Operand, operator: string, right: Operand): Draft {
    const compared = comparedPath(left, operator, right);
    const { value: a } = left;
    const { value: b } = right;
    return leaf({
      text,
      test: (frame) => {
        const holds = compareJson(operator, a(frame), b(frame), frame);
        return frame.fuel < 0 ? TOO_COSTLY : holds;
      },
      because: (frame, holds) => because(left, operator, right, frame, holds === true),
      ...compared,
    });
  }

  #function(expression: InstanceType<typeof expressions.FunctionExtension>): Operand {
    const text = expression.toString();
    const [argument] = expression.args;
    if (expression.name === "length" && argument !== undefined) {
      const { value } = this.#operand(argument);
      return { text, value: (frame) => lengthOf(value(frame), frame) };
    }
    if (!(argument instanceof expressions.FilterQuery) || !returnsValue(expression.name)) {
      throw new Invalid({ message: `\`${text}\` has no value to compare`, position: this.#at(expression) });
    }
    const nodes = this.#nodes(argument);
    if (expression.name === "count") return { text, value: (frame) => nodes(frame).length };
    return {
      text,
      value: (frame) => {
        const found = nodes(frame);
        return found.length === 1 ? found[0] : undefined;
      },
    };
  }

  /** `match()` and `search()`. */
  #matching(expression: InstanceType<typeof expressions.FunctionExtension>): Draft {
    const whole = expression.name === "match";
    const [subject, pattern] = expression.args.map((argument) => this.#operand(argument));
    if (subject === undefined || pattern === undefined || (!whole && expression.name !== "search")) {
      throw new Invalid({ message: `\`${expression.toString()}\` is not a condition`, position: this.#at(expression) });
    }
    let fixed: Regex | undefined;
    if (typeof pattern.literal === "string") {
      const made = compileRegex(fromIRegexp(pattern.literal));
      if (typeof made === "string") throw new Invalid({ message: made, position: this.#at(expression.args[1]!) });
      fixed = made;
    }
    return leaf({
      text: expression.toString(),
      test: (frame) => {
        const text = subject.value(frame);
        const source = pattern.value(frame);
        if (typeof text !== "string" || typeof source !== "string") return false;
        const regex = fixed ?? regexOf(source, frame, fromIRegexp);
        return "test" in Object(regex)
          ? (regex as Regex).test(text, whole, frame)
          : typeof regex === "string"
            ? false
            : TOO_COSTLY;
      },
      because: (frame, value) => {
        const verb = `${value === true ? "matches" : "does not match"} ${show(pattern.value(frame))}`;
        return `${subject.text} ${shown(subject.value(frame))} ${verb}`;
      },
      ...defined({ needs: mapDefined(subject.path, (path) => [[{ kind: "exists", path }]] as Needs) }),
    });
  }
}

const shown = (value: unknown): string => (value === undefined ? "(missing)" : show(value));

const relativeName = (expression: InstanceType<typeof expressions.FilterQuery>): string => {
  const { steps, rest } = splitSingular(expression.path.segments);
  const text = expression.toString();
  if (rest.length > 0 || steps.length === 0) return text;
  return steps.map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`)).join("");
};

function lengthOf(value: unknown, frame: Frame): number | undefined {
  if (typeof value === "string") return characters(value, frame);
  if (Array.isArray(value)) return value.length;
  return typeof value === "object" && value !== null && !(value instanceof LongNumber)
    ? frame.keysOf(value).length
    : undefined;
}

const MIRRORED: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

/** What a comparison of a path with a literal demands, whichever way round it is written. */
function comparedPath(left: Operand, operator: string, right: Operand): { needs?: Needs; needsFalse?: Needs } {
  const forward = left.path !== undefined && right.literal !== undefined;
  const path = forward ? left.path : right.path;
  const written = forward ? right.literal : left.literal;
  if (path === undefined || written === undefined) return {};
  // The index looks for the nearest double.
  const literal = written instanceof LongNumber ? written.double : written;
  const needs = comparisonNeeds(path, forward ? operator : (MIRRORED[operator] ?? operator), literal);
  return operator === "!=" ? { needsFalse: comparisonNeeds(path, "==", literal) } : { needs };
}

/** `amount 40 is not > 100` */
function because(left: Operand, operator: string, right: Operand, frame: Frame, holds: boolean): string {
  const [a, b] = [left.value(frame), right.value(frame)];
  const first = left.literal === undefined ? left : right;
  const second = first === left ? right : left;
  const sign = first === left ? operator : (MIRRORED[operator] ?? operator);
  const [x, y] = first === left ? [a, b] : [b, a];
  const other = second.literal === undefined ? `${second.text} ${shown(y)}` : show(y);
  if (x === undefined && second.literal !== undefined && !holds)
    return `${first.text} is missing, so it is not ${sign} ${other}`;
  return `${first.text} ${shown(x)} is ${holds ? "" : "not "}${sign} ${other}`;
}
