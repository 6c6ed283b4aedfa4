/**
 * CloudWatch's metric math, as far as alarms here use it: arithmetic, and the functions below. Anything else is refused by name when an
 * alarm is created. Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
 */
import jsep, { type ArrayExpression, type BinaryExpression, type CallExpression, type Identifier } from "jsep";

/** One value a period, undefined where there is none; a number stands for itself in every period. */
export type Series = readonly (number | undefined)[];
type Value = number | Series | readonly Series[];

export interface Scope {
  /** The metric of this id. @throws Error when there is none */
  series(id: string): Series;
  /** Seconds of a period of this metric. */
  period(id: string): number;
  /** The service quota that AWS ties to this metric. @throws Error when none is known */
  quota(id: string): number;
}

const arithmetic: Readonly<Record<string, (a: number, b: number) => number | undefined>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  // CloudWatch leaves a gap at a division by zero.
  "/": (a, b) => (b === 0 ? undefined : a / b),
};

/** @throws Error naming what is not supported, or jsep's, with the position */
export function evaluateExpression(expression: string, scope: Scope): Series | number {
  const value = evaluate(jsep(expression), scope);
  if (isList(value)) throw new Error(`the expression "${expression}" gives several series, an alarm takes one`);
  return value;
}

const isList = (value: Value): value is readonly Series[] => Array.isArray(value) && Array.isArray(value[0]);
const isSeries = (value: Value): value is Series => Array.isArray(value) && !isList(value);

function evaluate(node: jsep.Expression, scope: Scope): Value {
  switch (node.type) {
    case "Literal":
      return Number(node.value);
    case "Identifier":
      return scope.series((node as Identifier).name);
    case "ArrayExpression":
      return (node as ArrayExpression).elements.map((element) => asSeries(evaluate(element!, scope), element!));
    case "BinaryExpression":
      return combine(node as BinaryExpression, scope);
    case "CallExpression":
      return call(node as CallExpression, scope);
    default:
      throw new Error(`the local CloudWatch does not support ${node.type} in an expression`);
  }
}

function asSeries(value: Value, node: jsep.Expression): Series {
  if (!isSeries(value)) throw new Error(`a list in an expression holds metrics, not ${node.type}`);
  return value;
}

function combine({ operator, left, right }: BinaryExpression, scope: Scope): Value {
  const apply = arithmetic[operator];
  if (apply === undefined) throw new Error(`the local CloudWatch does not support "${operator}" in an expression`);
  const a = evaluate(left, scope);
  const b = evaluate(right, scope);
  if (isList(a) || isList(b)) throw new Error(`"${operator}" takes single series, not lists`);
  if (typeof a === "number" && typeof b === "number") return apply(a, b) ?? Number.NaN;
  const length = typeof a === "number" ? (b as Series).length : a.length;
  return Array.from({ length }, (_, i) => {
    const x = typeof a === "number" ? a : a[i];
    const y = typeof b === "number" ? b : b[i];
    return x === undefined || y === undefined ? undefined : apply(x, y);
  });
}

const across =
  (fold: (values: readonly number[]) => number) =>
  (value: Value): Series => {
    const lists = isList(value) ? value : isSeries(value) ? [value] : [];
    return (lists[0] ?? []).map((_, i) => {
      const known = lists.map((series) => series[i]).filter((each) => each !== undefined);
      return known.length === 0 ? undefined : fold(known);
    });
  };

const folds: Readonly<Record<string, (value: Value) => Series>> = {
  MAX: across((values) => Math.max(...values)),
  MIN: across((values) => Math.min(...values)),
  SUM: across((values) => values.reduce((sum, value) => sum + value, 0)),
};

function call({ callee, arguments: given }: CallExpression, scope: Scope): Value {
  const { name } = callee as Identifier;
  const metric = () => {
    const [first] = given;
    if (first?.type !== "Identifier") throw new Error(`${name} takes the id of a metric`);
    return (first as Identifier).name;
  };
  if (name === "PERIOD") return scope.period(metric());
  if (name === "SERVICE_QUOTA") return scope.quota(metric());
  if (name === "FILL") {
    const [series, filler] = given.map((node) => evaluate(node, scope));
    if (series === undefined || !isSeries(series) || typeof filler !== "number")
      throw new Error("FILL takes a metric and a number");
    return series.map((value) => value ?? filler);
  }
  const fold = folds[name];
  if (fold === undefined) throw new Error(`the local CloudWatch has no function "${name}" in an expression`);
  return fold(evaluate(given[0]!, scope));
}
