import { defined } from "../../domain/defined.ts";
import { Fault, type Frame, TOO_COSTLY } from "../frame.ts";
import type { Invalid } from "../invalid.ts";
import type { Ast, BinaryOperator } from "./ast.ts";
import { compileCall } from "./calls.ts";
import { type Compiled, condition, derived, refuse, type Scope } from "./compiled.ts";
import { compileMacro } from "./macros.ts";
import {
  adaptedTypes,
  adapting,
  isArithmetic,
  isOfEvent,
  mayBeOfEvent,
  negate,
  operations,
  resultTypes,
} from "./operators.ts";
import { field, has, index, literal, name, qualified } from "./places.ts";
import { CelMap, noOverload, normalKey, T, typeNames, type Value } from "./values.ts";

/** @throws Invalid with the position, when the expression can't succeed for any event */
export function compile(ast: Ast, scope: Scope): Compiled {
  switch (ast.kind) {
    case "literal":
      return literal(ast);
    case "name":
      return name(ast, scope);
    case "select":
      return qualified(ast, scope) ?? field(ast, scope, compile);
    case "has":
      return has(ast, scope, compile);
    case "index":
      return index(ast, scope, compile);
    case "call":
      return compileCall(ast, scope, compile);
    case "not":
      return not(ast, scope);
    case "minus": {
      const of = compile(ast.of, scope);
      const types = of.types & (T.int | T.double);
      if (types === 0 && scope.strict) throw refuse(ast, `there is no -${typeNames(of.types)}`);
      return derived([of], types === 0 ? T.any : types, ([value]) => negate(value));
    }
    case "binary":
      return binary(ast, scope);
    case "logic":
      return logic(ast, scope);
    case "choice":
      return choice(ast, scope);
    case "list":
      return list(ast.items.map((item) => compile(item, scope)));
    case "map":
      return map(ast, scope);
    default:
      return compileMacro(ast, scope, compile);
  }
}

function not(ast: Extract<Ast, { kind: "not" }>, scope: Scope): Compiled {
  const of = compile(ast.of, scope);
  if ((of.types & T.bool) === 0 && scope.strict) throw refuse(ast.of, `\`!\` takes a bool, not ${typeNames(of.types)}`);
  return derived([of], T.bool, ([value]) => (typeof value === "boolean" ? !value : noOverload("!", value)));
}

function list(items: readonly Compiled[]): Compiled {
  const made = derived(items, T.list, (values) => values);
  const exact = items.some((item) => item.exact) ? list(items.map((item) => item.exact ?? item)) : undefined;
  return { ...made, items, weight: made.weight + items.length, ...defined({ exact }) };
}

function binary(ast: Extract<Ast, { kind: "binary" }>, scope: Scope): Compiled {
  const { operator } = ast;
  const [first, second] = [compile(ast.left, scope), compile(ast.right, scope)];
  // A number of the event keeps all its digits, and so does a double that it is compared with.
  const compares = !isArithmetic(operator);
  const left = (compares && isOfEvent(second.types) && first.exact) || first;
  const right = (compares && isOfEvent(first.types) && second.exact) || second;
  const [leftOfEvent, rightOfEvent] = [mayBeOfEvent(left.types), mayBeOfEvent(right.types)];
  const mayAdapt = leftOfEvent || rightOfEvent;
  const types = (mayAdapt ? adaptedTypes : resultTypes)(operator, left.types, right.types);
  if (types === 0 && scope.strict) throw mismatch(ast, left, right);
  const known = types === 0 ? T.any : types;
  const operation = mayAdapt ? adapting(operator, leftOfEvent, rightOfEvent) : operations[operator];
  return (
    fastComparison(operator, left, right) ??
    derived([left, right], known, ([a, b], frame) => {
      const value = operation(a, b, frame);
      return frame.fuel < 0 ? TOO_COSTLY : value;
    })
  );
}

function mismatch(ast: Extract<Ast, { kind: "binary" }>, left: Compiled, right: Compiled): Invalid {
  const message = `there is no ${typeNames(left.types)} ${ast.operator} ${typeNames(right.types)}`;
  const whole = [left, right].find(({ types }) => types === T.int);
  const real = [left, right].some(({ types }) => (types & T.double) !== 0);
  if (whole === undefined || !real || ast.operator === "%") return refuse(ast, message);
  const suggestion = typeof whole.literal === "bigint" ? `\`${whole.literal}.0\`` : "`double(…)`";
  return refuse(ast, `${message}: a number of the event is a double`, suggestion);
}

/** Comparing a place with a number or a string is most of what selectors do. */
function fastComparison(operator: BinaryOperator, left: Compiled, right: Compiled): Compiled | undefined {
  const value =
    typeof right.literal === "bigint" && Number.isSafeInteger(Number(right.literal))
      ? Number(right.literal)
      : right.literal;
  const slow = operations[operator];
  const { literal } = right;
  const { run } = left;
  const rest = { types: T.bool, reads: left.reads, weight: 2 };
  const general = (a: Value, frame: Frame) => (a instanceof Fault ? a : slow(a, literal, frame));
  if (typeof value === "number" && right.literal !== undefined) {
    const compared = {
      "<": (a: number) => a < value,
      "<=": (a: number) => a <= value,
      ">": (a: number) => a > value,
      ">=": (a: number) => a >= value,
      "==": (a: number) => a === value,
      "!=": (a: number) => a !== value,
    }[operator as string];
    if (compared === undefined) return undefined;
    return {
      ...rest,
      run: (frame) => {
        const a = run(frame);
        return typeof a === "number" ? compared(a) : general(a, frame);
      },
    };
  }
  if (typeof value !== "string" || (operator !== "==" && operator !== "!=")) return undefined;
  const same = operator === "==";
  return {
    ...rest,
    run: (frame) => {
      const a = run(frame);
      return typeof a === "string" ? (a === value) === same : general(a, frame);
    },
  };
}

function logic(ast: Extract<Ast, { kind: "logic" }>, scope: Scope): Compiled {
  const parts = ast.parts.map((part) => condition(part, scope, compile));
  const runs = parts.map((part) => part.run);
  const absorbing = ast.operator === "||";
  return {
    run: (frame) => {
      let fault: Value;
      for (const run of runs) {
        const value = run(frame);
        if (value === absorbing) return absorbing;
        if (value !== !absorbing) fault ??= value instanceof Fault ? value : noOverload(ast.operator, value);
      }
      return fault ?? !absorbing;
    },
    types: T.bool,
    reads: [],
    weight: parts.reduce((sum, part) => sum + part.weight, 1),
  };
}

function choice(ast: Extract<Ast, { kind: "choice" }>, scope: Scope): Compiled {
  const test = condition(ast.test, scope, compile);
  const yes = compile(ast.yes, scope);
  const no = compile(ast.no, scope);
  return {
    run: (frame) => {
      const value = test.run(frame);
      if (typeof value === "boolean") return value ? yes.run(frame) : no.run(frame);
      return value instanceof Fault ? value : noOverload("?", value);
    },
    types: yes.types | no.types,
    reads: test.reads,
    weight: 1 + test.weight + yes.weight + no.weight,
  };
}

function map(ast: Extract<Ast, { kind: "map" }>, scope: Scope): Compiled {
  const operands = ast.entries.flat().map((one) => compile(one, scope));
  const built = derived(operands, T.map, (values) => {
    const made = new CelMap();
    for (let i = 0; i < values.length; i += 2) {
      const key = typeof values[i] === "number" ? undefined : normalKey(values[i]);
      if (key === undefined) return new Fault("type", "a map's key is a string, int, uint or bool");
      if (made.entries.has(key)) return new Fault("value", "a key of the map is repeated");
      made.entries.set(key, [values[i], values[i + 1]]);
    }
    return made;
  });
  return { ...built, weight: built.weight + 16 * operands.length };
}
