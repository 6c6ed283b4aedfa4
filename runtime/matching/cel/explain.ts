import { Fault, type Frame, type Truth } from "../frame.ts";
import { show } from "../text.ts";
import type { Ast } from "./ast.ts";
import { compile } from "./compile.ts";
import type { Scope } from "./compiled.ts";
import { MIRRORED } from "./lookups.ts";
import { parseCel } from "./parser.ts";
import { formatDuration, formatTimestamp } from "./time.ts";
import { Duration, Timestamp, TypeName, Uint, type Value } from "./values.ts";

/** Why a condition has its value, with the values met: `amount 40 is not > 100`. @param source the condition's text */
export function explain(source: string, scope: Scope, frame: Frame, value: Truth): string {
  const ast = parseCel(source);
  const text = source;
  if (value instanceof Fault)
    return value.kind === "missing" ? value.reason : `${text} can't be evaluated: ${value.reason}`;
  const is = value ? "is" : "is not";
  const told = (one: Ast) => describe(one, source, scope, frame);
  if (ast.kind === "binary") {
    const [first, sign, second] =
      ast.left.kind === "literal" && MIRRORED[ast.operator] !== undefined
        ? [ast.right, MIRRORED[ast.operator]!, ast.left]
        : [ast.left, ast.operator, ast.right];
    return `${told(first)} ${is} ${sign} ${second.kind === "list" ? source.slice(second.start, second.end) : told(second)}`;
  }
  if (ast.kind === "has") {
    const { path } = compile(ast.of, scope);
    return `${path?.child(ast.field).name ?? text} ${value ? "is present" : "is missing"}`;
  }
  if (ast.kind === "call" && ast.target !== undefined && ast.args.length === 1) {
    const verbs = VERBS[ast.name];
    if (verbs !== undefined) return `${told(ast.target)} ${verbs[value ? 0 : 1]} ${told(ast.args[0]!)}`;
  }
  if (ast.kind === "macro" && ast.test !== undefined) {
    const name = compile(ast.of, scope).path?.name ?? source.slice(ast.of.start, ast.of.end);
    const test = source.slice(ast.test.start, ast.test.end);
    const found = { exists: ["an element", "no element"], all: ["every element", "not every element"] }[
      ast.macro as string
    ];
    if (found !== undefined) return `${found[value ? 0 : 1]} of ${name} satisfies ${test}`;
  }
  if (ast.kind === "name" || ast.kind === "select" || ast.kind === "index")
    return `${compile(ast, scope).path?.name ?? text} is ${value}`;
  return `${text} is ${value}`;
}

const VERBS: Readonly<Record<string, readonly [string, string]>> = {
  startsWith: ["starts with", "does not start with"],
  endsWith: ["ends with", "does not end with"],
  contains: ["contains", "does not contain"],
  matches: ["matches", "does not match"],
};

/** An operand with its value: `amount 40`, or the value alone where the text is the value. */
function describe(ast: Ast, source: string, scope: Scope, frame: Frame): string {
  const { run, path, exact } = compile(ast, scope);
  const value = shown((exact?.run ?? run)(frame));
  return ast.kind === "literal" ? value : `${path?.name ?? source.slice(ast.start, ast.end)} ${value}`;
}

function shown(value: Value): string {
  if (value instanceof Fault) return `(${value.reason})`;
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof TypeName) return value.name;
  return value instanceof Uint8Array ? `${value.length} bytes` : show(value);
}
