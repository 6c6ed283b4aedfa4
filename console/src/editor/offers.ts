import type { Completion } from "@codemirror/autocomplete";
import { membersBelow, type NamedMember, type Shape } from "../shape.ts";
import { writtenAt } from "./jsonText.ts";
import type { Path } from "./selectorText.ts";

/** What the editor offers, of the members that a type's schema names and that recorded events have. Pure. */

/** What can be chosen at a place in a text. */
export interface Offered {
  /** What is replaced up to the cursor, or to `to`. */
  readonly from: number;
  readonly to?: number;
  readonly options: readonly Completion[];
}

/** What stands for a value of a kind until it is written. */
const blank: Readonly<Record<string, string>> = {
  list: "[]",
  object: "{}",
  number: "0",
  boolean: "false",
  null: "null",
};
const kindsOf = ({ kinds }: NamedMember): string => kinds.join(" or ");

/** @param types event types that are known */
export function offerJson(shapes: readonly Shape[], types: readonly string[]) {
  return (text: string, at: number): Offered | undefined => {
    const written = writtenAt(text, at);
    if (written === undefined) return undefined;
    const { what, path, name, others, from, to } = written;
    if (what === "value")
      return path === "$" && name === "event_type"
        ? { from, to, options: types.map((type) => ({ label: JSON.stringify(type) })) }
        : undefined;
    const known = membersBelow(shapes, path);
    const names = path === "$" ? [{ name: "event_type", kinds: ["string"] }, ...known] : known;
    const taken = new Set(others);
    // A name that has its value already is replaced alone.
    const valued = /^\s*:/.test(text.slice(to));
    const options = names
      .filter(
        (member, place) => !taken.has(member.name) && names.findIndex((each) => each.name === member.name) === place,
      )
      .map((member): Completion => {
        const label = JSON.stringify(member.name);
        const value = blank[member.kinds[0] ?? ""] ?? '""';
        return { label, detail: kindsOf(member), apply: valued ? label : `${label}: ${value}` };
      });
    return { from, to, options };
  };
}

/** @param pathAt what is being written, of the text before the cursor */
export const offerPath =
  (shapes: readonly Shape[], pathAt: (before: string) => Path | undefined) =>
  (text: string, at: number): Offered | undefined => {
    const written = pathAt(text.slice(0, at));
    if (written === undefined) return undefined;
    return {
      from: written.from,
      options: membersBelow(shapes, written.path).map(
        (member): Completion => ({ label: member.name, detail: kindsOf(member) }),
      ),
    };
  };
