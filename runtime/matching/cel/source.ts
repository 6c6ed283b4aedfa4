import { Invalid } from "../invalid.ts";
import { celLimits } from "./limits.ts";

/**
 * An expression made ready for `@marcbachmann/cel-js`, whose parser does not take all of CEL's grammar (cel-spec, "Syntax").
 * What it lacks is written as it knows it, before it reads the text:
 *
 * | CEL | as it is read |
 * |---|---|
 * | a member in backquotes: `` event.`a-b` `` | a name of the same length, and `names` says which one is meant |
 * | a keyword as a member: `event.in` (which the grammar lacks, and customers use) | likewise |
 * | a variable with a name that JavaScript knows: `__proto__`, `prototype` | likewise |
 * | a name with a dot before it: `.event` | without the dot |
 * | a double without digits before its point: `.5` | `0.5` |
 * | bytes of other characters than ASCII: `b"é"` | with escapes: `b"\xc3\xa9"` |
 * | raw text and raw bytes: `r"\"`, `br"\n"` | with escapes: `"\\"`, `b"\\n"` |
 * | a form feed between two words | a blank |
 *
 * Parentheses are found on the way, since its nodes do not say where they stand.
 */
export interface Source {
  /** What the parser reads. */
  readonly text: string;
  /** The place in the customer's text of a place in `text`; characters from 0. */
  at(place: number): number;
  /** Names that `text` does not have as they are, by the place in `text` where they begin. */
  readonly names: ReadonlyMap<number, string>;
  /** Parentheses around a whole expression, the inner ones of several first; places in `text`. */
  readonly groups: readonly Group[];
}

export interface Group {
  readonly open: number;
  /** Behind the closing one. */
  readonly end: number;
  /** Where its first word begins and its last one ends. */
  readonly innerStart: number;
  readonly innerEnd: number;
}

const STRING =
  /[bB]?(?:"""(?:\\[\s\S]|(?!""")[^\\])*"""|'''(?:\\[\s\S]|(?!''')[^\\])*'''|"(?:\\[^\n\r]|[^"\\\n\r])*"|'(?:\\[^\n\r]|[^'\\\n\r])*')/y;
const RAW = /[bB]?[rR](?:"""(?:(?!""")[\s\S])*"""|'''(?:(?!''')[\s\S])*'''|"[^"\n\r]*"|'[^'\n\r]*')/y;
const OPENING = /[bB]?[rR]?("""|'''|"|')/y;
const SPACE = /(?:[ \t\n\f\r]|\/\/[^\n]*)+/y;
const QUOTED = /`([A-Za-z0-9_.\-/ ]+)`/y;
const WORD = /[A-Za-z_]\w*/y;
const NUMBER = /0[xX][0-9a-fA-F]*[uU]?|\d+(?:\.\d+)?(?:[eE][+-]?\d*)?[uU]?/y;
const POINT = /\.\d+(?:[eE][+-]?\d+)?/y;
/** The dot of `.event`; no string has a dot before it. */
const ABSOLUTE = /\.(?=[ \t\n\f\r]*(?!(?:[bB]?[rR]?["'])|(?:in|true|false|null)\b)[A-Za-z_])/y;
const KEYWORDS = new Set(["in", "true", "false", "null"]);
const RESERVED_BY_PARSER = new Set(["__proto__", "prototype"]);

/** @throws Invalid for an open string, for brackets nested too deep, and for a member in backquotes at a place that takes none */
export function sourceOf(original: string): Source {
  let text = "";
  let at = 0;
  /** Where lengths differ: from this place in `text` on, the customer's text is at `original`. */
  const shifts: { text: number; original: number }[] = [];
  const names = new Map<number, string>();
  const groups: Group[] = [];
  const brackets: { open: number; group: boolean; innerStart: number | undefined }[] = [];
  /** Whether the last token ends an operand, and where it ends. */
  let operand = false;
  let wordEnd = 0;
  let afterDot = false;

  const found = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(original);
  };
  /** Takes the found part, written as the parser knows it. */
  const take = (length: number, written: string, word: boolean) => {
    const start = text.length;
    if (word) for (const bracket of brackets) bracket.innerStart ??= start;
    text += written;
    at += length;
    if (written.length !== length) shifts.push({ text: text.length, original: at });
    if (word) wordEnd = text.length;
    return start;
  };
  const takeWord = (length: number, written: string, ends: boolean) => {
    if (brackets.length >= celLimits.depth) {
      throw new Invalid({ message: `an expression is nested at most ${celLimits.depth} deep`, position: at });
    }
    const start = take(length, written, true);
    operand = ends;
    afterDot = false;
    return start;
  };
  const takeName = (length: number, name: string) => names.set(takeWord(length, "_".repeat(length), true), name);

  while (at < original.length) {
    const space = found(SPACE);
    if (space !== null) {
      take(space[0].length, space[0].replaceAll("\f", " "), false);
      continue;
    }
    const string = found(STRING) ?? found(RAW);
    if (string !== null) {
      takeWord(string[0].length, asEscapes(string[0]), true);
      continue;
    }
    const opening = found(OPENING);
    if (opening !== null)
      throw new Invalid({ message: "the string is not closed", position: at, expected: opening[1]! });
    const quoted = found(QUOTED);
    if (quoted !== null && afterDot) {
      const after = original.slice(at + quoted[0].length).trimStart();
      if (after.startsWith("(")) throw new Invalid({ message: "a function has no name in backquotes", position: at });
      takeName(quoted[0].length, quoted[1]!);
      continue;
    }
    const word = found(WORD)?.[0];
    if (word !== undefined) {
      if ((afterDot ? KEYWORDS : RESERVED_BY_PARSER).has(word)) takeName(word.length, word);
      else takeWord(word.length, word, word !== "in");
      continue;
    }
    const number = found(NUMBER) ?? (operand ? null : found(POINT));
    if (number !== null) {
      takeWord(number[0].length, number[0].replace(/^\./, "0."), true);
      continue;
    }
    const sign = original[at]!;
    if ("([{".includes(sign)) {
      const calls = operand;
      brackets.push({ open: takeWord(1, sign, false), group: sign === "(" && !calls, innerStart: undefined });
    } else if (")]}".includes(sign)) {
      const innerEnd = wordEnd;
      const bracket = brackets.pop();
      takeWord(1, sign, true);
      if (bracket?.group === true && bracket.innerStart !== undefined) {
        groups.push({ open: bracket.open, end: text.length, innerStart: bracket.innerStart, innerEnd });
      }
    } else if (!operand && !afterDot && found(ABSOLUTE) !== null) {
      // The dot of `.event` says nothing here: there is one container of names.
      take(1, " ", false);
    } else {
      takeWord(1, sign, false);
      afterDot = sign === ".";
    }
  }
  return {
    text,
    at: (place) => {
      const shift = shifts.findLast((one) => one.text <= place);
      return Math.min(original.length, shift === undefined ? place : shift.original + place - shift.text);
    },
    names,
    groups,
  };
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** A literal that means the same, without the prefix for raw ones and, if it is one of bytes, in ASCII alone. */
function asEscapes(literal: string): string {
  const [, prefix = "", quote = "", inner = ""] = /^([bBrR]*)("""|'''|"|')([\s\S]*)\2$/.exec(literal)!;
  const cooked = /r/i.test(prefix) ? inner.replaceAll("\\", "\\\\") : inner;
  if (!/b/i.test(prefix)) return `${quote}${cooked}${quote}`;
  return `b${quote}${cooked.replace(/[^\p{ASCII}]+/gu, (characters) => hex(Buffer.from(characters, "utf8")))}${quote}`;
}
