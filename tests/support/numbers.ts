import fc from "fast-check";

/** JSON number texts that doubles tell apart badly: long ones, neighbours of powers of two, the same value written otherwise. */
const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const whole = fc.oneof(
  fc.constantFrom(
    "0",
    "1",
    "2",
    "10",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
  ),
  fc.constantFrom("9223372036854775808", "18446744073709551615", "1152921506151679042", "123456789012345000"),
  digits(22).map((text) => text.replace(/^0+(?=\d)/, "")),
);
const fraction = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  fc.constantFrom(".0", ".5", ".50", ".1", ".10", ".30000000000000004", ".3000000000000001"),
  digits(20).map((text) => `.${text}`),
);
const exponent = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  fc.integer({ min: -25, max: 25 }).map((power) => `e${power}`),
  fc.constantFrom("E+2", "e0", "e-0", "e400", "e-400", "E310", "e-310"),
);
export const numberText: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom("", "", "-"), whole, fraction, exponent)
  .map((parts) => parts.join(""));

/** A fraction of two bigints: exact, and by another way than the code's own. */
export function rational(text: string): { readonly top: bigint; readonly bottom: bigint } {
  const [, sign, whole, fraction = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const top = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
  const shift = BigInt(power) - BigInt(fraction.length);
  return shift < 0n ? { top, bottom: 10n ** -shift } : { top: top * 10n ** shift, bottom: 1n };
}

export function compareRationals(a: string, b: string): number {
  const [x, y] = [rational(a), rational(b)];
  const difference = x.top * y.bottom - y.top * x.bottom;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Pairs that often are the same value, or neighbours. */
export const numberPair: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(numberText, numberText),
  numberText.map((text): [string, string] => [text, respelt(text)]),
  fc
    .bigInt({ min: -(10n ** 20n), max: 10n ** 20n })
    .chain((n) => fc.integer({ min: -2, max: 2 }).map((by): [string, string] => [String(n), String(n + BigInt(by))])),
  fc
    .tuple(fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 0, max: 9_999_999 }))
    .map(([a, b]): [string, string] => [(a / 100).toFixed(2), (b / 100).toFixed(3)]),
);

/** The same value in other characters. */
function respelt(text: string): string {
  const [, sign, whole, fraction = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const digits = `${whole}${fraction}0`.replace(/^0+(?=\d)/, "");
  return `${sign}${digits}e${Number(power) - fraction.length - 1}`;
}
