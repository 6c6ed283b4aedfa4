import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";
import { defined } from "../../domain/defined.ts";
import { LongNumber, numericOf } from "../../domain/jsonNumber.ts";
import { Invalid } from "../invalid.ts";
import type { Ast, BinaryOperator, Macro } from "./ast.ts";
import { celLimits } from "./limits.ts";
import { type Source, sourceOf } from "./source.ts";

/** Its bounds are above ours, which are checked with a message that says where. */
const library = new Environment({
  limits: {
    maxAstNodes: celLimits.length,
    maxDepth: celLimits.length,
    maxListElements: celLimits.length,
    maxMapEntries: celLimits.length,
    maxCallArguments: celLimits.length,
  },
});

/** What other languages write. */
const SUGGESTIONS: ReadonlyMap<string, string> = new Map([
  ["and", "`&&`"],
  ["or", "`||`"],
  ["not", "`!`"],
  ["=", "`==`"],
  ["&", "`&&`"],
  ["|", "`||`"],
]);
const MACROS = new Set<string>(["all", "exists", "exists_one", "filter", "map"] satisfies Macro["macro"][]);
const MAX_INT = 2n ** 63n - 1n;

/**
 * Parses an expression by `@marcbachmann/cel-js`; `source.ts` says what it lacks. docs/decisions/cel.md
 * @throws Invalid with position, what was expected and a suggestion
 */
export function parseCel(text: string): Ast {
  if (text.length > celLimits.length) {
    throw new Invalid({
      message: `an expression has at most ${celLimits.length} characters`,
      position: celLimits.length,
    });
  }
  const source = sourceOf(text);
  let root: ASTNode;
  try {
    root = library.parse(source.text).ast;
  } catch (error) {
    if (error instanceof ParseError) throw refusal(error, source, text);
    throw error;
  }
  return new Reading(source).whole(root);
}

/** Turns the library's nodes into ours. Places are those of `source.text` until the end. */
class Reading {
  readonly #source: Source;
  #nodes = 0;
  #depth = 0;
  #comprehensions = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  whole(root: ASTNode): Ast {
    return this.#placed(this.#ast(root));
  }

  #invalid(message: string, place: number, more: { expected?: string; suggestion?: string } = {}): Invalid {
    return new Invalid({ message, position: this.#source.at(place), ...more });
  }

  /** An expression with the parentheses around it. */
  #ast(node: ASTNode): Ast {
    let ast = this.#bare(node);
    this.#nodes += 1;
    if (this.#nodes > celLimits.nodes) {
      throw this.#invalid(`an expression has at most ${celLimits.nodes} parts`, ast.start);
    }
    for (const { open, end, innerStart, innerEnd } of this.#source.groups) {
      if (innerStart === ast.start && innerEnd === ast.end) ast = { ...ast, start: open, end };
    }
    return ast;
  }

  #deeper(node: ASTNode, place: number): Ast {
    this.#depth += 1;
    if (this.#depth > celLimits.depth) {
      throw this.#invalid(`an expression is nested at most ${celLimits.depth} deep`, place);
    }
    const ast = this.#ast(node);
    this.#depth -= 1;
    return ast;
  }

  #bare(node: ASTNode): Ast {
    const { start, end } = node;
    switch (node.op) {
      case "value":
        return this.#literal(node.args as Literal, start, end);
      case "id":
        return { kind: "name", name: this.#named(node.args, start), start, end };
      case ".": {
        const of = this.#link(node.args[0]);
        return { kind: "select", of, field: this.#named(node.args[1], node.pos), start: of.start, end };
      }
      case "[]": {
        const of = this.#link(node.args[0]);
        return { kind: "index", of, at: this.#ast(node.args[1]), start: of.start, end };
      }
      case "call":
        return this.#call(undefined, this.#named(node.args[0], start), node.args[1], start, end);
      case "rcall": {
        const target = this.#link(node.args[1]);
        return this.#call(target, node.args[0], node.args[2], target.start, end);
      }
      case "list":
        return { kind: "list", items: this.#items(node.args), start, end };
      case "map":
        this.#bounded(node.args.map(([, value]) => value));
        return {
          kind: "map",
          entries: node.args.map(([key, value]) => [this.#ast(key), this.#ast(value)]),
          start,
          end,
        };
      case "!_": {
        const of = this.#deeper(node.args, start);
        return { kind: "not", of, start, end: of.end };
      }
      case "-_":
        return this.#minus(node.args, start);
      case "||":
      case "&&":
        return this.#logic(node.args, node.op);
      case "?:":
        return this.#choice(node.args);
      case ".?":
      case "[?]":
        throw this.#invalid("optional fields (`.?`) are not part of this language", start);
      default:
        return this.#binary(node.op, this.#ast(node.args[0]), this.#ast(node.args[1]));
    }
  }

  #named(name: string, place: number): string {
    return this.#source.names.get(place) ?? name;
  }

  #literal(value: Literal, start: number, end: number): Ast {
    if (typeof value === "bigint" && (value > MAX_INT || value < -MAX_INT - 1n)) {
      throw this.#invalid("the int does not fit in 64 bits", start, { suggestion: `\`${value}.0\`` });
    }
    if (typeof value === "number") {
      const text = this.#source.text.slice(start, end).replace(/^(-?)\s*0*(?=\d)/, "$1");
      const exact = numericOf(text);
      return { kind: "literal", value, exact: exact instanceof LongNumber ? exact : undefined, start, end };
    }
    const unsigned = typeof value === "object" && value !== null && !(value instanceof Uint8Array);
    // The library's class of unsigned ints.
    const known = unsigned ? { uint: value.valueOf() as bigint } : value;
    return { kind: "literal", value: known, exact: undefined, start, end };
  }

  #minus(of: ASTNode, start: number): Ast {
    const negative = of.op === "value" && (typeof of.args === "bigint" || typeof of.args === "number");
    if (negative && !this.#inParentheses(of)) return this.#literal(-(of.args as number), start, of.end);
    const operand = this.#deeper(of, start);
    return { kind: "minus", of: operand, start, end: operand.end };
  }

  #inParentheses({ start, end }: ASTNode): boolean {
    return this.#source.groups.some(({ innerStart, innerEnd }) => innerStart === start && innerEnd === end);
  }

  /** One more link of a chain such as `a.b[0].c`. */
  #link(node: ASTNode): Ast {
    let links = 0;
    for (let of = node; of.op === "." || of.op === "[]" || of.op === "rcall"; links += 1) {
      of = of.op === "rcall" ? of.args[1] : of.args[0];
      if (links >= celLimits.depth) throw this.#invalid(`a chain has at most ${celLimits.depth} links`, node.end);
    }
    return this.#ast(node);
  }

  /**
   * `==` and `<` are relations of one rank in CEL, grouped from the left; the library binds `<` closer, so that
   * `a == b < c` comes as `a == (b < c)`.
   */
  #binary(operator: BinaryOperator, left: Ast, right: Ast): Ast {
    const regrouped = (operator === "==" || operator === "!=") && right.kind === "binary";
    if (regrouped && RELATIONS.has(right.operator) && right.start === right.left.start) {
      return this.#binary(right.operator, this.#binary(operator, left, right.left), right.right);
    }
    return { kind: "binary", operator, left, right, start: left.start, end: right.end };
  }

  /** Operands of one operator in a row are parts of one expression. */
  #logic([first, last]: readonly ASTNode[], operator: "&&" | "||"): Ast {
    const left = this.#ast(first!);
    const right = this.#ast(last!);
    const one = left.kind === "logic" && left.operator === operator && left.start === left.parts[0]!.start;
    if (one) this.#nodes -= 1;
    const parts = one ? [...left.parts, right] : [left, right];
    return { kind: "logic", operator, parts, start: left.start, end: right.end };
  }

  #choice([condition, then, otherwise]: readonly ASTNode[]): Ast {
    const test = this.#ast(condition!);
    const yes = this.#ast(then!);
    const bare = yes.kind === "choice" && yes.start === yes.test.start;
    if (bare) throw this.#invalid("unexpected `?`", yes.test.end, { expected: "`:`" });
    const no = this.#deeper(otherwise!, otherwise!.start);
    return { kind: "choice", test, yes, no, start: test.start, end: no.end };
  }

  #items(nodes: readonly ASTNode[]): Ast[] {
    this.#bounded(nodes);
    return nodes.map((node) => this.#ast(node));
  }

  #bounded(nodes: readonly ASTNode[]): void {
    const over = nodes[celLimits.items];
    if (over !== undefined) throw this.#invalid(`a list has at most ${celLimits.items} items`, over.end);
  }

  #call(target: Ast | undefined, name: string, nodes: readonly ASTNode[], start: number, end: number): Ast {
    const macro = target !== undefined && MACROS.has(name);
    if (macro) this.#comprehensions += 1;
    if (this.#comprehensions > celLimits.comprehensions) {
      const place = nodes[0]?.start ?? end;
      throw this.#invalid(`comprehensions are nested at most ${celLimits.comprehensions} deep`, place);
    }
    const args = this.#items(nodes);
    if (macro) this.#comprehensions -= 1;
    if (target === undefined && name === "has") return this.#has(args, start, end);
    const [first, second, third] = args;
    const enough = args.length === 2 || (args.length === 3 && name === "map");
    if (!macro || first === undefined || second === undefined || !enough) {
      return { kind: "call", target, name, args, start, end };
    }
    if (first.kind !== "name") {
      throw this.#invalid(noVariable(name), first.start, { expected: "a name" });
    }
    const maps = name === "map";
    return {
      kind: "macro",
      macro: name as Macro["macro"],
      of: target,
      variable: first.name,
      test: maps && third === undefined ? undefined : second,
      make: maps ? (third ?? second) : undefined,
      start,
      end,
    };
  }

  #has(args: readonly Ast[], start: number, end: number): Ast {
    const [only] = args;
    if (args.length === 1 && only?.kind === "select") {
      return { kind: "has", of: only.of, field: only.field, start, end };
    }
    throw this.#invalid("has() takes one field, such as has(event.total)", only?.start ?? start, {
      expected: "a field",
    });
  }

  /** The same tree with places in the customer's text. */
  #placed<Node>(node: Node): Node {
    if (Array.isArray(node)) return node.map((each) => this.#placed(each)) as Node;
    if (typeof node !== "object" || node === null || node instanceof Uint8Array) return node;
    return Object.fromEntries(
      Object.entries(node).map(([name, value]) => [
        name,
        name === "start" || name === "end"
          ? this.#source.at(value as number)
          : name === "value" || name === "exact"
            ? value
            : this.#placed(value),
      ]),
    ) as Node;
  }
}

type Literal = string | number | bigint | boolean | null | Uint8Array | { valueOf(): unknown };

const RELATIONS = new Set<string>(["<", "<=", ">", ">=", "in"]);

const noVariable = (macro: string): string => `the first argument of ${macro}() is a variable name`;

/** What the library calls its tokens, as a reader knows them. */
const TOKENS: Readonly<Record<string, string>> = {
  RPAREN: "`)`",
  RBRACKET: "`]`",
  RBRACE: "`}`",
  COLON: "`:`",
  IDENTIFIER: "a field name",
};

/** Says what the library refuses in our words, with the place in the customer's text. */
function refusal(error: ParseError, source: Source, text: string): Invalid {
  const { start = 0, end = start } = error.range ?? {};
  const position = source.at(start);
  const word = text.slice(position, source.at(end));
  const told = error.summary ?? error.message;
  const invalid = (message: string, expected?: string) => {
    const suggestion = SUGGESTIONS.get(word.toLowerCase());
    return new Invalid({ message, position, ...defined({ expected, suggestion }) });
  };
  const unexpected = position >= text.length ? "the expression ends too early" : `unexpected \`${word}\``;
  switch (error.code) {
    case "expected_token": {
      const expected = /^Expected (\w+)/.exec(told)?.[1] ?? "";
      const optional = word === "?" && expected === "IDENTIFIER" ? optionalField(text, position) : undefined;
      return optional ?? invalid(unexpected, TOKENS[expected] ?? "another sign");
    }
    case "unexpected_token":
      if (word === "?" && /\[\s*$/.test(text.slice(0, position))) return optionalField(text, position);
      return invalid(unexpected, position >= text.length ? "a value" : "a value, a name or `(`");
    case "invalid_macro_argument":
      return invalid(noVariable(/(\w+)\s*\(\s*$/.exec(text.slice(0, position))?.[1] ?? "a macro"), "a name");
    case "reserved_identifier":
      return invalid(unexpected, "a value or a name");
    case "unexpected_character":
      // The library reports it for a character that can't begin a word, and for a word behind a complete expression.
      return word.length === 1 && told.endsWith(`: ${word}`)
        ? invalid(
            `unexpected character ${JSON.stringify(characterAt(text, position))}`,
            "an operator, a name or a literal",
          )
        : invalid(unexpected, "an operator or the end of the expression");
    case "invalid_integer":
    case "invalid_hex_integer":
      return invalid(`${word} does not fit in 64 bits`);
    case "bytes_unicode_escape":
      return invalid("\\u is not allowed in bytes", ESCAPE);
    case "invalid_unicode_surrogate":
      return invalid(`${word} is not a character`, ESCAPE);
    default:
      return error.code.includes("escape")
        ? invalid(`${word} is not an escape`, ESCAPE)
        : invalid(`${told.charAt(0).toLowerCase()}${told.slice(1)}`);
  }
}

const ESCAPE = "an escape such as \\n, \\\\ or \\u00e9";

const characterAt = (text: string, at: number): string => String.fromCodePoint(text.codePointAt(at) ?? 0);

/** `event.?a` is an extension of CEL that is left out here: a condition on a missing member fails to match anyway. */
function optionalField(text: string, position: number): Invalid {
  const names = /([A-Za-z_]\w*)\s*\.\s*\?\s*([A-Za-z_]\w*)/y;
  const from = /[A-Za-z_]\w*\s*\.\s*$/.exec(text.slice(0, position));
  names.lastIndex = from?.index ?? 0;
  const found = names.exec(text);
  return new Invalid({
    message: "optional fields (`.?`) are not part of this language",
    position,
    ...defined({ suggestion: found === null ? undefined : `\`has(${found[1]}.${found[2]})\`` }),
  });
}
