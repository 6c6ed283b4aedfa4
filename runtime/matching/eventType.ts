import { Invalid } from "./invalid.ts";

/** Longest event type or pattern, in characters: as long as an event's own `event_type` may be. */
const MAX_LENGTH = 256;

export interface TypePattern {
  readonly text: string;
  /** True when the pattern names exactly one type. */
  readonly exact: boolean;
  matches(type: string): boolean;
}

/**
 * An event type or a pattern of types: `*` as a whole segment stands for one or more characters without dots, `**` as
 * the last segment for one or more of any characters.
 * @throws Invalid
 */
export function parseTypePattern(text: string): TypePattern {
  if (text === "")
    throw new Invalid({ message: "an event type can't be empty", position: 0, expected: "an event type" });
  if (text.length > MAX_LENGTH && [...text].length > MAX_LENGTH) {
    throw new Invalid({ message: `an event type has at most ${MAX_LENGTH} characters`, position: MAX_LENGTH });
  }
  const segments = text.split(".");
  let position = 0;
  for (const [index, segment] of segments.entries()) {
    const star = segment.indexOf("*");
    if (star >= 0 && segment !== "*" && !(segment === "**" && index === segments.length - 1)) {
      throw new Invalid({
        message:
          segment === "**"
            ? "`**` can only be the last segment"
            : `\`*\` must be a whole segment, not a part of "${segment}"`,
        position: position + star,
        expected: segment === "**" ? "`*`" : "`*` between dots, or `**` at the end",
      });
    }
    position += segment.length + 1;
  }
  if (!text.includes("*")) return { text, exact: true, matches: (type) => type === text };
  const tail = segments.at(-1) === "**";
  const fixed = tail ? segments.slice(0, -1) : segments;
  return { text, exact: false, matches: (type) => matchSegments(fixed, tail, type) };
}

/** Which event types are wanted. */
export interface WantedTypes {
  /** These, where they are simply listed. */
  readonly types?: readonly string[];
  /** Whether one is wanted, where there is a pattern among them. */
  matchesType?(type: string): boolean;
}

/**
 * Types that are named are asked of the table; with a pattern among them, of each event that is read.
 * @param texts event types, or patterns of them
 * @throws Invalid
 */
export function wantedTypes(texts: readonly string[]): WantedTypes {
  const patterns = texts.map(parseTypePattern);
  if (patterns.every(({ exact }) => exact)) return { types: texts };
  return { matchesType: (type) => patterns.some(({ matches }) => matches(type)) };
}

/** Whether an event of this type, or of none, is wanted. */
export const wantsType = ({ types, matchesType }: WantedTypes, type: string | null): boolean =>
  (types?.includes(type ?? "") ?? true) && (matchesType === undefined || (type !== null && matchesType(type)));

function matchSegments(fixed: readonly string[], tail: boolean, type: string): boolean {
  let at = 0;
  for (const [index, segment] of fixed.entries()) {
    const last = !tail && index === fixed.length - 1;
    const dot = type.indexOf(".", at);
    const end = dot < 0 ? type.length : dot;
    if (last !== dot < 0) return false;
    if (segment === "*" ? end === at : end - at !== segment.length || !type.startsWith(segment, at)) return false;
    at = end + 1;
  }
  return !tail || at < type.length;
}
