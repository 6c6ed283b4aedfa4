import {
  asDouble as asJsonDouble,
  compareNumeric,
  compareWithWhole,
  isNumeric,
  LongNumber,
  type Numeric,
  wholeOf,
} from "../../domain/jsonNumber.ts";
import { Fault } from "../frame.ts";

/**
 * CEL's values in JavaScript. JSON comes as it is parsed: a JSON number is a `double`, even one without a fraction, as CEL
 * defines for `google.protobuf.Value`; one that no double stands for is compared by its digits all the same, and counts as
 * the nearest double where it is calculated with. A value that does not exist is a `Fault`, handed on and never thrown.
 *
 * | CEL | here |
 * |---|---|
 * | null, bool, string, double | null, boolean, string, number or `LongNumber` |
 * | int, uint | bigint, `Uint` |
 * | bytes | Uint8Array |
 * | list, map | array; a JSON object, or `CelMap` for a map written in the expression |
 * | timestamp, duration, type | `Timestamp`, `Duration`, `TypeName` |
 */
export type Value = unknown;

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since the epoch. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** Nanoseconds. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class TypeName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A map whose keys may be of any key type; numbers that are equal are one key. */
export class CelMap {
  readonly entries = new Map<string | boolean | bigint, readonly [key: Value, value: Value]>();

  get(key: Value): Value | undefined {
    const normal = normalKey(key);
    return normal === undefined ? undefined : this.entries.get(normal)?.[1];
  }
}

/** One JavaScript value for all keys that are equal in CEL; undefined for a value that keys never have. */
export function normalKey(key: Value): string | boolean | bigint | undefined {
  if (typeof key === "string" || typeof key === "boolean" || typeof key === "bigint") return key;
  if (key instanceof Uint) return key.value;
  return isNumeric(key) ? wholeOf(key) : undefined;
}

/** Sets of types, for checking: what an expression may come to. */
export const T = {
  null: 1,
  bool: 2,
  int: 4,
  uint: 8,
  double: 16,
  string: 32,
  bytes: 64,
  list: 128,
  map: 256,
  timestamp: 512,
  duration: 1024,
  type: 2048,
  number: 4 | 8 | 16,
  /** What a value inside a JSON document can be. */
  json: 1 | 2 | 16 | 32 | 128 | 256,
  any: 4095,
} as const;

const NAMES: readonly (readonly [number, string])[] = [
  [T.null, "null_type"],
  [T.bool, "bool"],
  [T.int, "int"],
  [T.uint, "uint"],
  [T.double, "double"],
  [T.string, "string"],
  [T.bytes, "bytes"],
  [T.list, "list"],
  [T.map, "map"],
  [T.timestamp, "google.protobuf.Timestamp"],
  [T.duration, "google.protobuf.Duration"],
  [T.type, "type"],
];

export const typeNames = (types: number): string =>
  types === T.any || types === T.json
    ? "dyn"
    : NAMES.filter(([type]) => (types & type) !== 0)
        .map(([, name]) => name.replace("google.protobuf.", ""))
        .join(" or ");

export const namedType = (name: string): TypeName | undefined =>
  NAMES.some(([, known]) => known === name) ? new TypeName(name) : undefined;

/** The type of a value, one of `T`. */
function typeOf(value: Value): number {
  switch (typeof value) {
    case "string":
      return T.string;
    case "number":
      return T.double;
    case "boolean":
      return T.bool;
    case "bigint":
      return T.int;
    default:
      break;
  }
  if (value === null) return T.null;
  if (Array.isArray(value)) return T.list;
  if (value instanceof Uint) return T.uint;
  if (value instanceof LongNumber) return T.double;
  if (value instanceof Uint8Array) return T.bytes;
  if (value instanceof Timestamp) return T.timestamp;
  if (value instanceof Duration) return T.duration;
  return value instanceof TypeName ? T.type : T.map;
}

export const typeNameOf = (value: Value): string => NAMES.find(([type]) => type === typeOf(value))![1];

/** A value of one of CEL's three types of numbers. */
export type CelNumber = Numeric | bigint | Uint;

export const isNumber = (value: Value): value is CelNumber =>
  isNumeric(value) || typeof value === "bigint" || value instanceof Uint;

/**
 * Less than zero, zero or more; NaN when unordered. Numbers compare by value (docs/decisions/numbers.md), across all types.
 * Only past the ends of an int, from 2^63 on, is an int compared with a double as the double nearest to it, as cel-spec has
 * it (`not_lt_dyn_int_big_lossy_double`).
 */
export function compareNumbers(a: CelNumber, b: CelNumber): number {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN;
  if (isNumeric(a)) return isNumeric(b) ? compareReals(a, b) : compareWithInt(a, whole(b));
  if (isNumeric(b)) return 0 - compareWithInt(b, whole(a));
  const [x, y] = [whole(a), whole(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** At least one of them is of JSON, and finite. */
function compareReals(a: Numeric, b: Numeric): number {
  const [x, y] = [a, b].map((each) => (typeof each === "number" && !Number.isFinite(each) ? each : 0)) as [
    number,
    number,
  ];
  return x === 0 && y === 0 ? compareNumeric(a, b) : x - y;
}

function compareWithInt(a: Numeric, b: bigint): number {
  if (typeof a !== "number" || Math.abs(a) < END_OF_INT) return compareWithWhole(a, b);
  const other = Number(b);
  return a < other ? -1 : a > other ? 1 : a === other ? 0 : Number.NaN;
}
const END_OF_INT = 2 ** 63;

/** Equality is exact everywhere: numbers are equal when they are the same point of the number line. */
export function equalNumbers(a: CelNumber, b: CelNumber): boolean {
  if (typeof a === "number" && !Number.isFinite(a)) return a === b;
  if (typeof b === "number" && !Number.isFinite(b)) return false;
  if (isNumeric(a)) return (isNumeric(b) ? compareReals(a, b) : compareWithWhole(a, whole(b))) === 0;
  return isNumeric(b) ? compareWithWhole(b, whole(a)) === 0 : whole(a) === whole(b);
}

export const asDouble = (value: CelNumber): number => (isNumeric(value) ? asJsonDouble(value) : Number(whole(value)));

const whole = (value: bigint | Uint): bigint => (value instanceof Uint ? value.value : value);

const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

export const int = (value: bigint): bigint | Fault =>
  value > MAX_INT || value < -MAX_INT - 1n ? new Fault("value", "the int overflows 64 bits") : value;

export const uint = (value: bigint): Uint | Fault =>
  value > MAX_UINT || value < 0n ? new Fault("value", "the uint overflows 64 bits") : new Uint(value);

export const noOverload = (operation: string, ...operands: Value[]): Fault =>
  new Fault("type", () => {
    const types = operands.map((operand) => typeNameOf(operand).replace("google.protobuf.", "").replace("_type", ""));
    const mixed = types.includes("double") && types.includes("int") && /^[-+*/%]$/.test(operation);
    const [first, second] = types;
    const shown = second === undefined ? `${operation}(${first})` : `${first} ${operation} ${second}`;
    return `there is no ${shown}${mixed ? " (a JSON number is a double: write 2.0, not 2)" : ""}`;
  });
