import { LRUCache } from "lru-cache";
import { RE2JS } from "re2js";
import { type Fault, type Frame, TOO_COSTLY } from "./frame.ts";

/**
 * Regular expressions that take time linear in the text, for every pattern: RE2 syntax on re2js, for CEL's
 * `matches()` and for I-Regexp (RFC 9485) in JSONPath's `match()` and `search()`. What a test may cost is paid first.
 */
export interface Regex {
  /** @param whole the whole text must match, not just a part */
  test(text: string, whole: boolean, frame: Frame): boolean | Fault;
}

/** Longest pattern in characters, and longest program in instructions: `a{1000}` is short to write only. */
const MAX_PATTERN = 500;
const MAX_PROGRAM = 1_000;
const TOO_LONG = `a regular expression has at most ${MAX_PATTERN} characters`;
/** Units to compile a pattern that comes out of an event. */
const COMPILE_COST = 4_000;

/** @returns the reason in words when the pattern can't be used */
export function compileRegex(pattern: string): Regex | string {
  if (pattern.length > MAX_PATTERN) return TOO_LONG;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (thrown) {
    return `invalid regular expression: ${(thrown as Error).message.replace(/^error parsing regexp: /, "")}`;
  }
  const size = compiled.programSize();
  if (size > MAX_PROGRAM) return "the regular expression is too large when its repetitions are written out";
  const perCharacter = 2 + size / 8;
  return {
    test: (text, whole, frame) => {
      frame.fuel -= 20 + Math.ceil(text.length * perCharacter);
      if (frame.fuel < 0) return TOO_COSTLY;
      return whole ? compiled.testExact(text) : compiled.test(text);
    },
  };
}

const recent = new LRUCache<string, Regex | { readonly unusable: string }>({ max: 256 });

/**
 * A pattern that is only known at match time; each evaluation pays for compiling it once, also when another has compiled it before.
 * @param translate from another language of patterns to RE2's; of one use of this function, always the same
 */
export function regexOf(
  pattern: string,
  frame: Frame,
  translate?: (pattern: string) => string,
): Regex | string | Fault {
  if (pattern.length > MAX_PATTERN) return TOO_LONG;
  frame.patterns ??= new Set();
  frame.fuel -= frame.patterns.has(pattern) ? 2 : COMPILE_COST;
  if (frame.fuel < 0) return TOO_COSTLY;
  frame.patterns.add(pattern);
  const key = `${translate === undefined ? "=" : "~"}${pattern}`;
  const known = recent.get(key);
  if (known !== undefined) return "unusable" in known ? known.unusable : known;
  const made = compileRegex(translate === undefined ? pattern : translate(pattern));
  recent.set(key, typeof made === "string" ? { unusable: made } : made);
  return made;
}

/**
 * An I-Regexp in RE2's syntax. The languages agree but for `.`, which in I-Regexp excludes both line ends, and for
 * escapes that RE2 has beyond it, which are let through.
 */
export function fromIRegexp(pattern: string): string {
  let written = "";
  let inClass = false;
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern[i]!;
    if (c === "\\") {
      written += c + (pattern[i + 1] ?? "");
      i += 1;
    } else if (c === "." && !inClass) written += "[^\\n\\r]";
    else {
      if (c === "[") inClass = true;
      if (c === "]") inClass = false;
      written += c;
    }
  }
  return written;
}
