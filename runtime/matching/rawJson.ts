/**
 * JSON text as a tree of spans: what a value is and where its characters are, never what they mean. Numbers and strings
 * come out exactly as they went in. Invariant: the text is valid JSON (ingest checked it), so the scanner only finds ends.
 */
export type RawValue = RawObject | RawArray | RawScalar;

interface Span {
  /** Index of the first character. */
  readonly start: number;
  /** Index after the last character. */
  readonly end: number;
}

export interface RawObject extends Span {
  readonly kind: "object";
  readonly members: readonly RawMember[];
}

export interface RawMember {
  readonly name: string;
  readonly value: RawValue;
}

export interface RawArray extends Span {
  readonly kind: "array";
  readonly items: readonly RawValue[];
}

export interface RawScalar extends Span {
  readonly kind: "scalar";
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws SyntaxError when the text is not JSON */
export function scan(text: string): RawValue {
  const scanner = new Scanner(text);
  const value = scanner.value();
  scanner.space();
  if (scanner.at !== text.length) throw new SyntaxError(`unexpected character at position ${scanner.at}`);
  return value;
}

class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  value(): RawValue {
    this.space();
    const start = this.at;
    const first = this.text[start];
    if (first === "{") return this.object(start);
    if (first === "[") return this.array(start);
    if (first === '"') this.string();
    else while (/[-+.\w]/.test(this.text[this.at] ?? "")) this.at += 1;
    if (this.at === start) throw new SyntaxError(`unexpected character at position ${start}`);
    return { kind: "scalar", start, end: this.at };
  }

  private object(start: number): RawObject {
    const members: RawMember[] = [];
    this.at += 1;
    while (this.more("}")) {
      const from = this.at;
      this.string();
      const name = JSON.parse(this.text.slice(from, this.at)) as string;
      this.space();
      this.expect(":");
      members.push({ name, value: this.value() });
    }
    return { kind: "object", start, end: this.at, members };
  }

  private array(start: number): RawArray {
    const items: RawValue[] = [];
    this.at += 1;
    while (this.more("]")) items.push(this.value());
    return { kind: "array", start, end: this.at, items };
  }

  /** Steps over a comma or the closing bracket; false after the latter. */
  private more(close: string): boolean {
    this.space();
    if (this.text[this.at] === close) {
      this.at += 1;
      return false;
    }
    if (this.text[this.at] === ",") this.at += 1;
    this.space();
    return true;
  }

  private expect(character: string): void {
    if (this.text[this.at] !== character) throw new SyntaxError(`expected ${character} at position ${this.at}`);
    this.at += 1;
  }

  private string(): void {
    this.expect('"');
    for (; this.at < this.text.length; this.at += 1) {
      const code = this.text.charCodeAt(this.at);
      if (code === BACKSLASH) this.at += 1;
      else if (code === QUOTE) {
        this.at += 1;
        return;
      }
    }
    throw new SyntaxError("unterminated string");
  }
}

/** The members of the object under a name, as they were written; none where there is no such object. */
export function membersUnder(text: string, name: string): readonly (readonly [name: string, text: string])[] {
  const root = scan(text);
  const held = root.kind === "object" ? root.members.find((member) => member.name === name)?.value : undefined;
  if (held?.kind !== "object") return [];
  return held.members.map(({ name, value }) => [name, text.slice(value.start, value.end)]);
}

/** The object's text with other members in place of its own; `undefined` in `value` keeps nothing. */
export const writeObject = (members: Iterable<readonly [name: string, text: string]>): string => {
  const written: string[] = [];
  for (const [name, text] of members) written.push(`${JSON.stringify(name)}:${text}`);
  return `{${written.join(",")}}`;
};
