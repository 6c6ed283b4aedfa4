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
