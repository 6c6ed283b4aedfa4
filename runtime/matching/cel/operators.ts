import { asDouble as asJsonDouble, isNumeric, LongNumber, type Numeric, wholeOf } from "../../domain/jsonNumber.ts";
import { Fault, type Frame, TOO_COSTLY } from "../frame.ts";
import { compareText } from "../text.ts";
import type { BinaryOperator } from "./ast.ts";
import {
  asDouble,
  CelMap,
  compareNumbers,
  Duration,
  equalNumbers,
  int,
  isNumber,
  noOverload,
  normalKey,
  T,
  Timestamp,
  TypeName,
  Uint,
  uint,
  type Value,
} from "./values.ts";

/** CEL's operators on values (cel-spec, "Standard Definitions"). A `Fault` stands for what CEL calls an error. */
export type Operation = (a: Value, b: Value, frame: Frame) => Value;

/** Equality is total: values of different types are unequal, numbers are compared by value. */
export function equal(a: Value, b: Value, frame: Frame): boolean {
  frame.fuel -= 1;
  if (frame.fuel < 0) return false;
  if (a === b) return true;
  if (typeof a === "string" || typeof b === "string") {
    if (typeof a === typeof b) frame.fuel -= Math.min((a as string).length, (b as string).length) >> 9;
    return false;
  }
  if (isNumber(a) && isNumber(b)) return equalNumbers(a, b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return equalLists(a, b, frame);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeName) return b instanceof TypeName && a.name === b.name;
  if (isNumber(a) || isNumber(b) || b instanceof Uint8Array || b instanceof Timestamp || b instanceof Duration)
    return false;
  return !(b instanceof TypeName) && equalMaps(a, b, frame);
}

const equalLists = (a: Value, b: Value, frame: Frame): boolean =>
  Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i], frame));

function equalMaps(a: object, b: object, frame: Frame): boolean {
  if (sizeOfMap(a, frame) !== sizeOfMap(b, frame)) return false;
  return entriesOf(a, frame).every(([key, value]) => {
    const other = lookUp(b, key);
    return other !== undefined && equal(value, other, frame);
  });
}

export const sizeOfMap = (map: object, frame: Frame): number =>
  map instanceof CelMap ? map.entries.size : frame.keysOf(map).length;

export const keysOfMap = (map: object, frame: Frame): readonly Value[] =>
  map instanceof CelMap ? [...map.entries.values()].map(([key]) => key) : frame.keysOf(map);

const entriesOf = (map: object, frame: Frame): readonly (readonly [Value, Value])[] =>
  map instanceof CelMap
    ? [...map.entries.values()]
    : frame.keysOf(map).map((key) => [key, (map as Record<string, unknown>)[key]] as const);

/** A map's value, or undefined. */
export function lookUp(map: object, key: Value): Value | undefined {
  if (map instanceof CelMap) return map.get(key);
  return typeof key === "string" && Object.hasOwn(map, key) ? (map as Record<string, unknown>)[key] : undefined;
}

/** `of[at]` and `of.at`. */
export function select(of: Value, at: Value): Value {
  if (Array.isArray(of)) {
    if (!isNumber(at)) return new Fault("type", "a list is indexed by a number");
    const index = asDouble(at);
    if (!Number.isInteger(index)) return new Fault("type", `${index} is not an index`);
    return index >= 0 && index < of.length ? of[index] : new Fault("missing", `there is no index ${index}`);
  }
  if (typeof of !== "object" || of === null || !isMap(of)) return new Fault("type", "it has no fields");
  if (normalKey(at) === undefined && !isNumber(at)) return new Fault("type", "this can't be a key");
  const value = lookUp(of, at);
  return value === undefined ? new Fault("missing", () => `there is no ${String(normalKey(at) ?? at)}`) : value;
}

export const isMap = (value: object): boolean =>
  !(
    Array.isArray(value) ||
    value instanceof Uint ||
    value instanceof LongNumber ||
    value instanceof Uint8Array ||
    value instanceof Timestamp ||
    value instanceof Duration ||
    value instanceof TypeName ||
    value instanceof Fault
  );

/** Less than zero, zero, more than zero; NaN when unordered; a Fault when the types have no order. */
function order(a: Value, b: Value, operator: string, frame: Frame): number | Fault {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b, frame);
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof Duration && b instanceof Duration) return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return noOverload(operator, a, b);
}

const ordering =
  (operator: string, holds: (sign: number) => boolean): Operation =>
  (a, b, frame) => {
    const sign = order(a, b, operator, frame);
    return typeof sign === "number" ? holds(sign) : sign;
  };

function membership(a: Value, b: Value, frame: Frame): Value {
  if (Array.isArray(b)) {
    for (const item of b) {
      if (equal(a, item, frame)) return true;
      if (frame.fuel < 0) return TOO_COSTLY;
    }
    return false;
  }
  const key = normalKey(a) !== undefined || isNumber(a);
  if (key && typeof b === "object" && b !== null && isMap(b)) return lookUp(b, a) !== undefined;
  return noOverload("in", a, b);
}

const MIN_TIME = -62_135_596_800n * 1_000_000_000n;
const MAX_TIME = 253_402_300_800n * 1_000_000_000n;
/** As in cel-go, a duration is an int64 of nanoseconds: about 292 years. */
const MAX_SPAN = 2n ** 63n - 1n;

export const timestamp = (nanos: bigint): Timestamp | Fault =>
  nanos < MIN_TIME || nanos >= MAX_TIME
    ? new Fault("value", "the timestamp is outside of the years 1 to 9999")
    : new Timestamp(nanos);

export const duration = (nanos: bigint): Duration | Fault =>
  nanos < -MAX_SPAN || nanos > MAX_SPAN
    ? new Fault("value", "the duration is longer than about 292 years")
    : new Duration(nanos);

function plus(a: Value, b: Value, frame: Frame): Value {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (typeof a === "string" && typeof b === "string") {
    frame.fuel -= (a.length + b.length) >> 6;
    return frame.fuel < 0 ? TOO_COSTLY : a + b;
  }
  if (typeof a === "bigint" && typeof b === "bigint") return int(a + b);
  if (a instanceof Uint && b instanceof Uint) return uint(a.value + b.value);
  if (Array.isArray(a) && Array.isArray(b)) {
    frame.fuel -= a.length + b.length;
    return frame.fuel < 0 ? TOO_COSTLY : [...a, ...b];
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return new Uint8Array(Buffer.concat([a, b]));
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanos + b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Timestamp) return timestamp(a.nanos + b.nanos);
  return noOverload("+", a, b);
}

function minus(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "bigint" && typeof b === "bigint") return int(a - b);
  if (a instanceof Uint && b instanceof Uint) return uint(a.value - b.value);
  if (a instanceof Timestamp && b instanceof Timestamp) return duration(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.nanos - b.nanos);
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanos - b.nanos);
  return noOverload("-", a, b);
}

const arithmetic =
  (
    sign: string,
    doubles: ((a: number, b: number) => number) | undefined,
    whole: (a: bigint, b: bigint) => bigint,
  ): Operation =>
  (a, b) => {
    if (doubles !== undefined && typeof a === "number" && typeof b === "number") return doubles(a, b);
    if (typeof a === "bigint" && typeof b === "bigint") {
      return b === 0n && sign !== "*" ? new Fault("value", "division by zero") : int(whole(a, b));
    }
    if (a instanceof Uint && b instanceof Uint) {
      const zero = b.value === 0n && sign !== "*";
      return zero ? new Fault("value", "division by zero") : uint(whole(a.value, b.value));
    }
    return noOverload(sign, a, b);
  };

export const operations: Readonly<Record<BinaryOperator, Operation>> = {
  "==": (a, b, frame) => equal(a, b, frame),
  "!=": (a, b, frame) => !equal(a, b, frame),
  "<": ordering("<", (sign) => sign < 0),
  "<=": ordering("<=", (sign) => sign <= 0),
  ">": ordering(">", (sign) => sign > 0),
  ">=": ordering(">=", (sign) => sign >= 0),
  in: membership,
  "+": plus,
  "-": minus,
  "*": arithmetic(
    "*",
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  "/": arithmetic(
    "/",
    (a, b) => a / b,
    (a, b) => a / b,
  ),
  "%": arithmetic("%", undefined, (a, b) => a % b),
};

/** Whether a number of these types may be of the event. A double that is nothing else was written or made as one. */
export const mayBeOfEvent = (types: number): boolean => (types & T.double) !== 0 && types !== T.double;

/** Whether a number of these types can be of the event alone. */
export const isOfEvent = (types: number): boolean => mayBeOfEvent(types) && (types & T.int) === 0;

const ARITHMETIC = new Set<BinaryOperator>(["+", "-", "*", "/", "%"]);
export const isArithmetic = (operator: BinaryOperator): boolean => ARITHMETIC.has(operator);

/**
 * The operation where either side may be a number of the event, which is a `double` and yet was meant as what it looks like: with
 * an int or a uint a whole one counts as such, and so do two whole ones under `%`, which doubles have not. A side that can't be of
 * the event stays what it is: `dyn(0) + 0.0` is an error, and so is `event.n % 2.0`.
 */
export function adapting(operator: BinaryOperator, leftOfEvent: boolean, rightOfEvent: boolean): Operation {
  const operation = operations[operator];
  if (!isArithmetic(operator)) return operation;
  return (a, b, frame) => {
    if (isNumeric(a) && isNumeric(b)) {
      return operator === "%" && leftOfEvent && rightOfEvent
        ? operation(asInt(a), asInt(b), frame)
        : operation(asJsonDouble(a), asJsonDouble(b), frame);
    }
    if (isNumeric(a)) return operation(leftOfEvent ? like(a, b) : a, b, frame);
    return isNumeric(b) && rightOfEvent ? operation(a, like(b, a), frame) : operation(a, b, frame);
  };
}

const asInt = (value: Numeric): Value => {
  const whole = wholeOf(value);
  return whole === undefined ? asJsonDouble(value) : int(whole);
};

function like(value: Numeric, other: Value): Value {
  if (typeof other === "bigint") return asInt(value);
  if (!(other instanceof Uint)) return asJsonDouble(value);
  const whole = wholeOf(value);
  return whole === undefined ? asJsonDouble(value) : uint(whole);
}

/** What is calculated with a number of the event, where that may be one. */
export function adaptedTypes(operator: BinaryOperator, left: number, right: number): number {
  const plain = resultTypes(operator, left, right);
  if (!isArithmetic(operator)) return plain;
  const whole = T.int | T.uint;
  const met = (left & T.double ? right & whole : 0) | (right & T.double ? left & whole : 0);
  return plain | met | (operator === "%" && mayBeOfEvent(left) && mayBeOfEvent(right) ? T.int : 0);
}

export function negate(value: Value): Value {
  if (value instanceof LongNumber) return value.negated;
  if (typeof value === "number") return -value;
  return typeof value === "bigint" ? int(-value) : noOverload("-", value);
}

/** What `left <operator> right` may come to, given what its sides may be; 0 when there is no such operation. */
export function resultTypes(operator: BinaryOperator, left: number, right: number): number {
  const both = left & right;
  switch (operator) {
    case "==":
    case "!=": {
      const comparable =
        both !== 0 || ((left & T.number) !== 0 && (right & T.number) !== 0) || ((left | right) & T.null) !== 0;
      return comparable ? T.bool : 0;
    }
    case "in":
      return (right & T.list) !== 0 || (right & T.map) !== 0 ? T.bool : 0;
    case "+": {
      const same = both & (T.number | T.string | T.bytes | T.list | T.duration);
      const moved = (left & T.timestamp && right & T.duration) || (left & T.duration && right & T.timestamp);
      return same | (moved ? T.timestamp : 0);
    }
    case "-": {
      const moved = left & T.timestamp && right & T.duration ? T.timestamp : 0;
      return (both & (T.number | T.duration)) | moved | (both & T.timestamp ? T.duration : 0);
    }
    case "*":
    case "/":
      return both & T.number;
    case "%":
      return both & (T.int | T.uint);
    default: {
      const ordered = both & (T.number | T.string | T.bool | T.bytes | T.timestamp | T.duration);
      return ordered !== 0 || ((left & T.number) !== 0 && (right & T.number) !== 0) ? T.bool : 0;
    }
  }
}
