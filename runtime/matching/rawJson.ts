import { type JSONVisitor, visit } from "jsonc-parser";

/**
 * JSON text as a tree of spans: what a value is and where its characters are, never what they mean. Numbers and strings
 * come out exactly as they went in. The text is read by `jsonc-parser`.
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

/** @throws SyntaxError when the text is not JSON */
export function scan(text: string): RawValue {
  const open: (Open<RawObject, "members"> | Open<RawArray, "items">)[] = [];
  let root: RawValue | undefined;
  let name = "";
  let fault: number | undefined;
  const add = (value: RawValue): void => {
    const holder = open.at(-1);
    if (holder === undefined) root = value;
    else if (holder.kind === "object") holder.members.push({ name, value });
    else holder.items.push(value);
  };
  const begin = (value: (typeof open)[number]): void => {
    add(value);
    open.push(value);
  };
  const end = (at: number, length: number): void => {
    open.pop()!.end = at + length;
  };
  const visitor: JSONVisitor = {
    onObjectBegin: (start) => begin({ kind: "object", start, end: start, members: [] }),
    onArrayBegin: (start) => begin({ kind: "array", start, end: start, items: [] }),
    onObjectProperty: (property) => {
      name = property;
    },
    onObjectEnd: end,
    onArrayEnd: end,
    onLiteralValue: (_, start, length) => add({ kind: "scalar", start, end: start + length }),
    onError: (_, at) => {
      fault ??= at;
    },
  };
  visit(text, visitor, { disallowComments: true });
  if (fault !== undefined || root === undefined) {
    throw new SyntaxError(`unexpected character at position ${fault ?? text.length}`);
  }
  return root;
}

/** An object or array whose end is not found yet. */
type Open<Value, Held extends keyof Value> = {
  -readonly [Name in keyof Value]: Name extends Held
    ? Value[Name] extends readonly (infer Item)[]
      ? Item[]
      : never
    : Value[Name];
};

const memberOf = (root: RawValue, name: string): RawValue | undefined =>
  root.kind === "object" ? root.members.find((member) => member.name === name)?.value : undefined;

/** A member of the object that a text is, as it was written. @throws SyntaxError when the text is not JSON */
export function memberText(text: string, name: string): string | undefined {
  const value = memberOf(scan(text), name);
  return value === undefined ? undefined : text.slice(value.start, value.end);
}

/** The members of the object under a name, as they were written; empty without such an object. */
export function membersUnder(text: string, name: string): readonly (readonly [name: string, text: string])[] {
  const held = memberOf(scan(text), name);
  if (held?.kind !== "object") return [];
  return held.members.map(({ name, value }) => [name, text.slice(value.start, value.end)]);
}

/** The object's text with other members in place of its own; `undefined` in `value` keeps nothing. */
export const writeObject = (members: Iterable<readonly [name: string, text: string]>): string => {
  const written: string[] = [];
  for (const [name, text] of members) written.push(`${JSON.stringify(name)}:${text}`);
  return `{${written.join(",")}}`;
};
