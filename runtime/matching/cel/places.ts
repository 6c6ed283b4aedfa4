import { defined, mapDefined } from "../../domain/defined.ts";
import { Fault, type Frame, type Path, type PathPool } from "../frame.ts";
import type { Ast } from "./ast.ts";
import { type Compile, type Compiled, constant, derived, refuse, type Scope } from "./compiled.ts";
import { nearestName } from "./names.ts";
import { isMap, lookUp, select } from "./operators.ts";
import { parseTimestamp } from "./time.ts";
import { namedType, T, typeNames, Uint, type Value } from "./values.ts";

/** What an expression sees of an event (docs/matching.md). */
export function eventScope(pool: PathPool): Scope {
  let scope = scopes.get(pool);
  if (scope === undefined) {
    scope = madeScope(pool);
    scopes.set(pool, scope);
  }
  return scope;
}

/** What is the same for all selectors of a pool is made once. */
const scopes = new WeakMap<PathPool, Scope>();
const places = new WeakMap<Path, Compiled>();

function madeScope(pool: PathPool): Scope {
  const at = (path: Path, types: number): Compiled => ({ ...place(path), types });
  const received: Compiled = {
    run: (frame) => {
      frame.receivedAt ??= parseTimestamp(frame.event.received_at);
      return frame.receivedAt;
    },
    types: T.timestamp,
    reads: [],
    weight: 1,
  };
  const variables = new Map([
    ["event", at(pool.event, T.map)],
    ["event_type", at(pool.event_type, T.string | T.null)],
    ["event_id", at(pool.event_id, T.string)],
    ["received_at", received],
  ]);
  return { variables, depth: 0, strict: true };
}

function place(path: Path): Compiled {
  let known = places.get(path);
  if (known === undefined) {
    known = madePlace(path);
    places.set(path, known);
  }
  return known;
}

function madePlace(path: Path): Compiled {
  const missing = new Fault("missing", () => `${path.name} is missing`);
  return {
    run: (frame) => path.read(frame) ?? absent(path, frame, missing),
    types: T.json,
    path,
    reads: [path],
    weight: 1,
  };
}

/** `null` is a value in JSON, so `??` alone can't tell a missing member from it. */
const absent = (path: Path, frame: Frame, missing: Fault): Value => (path.read(frame) === null ? null : missing);

export function literal({ value, exact }: Extract<Ast, { kind: "literal" }>): Compiled {
  if (value === null) return constant(null, T.null);
  if (typeof value === "object" && "uint" in value) return constant(new Uint(value.uint), T.uint);
  const types = { boolean: T.bool, string: T.string, number: T.double, bigint: T.int, object: T.bytes };
  return {
    ...constant(value, types[typeof value as keyof typeof types]),
    ...defined({ exact: mapDefined(exact, (exact) => constant(exact, T.double)) }),
  };
}

export function name(ast: Extract<Ast, { kind: "name" }>, scope: Scope): Compiled {
  const variable = scope.variables.get(ast.name);
  if (variable !== undefined) return variable;
  const type = namedType(ast.name);
  if (type !== undefined) return constant(type, T.type);
  if (!scope.strict) return { ...constant(new Fault("missing", `there is no ${ast.name}`), T.any) };
  const near = nearestName(ast.name, scope.variables.keys()) ?? `event.${ast.name}`;
  throw refuse(ast, `there is no variable \`${ast.name}\``, `\`${near}\``);
}

/** A dotted name that is one name: a variable or a type such as `google.protobuf.Timestamp`. */
export function qualified(ast: Ast, scope: Scope): Compiled | undefined {
  const dotted = dottedName(ast);
  if (dotted === undefined) return undefined;
  const type = namedType(dotted);
  return scope.variables.get(dotted) ?? (type === undefined ? undefined : constant(type, T.type));
}

const dottedName = (ast: Ast): string | undefined => {
  if (ast.kind === "name") return ast.name;
  if (ast.kind !== "select") return undefined;
  const of = dottedName(ast.of);
  return of === undefined ? undefined : `${of}.${ast.field}`;
};

export function field(ast: Extract<Ast, { kind: "select" }>, scope: Scope, compile: Compile): Compiled {
  const of = compile(ast.of, scope);
  if ((of.types & T.map) === 0 && scope.strict)
    throw refuse(ast, `a ${typeNames(of.types)} has no field \`${ast.field}\``);
  if (of.path !== undefined) return place(of.path.child(ast.field));
  return derived([of], of.types === T.json ? T.json : T.any, ([value]) => select(value, ast.field));
}

export function has(ast: Extract<Ast, { kind: "has" }>, scope: Scope, compile: Compile): Compiled {
  const of = compile(ast.of, scope);
  if ((of.types & T.map) === 0 && scope.strict)
    throw refuse(ast, `a ${typeNames(of.types)} has no field \`${ast.field}\``);
  const test = ([value]: readonly Value[]) =>
    typeof value === "object" && value !== null && isMap(value) ? lookUp(value, ast.field) !== undefined : false;
  return derived([of], T.bool, test);
}

export function index(ast: Extract<Ast, { kind: "index" }>, scope: Scope, compile: Compile): Compiled {
  const of = compile(ast.of, scope);
  const at = compile(ast.at, scope);
  if ((of.types & (T.map | T.list)) === 0 && scope.strict)
    throw refuse(ast, `a ${typeNames(of.types)} can't be indexed`);
  if (typeof at.literal === "bigint" && at.literal < 0n && of.types === T.json && scope.strict)
    throw refuse(ast.at, "a list is indexed from 0");
  const step =
    typeof at.literal === "bigint" && at.literal >= 0n && at.literal <= 2n ** 31n ? Number(at.literal) : at.literal;
  if (
    of.path !== undefined &&
    (typeof step === "string" || (typeof at.literal === "bigint" && typeof step === "number"))
  ) {
    return place(of.path.child(step));
  }
  return derived([of, at], of.types === T.json ? T.json : T.any, ([value, key]) => select(value, key));
}
