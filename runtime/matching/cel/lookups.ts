import { defined, mapDefined } from "../../domain/defined.ts";
import { Path } from "../frame.ts";
import {
  comparisonNeeds,
  conjunction,
  disjunction,
  type Elements,
  type Need,
  type Needs,
  ofElements,
  type Scalar,
} from "../needs.ts";
import type { Ast, Macro } from "./ast.ts";
import { compile } from "./compile.ts";
import type { Compiled, Scope } from "./compiled.ts";
import { asDouble, isNumber, T, type Value } from "./values.ts";

/** What an expression being true, or being false, demands of the event. */
export interface BothNeeds {
  readonly needs: Needs;
  readonly needsFalse: Needs;
}

const INVERSE: Readonly<Record<string, string>> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<", "!=": "==" };
export const MIRRORED: Readonly<Record<string, string>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "==": "==",
  "!=": "!=",
};

export function needsOf(ast: Ast, scope: Scope): BothNeeds {
  if (ast.kind === "not") {
    const { needs, needsFalse } = needsOf(ast.of, scope);
    return { needs: needsFalse, needsFalse: needs };
  }
  if (ast.kind === "logic") {
    const parts = ast.parts.map((part) => needsOf(part, scope));
    const [all, any] = ast.operator === "&&" ? [conjunction, disjunction] : [disjunction, conjunction];
    return { needs: all(parts.map(({ needs }) => needs)), needsFalse: any(parts.map(({ needsFalse }) => needsFalse)) };
  }
  // It has a value only if everything that it reads is there.
  const { reads } = compile(ast, scope);
  const present: Needs = [reads.slice(0, 2).map((path): Need => ({ kind: "exists", path }))];
  return { needs: present, needsFalse: present, ...specific(ast, scope) };
}

/** The commonest shapes. */
function specific(ast: Ast, scope: Scope): Partial<BothNeeds> {
  if (ast.kind === "binary") return binary(ast.operator, compile(ast.left, scope), compile(ast.right, scope));
  if (ast.kind === "name" || ast.kind === "select" || ast.kind === "index") {
    const { path } = compile(ast, scope);
    if (path === undefined) return {};
    const equal = (value: boolean): Needs => [[{ kind: "equal", path, values: [value] }]];
    return { needs: equal(true), needsFalse: equal(false) };
  }
  if (ast.kind === "has") {
    const { path } = compile(ast.of, scope);
    return defined({ needs: mapDefined(path, (path) => [[{ kind: "exists", path: path.child(ast.field) }]] as Needs) });
  }
  if (ast.kind === "macro") return elements(ast, scope);
  if (ast.kind !== "call" || ast.target === undefined || ast.args.length !== 1) return {};
  const { path } = compile(ast.target, scope);
  const { literal: text } = compile(ast.args[0]!, scope);
  if (path === undefined || typeof text !== "string" || text === "") return {};
  if (ast.name === "startsWith") return { needs: [[{ kind: "prefix", path, text }]] };
  return ast.name === "endsWith" ? { needs: [[{ kind: "suffix", path, text }]] } : {};
}

function binary(operator: string, left: Compiled, right: Compiled): Partial<BothNeeds> {
  if (operator === "in") return membership(left, right);
  const forward = left.path !== undefined;
  const path = forward ? left.path : right.path;
  const value = scalar(forward ? right.literal : left.literal);
  const sign = forward ? operator : MIRRORED[operator];
  if (path === undefined || value === undefined || sign === undefined) return {};
  const needs = comparisonNeeds(path, sign, value);
  const inverse = INVERSE[sign];
  return {
    ...(sign === "!=" ? {} : { needs }),
    ...defined({ needsFalse: mapDefined(inverse, (inverse) => comparisonNeeds(path, inverse, value)) }),
  };
}

/** `event.status in ["a", "b"]`, and `"a" in event.tags`. */
function membership(left: Compiled, right: Compiled): Partial<BothNeeds> {
  const sought = scalar(left.literal);
  if (sought !== undefined && right.path !== undefined) {
    return { needs: [[{ kind: "equal", path: right.path, inner: { of: "keys", steps: [] }, values: [sought] }]] };
  }
  if (left.path === undefined || right.items === undefined) return {};
  const values = right.items.map((item) => scalar(item.literal));
  if (values.includes(undefined)) return {};
  return { needs: [[{ kind: "equal", path: left.path, values: [...new Set(values as Scalar[])] }]] };
}

const KEYS: Elements = "keys";

/** `event.lines.exists(l, …)`: some element must meet what the condition demands of its variable. */
function elements({ macro, of, variable, test }: Macro, scope: Scope): Partial<BothNeeds> {
  const { path } = compile(of, scope);
  if (macro !== "exists" || path === undefined || test === undefined) return {};
  const element: Compiled = { run: () => undefined, types: T.any, path: new Path("current"), reads: [], weight: 1 };
  const inner: Scope = { ...scope, variables: new Map(scope.variables).set(variable, element) };
  const needs = ofElements(needsOf(test, inner).needs, path, KEYS);
  return { needs: conjunction([needs, [[{ kind: "exists", path }]]]) };
}

function scalar(value: Value): Scalar | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  return isNumber(value) ? asDouble(value) : undefined;
}
