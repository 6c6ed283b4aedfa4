import { LongNumber } from "../../domain/jsonNumber.ts";
import { Fault, type Frame, TOO_COSTLY } from "../frame.ts";
import type { Fn } from "./fn.ts";
import { duration, timestamp } from "./operators.ts";
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from "./time.ts";
import { Duration, int, noOverload, T, Timestamp, TypeName, typeNameOf, Uint, uint, type Value } from "./values.ts";

/** CEL's conversion functions: `int(x)`, `string(x)` and their like. */
const convert = (accepts: number, returns: number, run: (value: Value, frame: Frame) => Value, units = 6): Fn => ({
  accepts: [accepts],
  returns,
  run: ([value], frame) => {
    frame.fuel -= units;
    return run(value, frame);
  },
});

const bad = (value: Value, type: string): Fault => new Fault("value", () => `${JSON.stringify(value)} is not ${type}`);

const WHOLE = /^[-+]?\d{1,20}$/;
const REAL = /^[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)$/i;

function toInt(value: Value): Value {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    // The bounds themselves are excluded: as doubles they can't be told from values past them.
    const inside = value > -(2 ** 63) && value < 2 ** 63;
    return inside ? BigInt(Math.trunc(value)) : new Fault("value", `${value} does not fit in an int`);
  }
  if (value instanceof LongNumber) {
    const whole = value.truncated;
    return whole === undefined ? new Fault("value", `${value} does not fit in an int`) : int(whole);
  }
  if (value instanceof Uint) return int(value.value);
  if (typeof value === "string")
    return WHOLE.test(value) ? int(BigInt(value.replace(/^\+/, ""))) : bad(value.slice(0, 40), "an int");
  if (value instanceof Timestamp) return floorSeconds(value.nanos);
  return noOverload("int", value);
}

const floorSeconds = (nanos: bigint): bigint => {
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return (nanos - rest) / 1_000_000_000n;
};

function toUint(value: Value): Value {
  if (value instanceof Uint) return value;
  if (typeof value === "bigint") return uint(value);
  if (typeof value === "number") {
    return value >= 0 && value < 2 ** 64
      ? uint(BigInt(Math.trunc(value)))
      : new Fault("value", `${value} does not fit in a uint`);
  }
  if (value instanceof LongNumber) {
    const whole = value.truncated;
    return whole === undefined ? new Fault("value", `${value} does not fit in a uint`) : uint(whole);
  }
  if (typeof value === "string")
    return /^\d{1,20}$/.test(value) ? uint(BigInt(value)) : bad(value.slice(0, 40), "a uint");
  return noOverload("uint", value);
}

function toDouble(value: Value): Value {
  if (typeof value === "number") return value;
  if (value instanceof LongNumber) return value.double;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value !== "string") return noOverload("double", value);
  if (!REAL.test(value)) return bad(value.slice(0, 40), "a double");
  const lower = value.toLowerCase().replace(/^[-+]/, "");
  const size = lower.startsWith("inf") ? Number.POSITIVE_INFINITY : lower === "nan" ? Number.NaN : Number(lower);
  return value.startsWith("-") ? -size : size;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function toText(value: Value): Value {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return formatDouble(value);
  if (value instanceof LongNumber) return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (!(value instanceof Uint8Array)) return noOverload("string", value);
  try {
    return strict.decode(value);
  } catch {
    return new Fault("value", "the bytes are not UTF-8");
  }
}

const formatDouble = (value: number): string =>
  Number.isFinite(value)
    ? (Object.is(value, -0) ? "-0" : String(value)).replace(/e([+-])(\d)$/, "e$10$2")
    : String(value).replace("Infinity", "Inf").replace(/^Inf/, "+Inf");

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function toBool(value: Value): Value {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return noOverload("bool", value);
  if (TRUE.has(value)) return true;
  return FALSE.has(value) ? false : bad(value.slice(0, 40), "a bool");
}

function toBytes(value: Value, frame: Frame): Value {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") return noOverload("bytes", value);
  frame.fuel -= value.length >> 4;
  if (frame.fuel < 0) return TOO_COSTLY;
  return new Uint8Array(Buffer.from(value, "utf8"));
}

function toTimestamp(value: Value): Value {
  if (value instanceof Timestamp) return value;
  if (typeof value === "string") return parseTimestamp(value);
  return typeof value === "bigint" ? timestamp(value * 1_000_000_000n) : noOverload("timestamp", value);
}

function toDuration(value: Value): Value {
  if (value instanceof Duration) return value;
  if (typeof value === "string") return parseDuration(value);
  return typeof value === "bigint" ? duration(value * 1_000_000_000n) : noOverload("duration", value);
}

export const conversions: Readonly<Record<string, Fn>> = {
  int: convert(T.number | T.string | T.timestamp, T.int, toInt),
  uint: convert(T.number | T.string, T.uint, toUint),
  double: convert(T.number | T.string, T.double, toDouble),
  string: convert(T.number | T.string | T.bool | T.bytes | T.timestamp | T.duration, T.string, toText),
  bool: convert(T.bool | T.string, T.bool, toBool),
  bytes: convert(T.bytes | T.string, T.bytes, toBytes),
  timestamp: convert(T.timestamp | T.string | T.int, T.timestamp, toTimestamp, 40),
  duration: convert(T.duration | T.string | T.int, T.duration, toDuration, 40),
  dyn: convert(T.any, T.any, (value) => value),
  type: convert(T.any, T.type, (value) => new TypeName(typeNameOf(value))),
};
