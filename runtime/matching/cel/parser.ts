import { defined } from "../../domain/defined.ts";
import { Invalid } from "../invalid.ts";
import type { Ast, BinaryOperator, Macro } from "./ast.ts";
import { type Token, tokenize } from "./lexer.ts";
import { celLimits } from "./limits.ts";

const RESERVED = new Set(
  "as break const continue else false for function if import in let loop null package namespace return true var void while".split(
    " ",
  ),
);
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);
/** What other languages write in words. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["and", "`&&`"],
  ["or", "`||`"],
  ["not", "`!`"],
]);
const MACROS = new Set<string>(["all", "exists", "exists_one", "filter", "map"] satisfies Macro["macro"][]);
const RELATIONS = new Set(["==", "!=", "<", "<=", ">", ">=", "in"]);
const MAX_INT = 2n ** 63n - 1n;

/** A recursive-descent parser of CEL's grammar. @throws Invalid with position, what was expected and a suggestion */
export function parseCel(text: string): Ast {
  if (text.length > celLimits.length) {
    throw new Invalid({
      message: `an expression has at most ${celLimits.length} characters`,
      position: celLimits.length,
    });
  }
  return new Parser(tokenize(text)).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #nodes = 0;
  #comprehensions = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Ast {
    const ast = this.#expression();
    const { kind } = this.#next;
    if (kind !== "end") throw this.#unexpected("an operator or the end of the expression");
    return ast;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(): Token {
    const token = this.#next;
    if (token.kind !== "end") this.#at += 1;
    return token;
  }

  #is(sign: string): boolean {
    return this.#next.text === sign && (this.#next.kind === "sign" || sign === "in");
  }

  #accept(sign: string): boolean {
    const found = this.#is(sign);
    if (found) this.#at += 1;
    return found;
  }

  #expect(sign: string): Token {
    if (!this.#is(sign)) throw this.#unexpected(`\`${sign}\``);
    return this.#take();
  }

  #unexpected(expected: string): Invalid {
    const { kind, text, start } = this.#next;
    const message = kind === "end" ? "the expression ends too early" : `unexpected \`${text}\``;
    const suggestion = WORDS.get(text.toLowerCase());
    return new Invalid({ message, position: start, expected, ...defined({ suggestion }) });
  }

  /** `event.?a` and `event[?"a"]` are an extension of CEL that we have not: what is missing is no match anyway. */
  #optional(of: Ast): Invalid {
    const next = this.#tokens[this.#at + 1];
    return new Invalid({
      message: "optional fields (`.?`) are not part of this language",
      position: this.#next.start,
      ...(next?.kind === "name" && of.kind === "name" ? { suggestion: `\`has(${of.name}.${next.text})\`` } : {}),
    });
  }

  #made<T extends Ast>(ast: T): T {
    this.#nodes += 1;
    if (this.#nodes > celLimits.nodes) {
      throw new Invalid({ message: `an expression has at most ${celLimits.nodes} parts`, position: ast.start });
    }
    return ast;
  }

  #deeper<T>(work: () => T): T {
    this.#depth += 1;
    if (this.#depth > celLimits.depth) {
      throw new Invalid({
        message: `an expression is nested at most ${celLimits.depth} deep`,
        position: this.#next.start,
      });
    }
    const result = work();
    this.#depth -= 1;
    return result;
  }

  #expression(): Ast {
    return this.#deeper(() => {
      const test = this.#logic("||");
      if (!this.#accept("?")) return test;
      const yes = this.#logic("||");
      this.#expect(":");
      const no = this.#expression();
      return this.#made({ kind: "choice", test, yes, no, start: test.start, end: no.end });
    });
  }

  #logic(operator: "&&" | "||"): Ast {
    const operand = () => (operator === "||" ? this.#logic("&&") : this.#relation());
    const parts = [operand()];
    while (this.#accept(operator)) parts.push(operand());
    if (parts.length === 1) return parts[0]!;
    return this.#made({ kind: "logic", operator, parts, start: parts[0]!.start, end: parts.at(-1)!.end });
  }

  #relation(): Ast {
    let left = this.#sum();
    while (RELATIONS.has(this.#next.text) && (this.#next.kind === "sign" || this.#next.text === "in")) {
      left = this.#binary(left, () => this.#sum());
    }
    return left;
  }

  #sum(): Ast {
    let left = this.#product();
    while (this.#is("+") || this.#is("-")) left = this.#binary(left, () => this.#product());
    return left;
  }

  #product(): Ast {
    let left = this.#unary();
    while (this.#is("*") || this.#is("/") || this.#is("%")) left = this.#binary(left, () => this.#unary());
    return left;
  }

  #binary(left: Ast, operand: () => Ast): Ast {
    const operator = this.#take().text as BinaryOperator;
    const right = operand();
    return this.#made({ kind: "binary", operator, left, right, start: left.start, end: right.end });
  }

  #unary(): Ast {
    const { start } = this.#next;
    if (this.#accept("!")) {
      const of = this.#deeper(() => this.#unary());
      return this.#made({ kind: "not", of, start, end: of.end });
    }
    if (this.#is("-")) {
      this.#take();
      const { kind, value, end } = this.#next;
      if (kind === "int" || kind === "double") {
        this.#take();
        const negative = kind === "int" ? -(value as bigint) : -(value as number);
        return this.#members(this.#int(this.#made({ kind: "literal", value: negative, start, end })));
      }
      const of = this.#deeper(() => this.#unary());
      return this.#made({ kind: "minus", of, start, end: of.end });
    }
    return this.#members(this.#primary());
  }

  #int<T extends Ast>(ast: T): T {
    if (ast.kind === "literal" && typeof ast.value === "bigint" && (ast.value > MAX_INT || ast.value < -MAX_INT - 1n)) {
      throw new Invalid({
        message: "the int does not fit in 64 bits",
        position: ast.start,
        suggestion: "a uint (`u`) or a double",
      });
    }
    return ast;
  }

  #members(primary: Ast): Ast {
    let of = primary;
    for (let links = 0; ; links += 1) {
      if (links > celLimits.depth) {
        throw new Invalid({ message: `a chain has at most ${celLimits.depth} links`, position: this.#next.start });
      }
      const { start } = of;
      if (this.#accept(".")) {
        if (this.#is("?")) throw this.#optional(of);
        const token = this.#take();
        if (token.kind !== "name" && token.kind !== "quoted") {
          this.#at -= token.kind === "end" ? 0 : 1;
          throw this.#unexpected("a field name");
        }
        const name = String(token.value);
        if (token.kind === "name" && this.#is("(")) of = this.#call(of, name, start);
        else of = this.#made({ kind: "select", of, field: name, start, end: token.end });
      } else if (this.#accept("[")) {
        if (this.#is("?")) throw this.#optional(of);
        const at = this.#expression();
        of = this.#made({ kind: "index", of, at, start, end: this.#expect("]").end });
      } else return of;
    }
  }

  #call(target: Ast | undefined, name: string, start: number): Ast {
    this.#expect("(");
    const variable = this.#next;
    const macro = target !== undefined && MACROS.has(name);
    if (macro) this.#comprehensions += 1;
    if (this.#comprehensions > celLimits.comprehensions) {
      throw new Invalid({
        message: `comprehensions are nested at most ${celLimits.comprehensions} deep`,
        position: variable.start,
      });
    }
    const args = this.#list(")", () => this.#expression());
    if (macro) this.#comprehensions -= 1;
    const { end } = this.#expect(")");
    if (target === undefined && name === "has") return this.#has(args, start, end);
    const [first, second, third] = args;
    const enough = args.length === 2 || (args.length === 3 && name === "map");
    if (!macro || first === undefined || second === undefined || !enough) {
      return this.#made({ kind: "call", target, name, args, start, end });
    }
    if (first.kind !== "name") {
      throw new Invalid({
        message: `the first argument of ${name}() is a variable name`,
        position: first.start,
        expected: "a name",
      });
    }
    const maps = name === "map";
    return this.#made({
      kind: "macro",
      macro: name as Macro["macro"],
      of: target!,
      variable: first.name,
      test: maps && third === undefined ? undefined : second,
      make: maps ? (third ?? second) : undefined,
      start,
      end,
    });
  }

  #has(args: readonly Ast[], start: number, end: number): Ast {
    const [only] = args;
    if (args.length === 1 && only?.kind === "select") {
      return this.#made({ kind: "has", of: only.of, field: only.field, start, end });
    }
    throw new Invalid({
      message: "has() takes one field, such as has(event.total)",
      position: only?.start ?? start,
      expected: "a field",
    });
  }

  #list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.#is(close)) {
      items.push(item());
      if (items.length > celLimits.items) {
        throw new Invalid({ message: `a list has at most ${celLimits.items} items`, position: this.#next.start });
      }
      if (!this.#accept(",")) break;
    }
    return items;
  }

  #primary(): Ast {
    const token = this.#next;
    const { kind, text, value, start, end } = token;
    if (kind === "string" || kind === "bytes" || kind === "int" || kind === "double") {
      this.#take();
      return this.#int(
        this.#made({ kind: "literal", value: value as string | Uint8Array | bigint | number, start, end }),
      );
    }
    if (kind === "uint") {
      this.#take();
      return this.#made({ kind: "literal", value: { uint: value as bigint }, start, end });
    }
    if (kind === "name") return this.#name(token);
    if (this.#accept(".")) return this.#name(this.#next);
    if (this.#accept("(")) {
      const inner = this.#expression();
      return { ...inner, start, end: this.#expect(")").end };
    }
    if (this.#accept("[")) {
      const items = this.#list("]", () => this.#expression());
      return this.#made({ kind: "list", items, start, end: this.#expect("]").end });
    }
    if (this.#accept("{")) {
      const entries = this.#list("}", () => {
        const key = this.#expression();
        this.#expect(":");
        return [key, this.#expression()] as const;
      });
      return this.#made({ kind: "map", entries, start, end: this.#expect("}").end });
    }
    throw this.#unexpected(text === "" ? "a value" : "a value, a name or `(`");
  }

  #name({ kind, text, start, end }: Token): Ast {
    const literal = LITERALS.get(text);
    if (kind !== "name" || (RESERVED.has(text) && literal === undefined)) throw this.#unexpected("a value or a name");
    this.#take();
    if (literal !== undefined) return this.#made({ kind: "literal", value: literal, start, end });
    if (this.#is("(")) return this.#call(undefined, text, start);
    return this.#made({ kind: "name", name: text, start, end });
  }
}
