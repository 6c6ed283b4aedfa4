import type { SubscriptionRequest } from "../../../sdk/typescript/src/client.ts";

/** What became of one entry of an export. */
export interface Converted {
  /** How the export names it. */
  readonly name: string;
  /** Undefined where the semantics don't agree: `not` says why, and nothing is made. */
  readonly subscription?: SubscriptionRequest;
  /** It was disabled there, and so it is here. */
  readonly disabled?: true;
  /** Why it can't be had here as it is. */
  readonly not: readonly string[];
  /** It works, and yet differs in this. */
  readonly differs: readonly string[];
}

/** Events of every type. */
export const ALL = "$";

/** Nothing is made of an entry that has reasons against it. */
export const converted = (
  name: string,
  subscription: SubscriptionRequest,
  { disabled, not, differs }: { disabled: boolean; not: readonly string[]; differs: readonly string[] },
): Converted => ({
  name,
  ...(not.length === 0 ? { subscription } : {}),
  ...(disabled ? { disabled: true } : {}),
  not,
  differs,
});

/** Text as a literal of CEL: JSON's escapes are CEL's too. */
export const literal = (value: string | number | boolean | null): string => JSON.stringify(value);

/** A member of the event: `event.a.b`, or with brackets where the name is no identifier. */
export const member = (path: readonly string[]): string =>
  path.reduce((text, name) => (/^[A-Za-z_]\w*$/.test(name) ? `${text}.${name}` : `${text}[${literal(name)}]`), "event");

/** A condition that a member is there. It asks for an object at each step, so that no event makes it an error. */
export const present = (path: readonly string[]): string =>
  path
    .map((name, at) => {
      const around = member(path.slice(0, at));
      return `${at === 0 ? "" : `type(${around}) == map && `}${literal(name)} in ${around}`;
    })
    .join(" && ");

/** A condition on a value. Where the value is a list, one of its members has to meet it. */
export const onEach = (path: readonly string[], condition: (value: string) => string): string =>
  `(type(${member(path)}) == list ? ${member(path)}.exists(v, ${condition("v")}) : ${condition(member(path))})`;

/** What a converter can't carry over. */
export class NoCounterpart extends Error {}
