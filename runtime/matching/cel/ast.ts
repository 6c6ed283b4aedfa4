import type { LongNumber } from "../../domain/jsonNumber.ts";

/** What a CEL expression parses to. Macros are nodes of their own, so that each can be compiled with its meaning. */
export type Ast = Place &
  (
    | { readonly kind: "literal"; readonly value: Literal; readonly exact: LongNumber | undefined }
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "select"; readonly of: Ast; readonly field: string }
    /** `has(of.field)` */
    | { readonly kind: "has"; readonly of: Ast; readonly field: string }
    | { readonly kind: "index"; readonly of: Ast; readonly at: Ast }
    | { readonly kind: "call"; readonly target: Ast | undefined; readonly name: string; readonly args: readonly Ast[] }
    | { readonly kind: "not"; readonly of: Ast }
    | { readonly kind: "minus"; readonly of: Ast }
    | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Ast; readonly right: Ast }
    | { readonly kind: "logic"; readonly operator: "&&" | "||"; readonly parts: readonly Ast[] }
    | { readonly kind: "choice"; readonly test: Ast; readonly yes: Ast; readonly no: Ast }
    | { readonly kind: "list"; readonly items: readonly Ast[] }
    | { readonly kind: "map"; readonly entries: readonly (readonly [key: Ast, value: Ast])[] }
    | Macro
  );

export interface Macro {
  readonly kind: "macro";
  readonly macro: "all" | "exists" | "exists_one" | "filter" | "map";
  readonly of: Ast;
  readonly variable: string;
  /** The predicate; for `map` the filter, where it has one. */
  readonly test: Ast | undefined;
  /** What `map` makes of each element. */
  readonly make: Ast | undefined;
}

export interface Place {
  /** Characters from the start of the text to the start and the end of this expression. */
  readonly start: number;
  readonly end: number;
}

export type BinaryOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "+" | "-" | "*" | "/" | "%";

export type Literal =
  | null
  | boolean
  | string
  | number
  /** An int. */
  | bigint
  | { readonly uint: bigint }
  | Uint8Array;

/** The expressions that an expression is made of. */
export function partsOf(ast: Ast): readonly Ast[] {
  switch (ast.kind) {
    case "literal":
    case "name":
      return [];
    case "select":
    case "has":
    case "not":
    case "minus":
      return [ast.of];
    case "index":
      return [ast.of, ast.at];
    case "call":
      return ast.target === undefined ? ast.args : [ast.target, ...ast.args];
    case "binary":
      return [ast.left, ast.right];
    case "logic":
      return ast.parts;
    case "choice":
      return [ast.test, ast.yes, ast.no];
    case "list":
      return ast.items;
    case "map":
      return ast.entries.flat();
    default:
      return [ast.of, ast.test, ast.make].filter((part) => part !== undefined);
  }
}
