import { defined } from "../../domain/defined.ts";
import { Fault, type Frame, type Path } from "../frame.ts";
import { Invalid } from "../invalid.ts";
import type { Ast } from "./ast.ts";
import { T, typeNames, type Value } from "./values.ts";

/** An expression as a closure, with the facts that are known before an event. */
export interface Compiled {
  run(frame: Frame): Value;
  /** What it may come to, a set of `T`. */
  readonly types: number;
  /** Set when it is a place in the event. */
  readonly path?: Path;
  readonly literal?: Value;
  /** Set for a double with more digits than a double keeps, and for a list with such: with all digits. */
  readonly exact?: Compiled;
  /** Set when it is a list written in the expression. */
  readonly items?: readonly Compiled[];
  /** Places that must exist, or there is no value. */
  readonly reads: readonly Path[];
  /** Parts, its own and its operands': about 20 ns of work each. */
  readonly weight: number;
}

export interface Scope {
  readonly variables: ReadonlyMap<string, Compiled>;
  /** Comprehension variables in force. */
  readonly depth: number;
  /** Refuse what can't succeed for any event; off only where a test asks for unchecked evaluation. */
  readonly strict: boolean;
}

export const constant = (literal: Value, types: number): Compiled => ({
  run: () => literal,
  types,
  literal,
  reads: [],
  weight: 1,
});

/** Compiles an operand. It is handed to the parts of the compiler, which so need not import the whole. */
export type Compile = (ast: Ast, scope: Scope) => Compiled;

export const refuse = (ast: Ast, message: string, suggestion?: string): Invalid =>
  new Invalid({ message, position: ast.start, ...defined({ suggestion }) });

/** A strict operation: it has a value only where all its operands have. */
export function derived(
  operands: readonly Compiled[],
  types: number,
  run: (values: readonly Value[], frame: Frame) => Value,
): Compiled {
  const runs = operands.map((operand) => operand.run);
  return {
    run: (frame) => {
      const values: Value[] = [];
      for (const one of runs) {
        const value = one(frame);
        if (value instanceof Fault) return value;
        values.push(value);
      }
      return run(values, frame);
    },
    types,
    reads: operands.flatMap((operand) => operand.reads),
    weight: operands.reduce((sum, operand) => sum + operand.weight, 1),
  };
}

/** An expression where a bool must stand. */
export function condition(ast: Ast, scope: Scope, compile: Compile): Compiled {
  const compiled = compile(ast, scope);
  if ((compiled.types & T.bool) === 0 && scope.strict)
    throw refuse(ast, `a bool must stand here, not ${typeNames(compiled.types)}`);
  return compiled;
}
