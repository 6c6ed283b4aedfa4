import { defined } from "../../domain/defined.ts";
import { Invalid } from "../invalid.ts";

/** CEL's tokens (cel-spec, "Syntax"). `value` of a literal is the value itself. */
export interface Token {
  readonly kind: "name" | "quoted" | "int" | "uint" | "double" | "string" | "bytes" | "sign" | "end";
  readonly text: string;
  readonly value: string | number | bigint | Uint8Array;
  readonly start: number;
  readonly end: number;
}

const SIGNS = ["==", "!=", "<=", ">=", "&&", "||", ..."<>+-*/%!?:.,()[]{}"];
const SPACE = /(?:[ \t\n\f\r]|\/\/[^\n]*)*/y;
const NAME = /[A-Za-z_]\w*/y;
const FIELD = /`[A-Za-z0-9_.\-/ ]+`/y;
const FLOAT = /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y;
const WHOLE = /(?:0x[0-9a-fA-F]+|\d+)[uU]?/y;
const OPENING = /(?:[bB]?[rR]?)(?:"""|'''|"|')/y;
const MAX_UINT = 2n ** 64n - 1n;

/** @throws Invalid with the position */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const found = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (;;) {
    at += found(SPACE)!.length;
    const start = at;
    const add = (kind: Token["kind"], length: number, value: Token["value"]) => {
      at += length;
      tokens.push({ kind, text: text.slice(start, at), value, start, end: at });
    };
    if (at >= text.length) {
      add("end", 0, "");
      return tokens;
    }
    const opening = found(OPENING);
    const float = found(FLOAT);
    const whole = found(WHOLE);
    const name = found(NAME);
    const field = found(FIELD);
    if (opening !== undefined) {
      const literal = readLiteral(text, at, opening);
      add(typeof literal.value === "string" ? "string" : "bytes", literal.length, literal.value);
    } else if (float !== undefined) add("double", float.length, Number(float));
    else if (whole !== undefined) addWhole(whole, start, add);
    else if (name !== undefined) add("name", name.length, name);
    else if (field !== undefined) add("quoted", field.length, field.slice(1, -1));
    else {
      const sign = SIGNS.find((one) => text.startsWith(one, at));
      if (sign === undefined) throw unexpected(text, at);
      add("sign", sign.length, sign);
    }
  }
}

function addWhole(
  whole: string,
  start: number,
  add: (kind: "int" | "uint", length: number, value: bigint) => void,
): void {
  const unsigned = /[uU]$/.test(whole);
  const value = BigInt(unsigned ? whole.slice(0, -1) : whole);
  // -9223372036854775808 is a minus before 9223372036854775808, so the parser checks the upper bound of an int.
  if (value > MAX_UINT) throw new Invalid({ message: `${whole} does not fit in 64 bits`, position: start });
  add(unsigned ? "uint" : "int", whole.length, value);
}

function unexpected(text: string, at: number): Invalid {
  const character = String.fromCodePoint(text.codePointAt(at)!);
  const suggestion = { "=": "`==`", "&": "`&&`", "|": "`||`" }[character];
  return new Invalid({
    message: `unexpected character ${JSON.stringify(character)}`,
    position: at,
    expected: "an operator, a name or a literal",
    ...defined({ suggestion }),
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "?": "?",
  '"': '"',
  "'": "'",
  "`": "`",
};
const NUMERIC = /[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}/y;

function readLiteral(text: string, start: number, opening: string): { value: string | Uint8Array; length: number } {
  const bytes = /^b/i.test(opening);
  const raw = /^b?r/i.test(opening);
  const quote = /["']+$/.exec(opening)![0];
  const parts: string[] = [];
  const binary: Buffer[] = [];
  const keep = (piece: string, code?: number) => {
    if (!bytes) parts.push(piece);
    else binary.push(code === undefined ? Buffer.from(piece, "utf8") : Buffer.from([code]));
  };
  let at = start + opening.length;
  for (let from = at; ; ) {
    const c = text[at];
    if (c === undefined || (quote.length === 1 && (c === "\n" || c === "\r"))) {
      throw new Invalid({ message: "the string is not closed", position: start, expected: quote });
    }
    if (text.startsWith(quote, at)) {
      keep(text.slice(from, at));
      at += quote.length;
      const value = bytes ? new Uint8Array(Buffer.concat(binary)) : parts.join("");
      return { value, length: at - start };
    }
    if (c !== "\\") at += 1;
    else if (raw) at += 2;
    else {
      keep(text.slice(from, at));
      const escaped = readEscape(text, at, bytes);
      keep(escaped.text, escaped.code);
      at += escaped.length;
      from = at;
    }
  }
}

function readEscape(text: string, at: number, bytes: boolean): { text: string; code?: number; length: number } {
  const next = text[at + 1] ?? "";
  const simple = ESCAPES[next];
  if (simple !== undefined) return { text: simple, length: 2 };
  NUMERIC.lastIndex = at + 1;
  const numeric = NUMERIC.exec(text)?.[0];
  const wrong = (message: string) =>
    new Invalid({ message, position: at, expected: "an escape such as \\n, \\\\ or \\u00e9" });
  if (numeric === undefined) throw wrong(`\\${next} is not an escape`);
  const octal = /^\d/.test(numeric);
  const code = Number.parseInt(octal ? numeric : numeric.slice(1), octal ? 8 : 16);
  const unicode = /^u/i.test(numeric);
  if (bytes && unicode) throw wrong("\\u is not allowed in bytes");
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw wrong(`\\${numeric} is not a character`);
  return { text: String.fromCodePoint(code), ...(bytes ? { code } : {}), length: 1 + numeric.length };
}
