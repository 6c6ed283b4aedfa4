import { Fault } from "../frame.ts";
import type { Ast } from "./ast.ts";
import { type Compile, type Compiled, constant, derived, refuse, type Scope } from "./compiled.ts";
import type { Fn } from "./fn.ts";
import { globalFunctions, matchesFixed, methods } from "./functions.ts";
import { nearestName } from "./names.ts";
import { timeField, timeFields } from "./time.ts";
import { T, Timestamp, typeNames } from "./values.ts";

/** A function call or a method call, with its overloads checked as far as types are known. */
export function compileCall(ast: Extract<Ast, { kind: "call" }>, scope: Scope, compile: Compile): Compiled {
  const table = ast.target === undefined ? globalFunctions : methods;
  const fn: Fn | undefined = Object.hasOwn(table, ast.name) ? table[ast.name] : undefined;
  if (fn === undefined) return unknownCall(ast, scope);
  const operands = [...(ast.target === undefined ? [] : [ast.target]), ...ast.args].map((one) => compile(one, scope));
  const least = fn.accepts.length - (fn.optional ?? 0);
  if (operands.length < least || operands.length > fn.accepts.length) {
    const own = ast.target === undefined ? 0 : 1;
    if (!scope.strict) return constant(new Fault("type", `${ast.name}() has no such form`), T.any);
    throw refuse(
      ast,
      `${ast.name}() takes ${least - own}${fn.optional === undefined ? "" : ` to ${fn.accepts.length - own}`} arguments`,
    );
  }
  const wrong = operands.findIndex((operand, i) => (operand.types & fn.accepts[i]!) === 0);
  if (wrong >= 0 && scope.strict) {
    const what = ast.target !== undefined && wrong === 0 ? "works on" : "takes";
    throw refuse(
      ast,
      `${ast.name}() ${what} ${typeNames(fn.accepts[wrong]!)}, not ${typeNames(operands[wrong]!.types)}`,
    );
  }
  /** Of `matches()`; a time's zone of what reads its fields. */
  const pattern = operands[1]?.literal;
  if (ast.name === "matches" && typeof pattern === "string") {
    const fixed = matchesFixed(pattern);
    if (typeof fixed !== "string") return derived([operands[0]!], T.bool, ([text], frame) => fixed(text, frame));
    if (scope.strict) throw refuse(ast.args.at(-1)!, fixed);
  }
  if (timeFields.includes(ast.name) && typeof pattern === "string" && scope.strict) {
    const there = timeField(ast.name, new Timestamp(0n), pattern);
    if (there instanceof Fault) throw refuse(ast.args.at(-1)!, there.reason);
  }
  return derived(operands, fn.returns, fn.run);
}

function unknownCall(ast: Extract<Ast, { kind: "call" }>, scope: Scope): Compiled {
  if (!scope.strict) return constant(new Fault("type", `there is no function ${ast.name}()`), T.any);
  const [table, other] = ast.target === undefined ? [globalFunctions, methods] : [methods, globalFunctions];
  const known = [
    ...Object.keys(table),
    ...(ast.target === undefined ? ["has"] : ["all", "exists", "exists_one", "filter", "map"]),
  ];
  const near = nearestName(ast.name, known);
  const turned = Object.hasOwn(other, ast.name)
    ? ast.target === undefined
      ? `value.${ast.name}(…)`
      : `${ast.name}(…)`
    : undefined;
  const suggestion = turned ?? (near === undefined ? undefined : `${near}()`);
  const kind = ast.target === undefined ? "function" : "method";
  throw refuse(
    ast,
    `there is no ${kind} \`${ast.name}()\``,
    suggestion === undefined ? undefined : `\`${suggestion}\``,
  );
}
