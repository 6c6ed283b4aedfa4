import { compareNumeric, equalNumeric, isNumeric, LongNumber } from "../domain/jsonNumber.ts";
import type { Frame } from "./frame.ts";
import { compareText } from "./text.ts";

/** Equality of JSON values as RFC 9535, 2.3.5.2.2, defines it: deep, by value, members in any order. */
function equalJson(a: unknown, b: unknown, frame: Frame): boolean {
  frame.fuel -= 1;
  if (frame.fuel < 0) return false;
  if (typeof a === "string" && typeof b === "string") {
    frame.fuel -= Math.min(a.length, b.length) >> 9;
    return a === b;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (a instanceof LongNumber || b instanceof LongNumber) return isNumeric(a) && isNumeric(b) && equalNumeric(a, b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index], frame));
  }
  if (Array.isArray(b)) return false;
  const keys = frame.keysOf(a);
  if (keys.length !== frame.keysOf(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equalJson((a as Json)[key], (b as Json)[key], frame));
}
type Json = Readonly<Record<string, unknown>>;

/** RFC 9535's comparison; `undefined` is Nothing, which equals only itself. Only numbers and strings have an order. */
export function compareJson(operator: string, a: unknown, b: unknown, frame: Frame): boolean {
  switch (operator) {
    case "==":
      return equalJson(a, b, frame);
    case "!=":
      return !equalJson(a, b, frame);
    case "<":
      return less(a, b, frame);
    case ">":
      return less(b, a, frame);
    case "<=":
      return less(a, b, frame) || equalJson(a, b, frame);
    default:
      return less(b, a, frame) || equalJson(a, b, frame);
  }
}

function less(a: unknown, b: unknown, frame: Frame): boolean {
  frame.fuel -= 1;
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (isNumeric(a) && isNumeric(b)) return compareNumeric(a, b) < 0;
  return typeof a === "string" && typeof b === "string" && compareText(a, b, frame) < 0;
}
