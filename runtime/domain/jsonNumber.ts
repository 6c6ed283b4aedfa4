import { type NumberOf, readJson } from "./json.ts";

/**
 * JSON numbers by value, at any length (docs/decisions/numbers.md). RFC 8259 sets no bound on a number; JavaScript reads
 * each as the nearest double.
 *
 * Two decimals of at most 15 significant digits, from 1e-300 to 1e300 in size, are never the same double, and a double
 * read from one writes itself as that decimal again. So such a number is kept as a double, and doubles compare as the
 * numbers do. Any other is a `LongNumber`, which keeps its text. Rounding never turns an order round: a double and a long
 * number compare by their doubles, and only where those are equal are digits compared.
 */
const SIGNIFICANT = 15;
const LARGEST_EXPONENT = 300;

/**
 * A number in its one form: `digits` times ten to the `exponent`; the digits begin and end with another digit than zero, and are
 * empty for zero. `1200` is 12 and 2.
 */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: bigint;
}

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** @returns undefined when the text is not a JSON number (RFC 8259, section 6) */
function decimalIn(text: string): Decimal | undefined {
  const parts = NUMBER.exec(text);
  if (parts === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
  const all = whole + fraction;
  let from = 0;
  let to = all.length;
  while (from < to && all.charCodeAt(from) === ZERO) from += 1;
  while (to > from && all.charCodeAt(to - 1) === ZERO) to -= 1;
  if (from === to) return NOTHING;
  const shift = BigInt(all.length - to - fraction.length);
  return { negative: sign === "-", digits: all.slice(from, to), exponent: powerOf(exponent) + shift };
}
const ZERO = 0x30;
const NOTHING: Decimal = { negative: false, digits: "", exponent: 0n };

/** Beyond what a text of a megabyte can bring back by zeros, exponents are all the same: too large to tell apart. */
const ENDLESS = 10n ** 30n;
function powerOf(text: string): bigint {
  const digits = text.replace(/^([+-]?)0+(?=\d)/, "$1");
  if (digits.length <= 31) return BigInt(digits);
  return digits.startsWith("-") ? -ENDLESS : ENDLESS;
}

const decimalOf = (value: Numeric): Decimal =>
  value instanceof LongNumber ? value.decimal : decimalIn(String(value))!;

function compareDecimals(a: Decimal, b: Decimal): number {
  const [x, y] = [signOf(a), signOf(b)];
  if (x !== y || x === 0) return x - y;
  const [high, low] = [a.exponent + BigInt(a.digits.length), b.exponent + BigInt(b.digits.length)];
  if (high !== low) return high > low ? x : -x;
  // Digits begin at the same place and end without zeros: text order is number order.
  return a.digits === b.digits ? 0 : a.digits > b.digits ? x : -x;
}
const signOf = ({ digits, negative }: Decimal): number => (digits === "" ? 0 : negative ? -1 : 1);

/** A JSON number that no double stands for. */
export class LongNumber {
  readonly #text: string;
  #decimal: Decimal | undefined;
  /** The nearest double; infinite beyond the largest. */
  readonly #double: number;

  constructor(text: string) {
    this.#text = text;
    this.#double = Number(text);
  }

  get double(): number {
    return this.#double;
  }

  get decimal(): Decimal {
    this.#decimal ??= decimalIn(this.#text)!;
    return this.#decimal;
  }

  /** Without its fraction; undefined past 40 digits. */
  get truncated(): bigint | undefined {
    const { negative, digits, exponent } = this.decimal;
    const places = exponent + BigInt(digits.length);
    if (places > 40n) return undefined;
    if (places <= 0n) return 0n;
    const size = exponent < 0n ? BigInt(digits.slice(0, Number(places))) : BigInt(digits) * 10n ** exponent;
    return negative ? -size : size;
  }

  get negated(): LongNumber {
    return new LongNumber(this.#text.startsWith("-") ? this.#text.slice(1) : `-${this.#text}`);
  }

  /** As it was written. */
  toString(): string {
    return this.#text;
  }

  toJSON(): unknown {
    return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(this.#text);
  }
}

export type Numeric = number | LongNumber;

export const isNumeric = (value: unknown): value is Numeric => typeof value === "number" || value instanceof LongNumber;

export const asDouble = (value: Numeric): number => (typeof value === "number" ? value : value.double);

/** The value of a JSON number's text. */
export function numericOf(text: string): Numeric {
  // Most have few characters, and no exponent that takes them out of a double's range.
  if (text.length <= SIGNIFICANT && !/[eE]/.test(text)) return Number(text);
  const { digits, exponent } = decimalIn(text)!;
  if (digits === "") return Number(text);
  const size = exponent + BigInt(digits.length);
  const short = digits.length <= SIGNIFICANT && size >= -LARGEST_EXPONENT && size <= LARGEST_EXPONENT;
  return short ? Number(text) : new LongNumber(text);
}

/** Less than zero, zero, more than zero. The arguments are of JSON: neither is NaN. */
export function compareNumeric(a: Numeric, b: Numeric): number {
  const [x, y] = [asDouble(a), asDouble(b)];
  if (x !== y) return x < y ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return 0;
  return compareDecimals(decimalOf(a), decimalOf(b));
}

export const equalNumeric = (a: Numeric, b: Numeric): boolean => a === b || compareNumeric(a, b) === 0;

/** Whether a double is to be read as the decimal that it writes itself as: 123456789012345e3 is no double. */
const standsForDecimal = (value: number): boolean =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && decimalOf(value).digits.length <= SIGNIFICANT;

/** The same with a bigint, exact at any size. */
export function compareWithWhole(a: Numeric, b: bigint): number {
  if (typeof a === "number" && !standsForDecimal(a)) return a < b ? -1 : a > b ? 1 : 0;
  return compareDecimals(decimalOf(a), decimalIn(String(b))!);
}

/** The number as a bigint; undefined when it has a fraction, or more than 40 digits. */
export function wholeOf(value: Numeric): bigint | undefined {
  if (value instanceof LongNumber) return value.decimal.exponent < 0n ? undefined : value.truncated;
  if (!Number.isInteger(value)) return undefined;
  return standsForDecimal(value) ? new LongNumber(String(value)).truncated : BigInt(value);
}

/** One text for all numbers that are equal: `15e-1` for `1.5`, `1.50` and `15E-1`. */
export function numberKey(value: Numeric): string {
  const { negative, digits, exponent } = decimalOf(value);
  return digits === "" ? "0" : `${negative ? "-" : ""}${digits}e${exponent}`;
}

/** The same of a text; undefined when it is not a JSON number. */
export const numberKeyIn = (text: string): string | undefined =>
  NUMBER.test(text) ? numberKey(numericOf(text)) : undefined;

/** Whether a number is a whole multiple of another, which is not zero (JSON Schema, `multipleOf`). */
export function isMultiple(value: Numeric, of: Numeric): boolean {
  const [a, b] = [decimalOf(value), decimalOf(of)];
  if (a.digits === "") return true;
  const step = BigInt(b.digits);
  if (a.exponent < b.exponent) {
    // The value has no zero at its end, so a step of more places could only divide it by bringing twos or fives.
    const places = b.exponent - a.exponent;
    return places <= 40n && remainder(a.digits, step * 10n ** places) === 0n;
  }
  return (remainder(a.digits, step) * powerOfTen(a.exponent - b.exponent, step)) % step === 0n;
}

/** In time linear in the digits, where reading them all as one bigint is not. */
function remainder(digits: string, by: bigint): bigint {
  let rest = 0n;
  for (let at = 0; at < digits.length; at += 15) {
    const part = digits.slice(at, at + 15);
    rest = (rest * 10n ** BigInt(part.length) + BigInt(part)) % by;
  }
  return rest;
}

/** 10 to a power, modulo a number. */
function powerOfTen(power: bigint, by: bigint): bigint {
  let result = 1n % by;
  let square = 10n % by;
  for (let left = power; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % by;
    square = (square * square) % by;
  }
  return result;
}

/** Reads JSON as `readJson` does, but for long numbers, which are `LongNumber`s. @throws SyntaxError */
export const parseJson = (text: string): unknown => readJson(text, longNumber);

/** Reads JSON as `parseJson` does, and tells whether it holds a number that no double stands for. @throws SyntaxError */
export function readNumbers(text: string): { readonly value: unknown; readonly long: boolean } {
  let long = false;
  const value = readJson(text, (...number) => {
    const found = longNumber(...number);
    if (found !== undefined) long = true;
    return found;
  });
  return { value, long };
}

const longNumber: NumberOf = (text, start, end, exponent) => {
  if (end - start <= SIGNIFICANT && !exponent) return undefined;
  const digits = text.slice(start, end);
  // What is no number is left for `JSON.parse` to refuse.
  const value = NUMBER.test(digits) ? numericOf(digits) : 0;
  return typeof value === "number" ? undefined : value;
};
