import { Fault, type Frame, TOO_COSTLY } from "../frame.ts";
import { compileRegex, type Regex, regexOf } from "../regex.ts";
import { characters, holds, searchCost } from "../text.ts";
import { conversions } from "./conversions.ts";
import type { Fn } from "./fn.ts";
import { isMap, sizeOfMap } from "./operators.ts";
import { timeField, timeFields } from "./time.ts";
import { Duration, noOverload, T, Timestamp, type Value } from "./values.ts";

const textFn = (returns: number, run: (args: readonly string[], frame: Frame) => Value, count = 2): Fn => ({
  accepts: Array.from({ length: count }, () => T.string),
  returns,
  run: (args, frame) =>
    args.every((arg) => typeof arg === "string") ? run(args as string[], frame) : noOverload("call", ...args),
});

const size: Fn = {
  accepts: [T.string | T.bytes | T.list | T.map],
  returns: T.int,
  run: ([value], frame) => {
    if (typeof value === "string") return BigInt(characters(value, frame));
    if (Array.isArray(value) || value instanceof Uint8Array) return BigInt(value.length);
    if (typeof value === "object" && value !== null && isMap(value)) return BigInt(sizeOfMap(value, frame));
    return noOverload("size", value);
  },
};

function matches([text, pattern]: readonly Value[], frame: Frame): Value {
  if (typeof text !== "string" || typeof pattern !== "string") return noOverload("matches", text, pattern);
  const regex = regexOf(pattern, frame);
  if (typeof regex === "string") return new Fault("value", regex);
  return regex instanceof Fault ? regex : regex.test(text, false, frame);
}

/** `matches()` with a pattern that is known beforehand. @returns the reason when the pattern is not one */
export function matchesFixed(pattern: string): ((text: Value, frame: Frame) => Value) | string {
  const regex: Regex | string = compileRegex(pattern);
  if (typeof regex === "string") return regex;
  return (text, frame) =>
    typeof text === "string" ? regex.test(text, false, frame) : noOverload("matches", text, pattern);
}

const paid = (frame: Frame, units: number, work: () => Value): Value => {
  frame.fuel -= units;
  return frame.fuel < 0 ? TOO_COSTLY : work();
};

/** Methods on strings beyond the standard, under the names that cel-go's `strings` extension gives them. */
const strings: Readonly<Record<string, Fn>> = {
  contains: textFn(T.bool, ([text, part], frame) => {
    const found = holds(text!, part!, frame);
    return frame.fuel < 0 ? TOO_COSTLY : found;
  }),
  startsWith: textFn(T.bool, ([text, part], frame) => paid(frame, part!.length >> 9, () => text!.startsWith(part!))),
  endsWith: textFn(T.bool, ([text, part], frame) => paid(frame, part!.length >> 9, () => text!.endsWith(part!))),
  lowerAscii: textFn(
    T.string,
    ([text], frame) => paid(frame, 10 + (text!.length >> 1), () => mapAscii(text!, /[A-Z]+/g, "toLowerCase")),
    1,
  ),
  upperAscii: textFn(
    T.string,
    ([text], frame) => paid(frame, 10 + (text!.length >> 1), () => mapAscii(text!, /[a-z]+/g, "toUpperCase")),
    1,
  ),
  trim: textFn(T.string, ([text], frame) => paid(frame, text!.length >> 5, () => text!.trim()), 1),
  split: textFn(T.list, ([text, by], frame) =>
    paid(frame, text!.length + searchCost(text!.length, by!.length), () => text!.split(by!)),
  ),
  replace: {
    ...textFn(
      T.string,
      ([text, part, by], frame) => {
        const pieces = Math.ceil(text!.length / Math.max(1, part!.length));
        const units = searchCost(text!.length, part!.length) + pieces + ((pieces * by!.length) >> 6);
        return paid(frame, units, () => text!.replaceAll(part!, () => by!));
      },
      3,
    ),
  },
};

const mapAscii = (text: string, letters: RegExp, change: "toLowerCase" | "toUpperCase"): string =>
  text.replace(letters, (found) => found[change]());

const join: Fn = {
  accepts: [T.list, T.string],
  optional: 1,
  returns: T.string,
  run: ([list, by = ""], frame) => {
    if (!Array.isArray(list) || typeof by !== "string") return noOverload("join", list);
    frame.fuel -= list.length;
    if (frame.fuel < 0) return TOO_COSTLY;
    if (!list.every((item) => typeof item === "string")) return new Fault("type", "join() takes a list of strings");
    const length = list.reduce((sum: number, item: string) => sum + item.length + by.length, 0);
    return paid(frame, length >> 6, () => list.join(by));
  },
};

const getters = Object.fromEntries(
  timeFields.map((name): [string, Fn] => {
    const both = name === "getHours" || name === "getMinutes" || name === "getSeconds" || name === "getMilliseconds";
    return [
      name,
      {
        accepts: [both ? T.timestamp | T.duration : T.timestamp, T.string],
        optional: 1,
        returns: T.int,
        run: ([value, zone], frame) => {
          const right = value instanceof Timestamp || (both && value instanceof Duration && zone === undefined);
          if (!right || (zone !== undefined && typeof zone !== "string")) return noOverload(name, value);
          return paid(frame, zone === undefined ? 4 : 60, () => timeField(name, value, zone));
        },
      },
    ];
  }),
);

const matching: Fn = { accepts: [T.string, T.string], returns: T.bool, run: matches };

/** Called as `name(value)`. */
export const globalFunctions: Readonly<Record<string, Fn>> = { size, matches: matching, ...conversions };

/** Called as `value.name(…)`. */
export const methods: Readonly<Record<string, Fn>> = {
  size,
  ...strings,
  matches: matching,
  join,
  ...getters,
};
