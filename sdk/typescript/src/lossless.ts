/** Loaded only for clients with `lossless`: JSON whose numbers keep every digit. */
import * as json from "lossless-json";

/** A number with more digits than a double holds. `value` is its text as JSON has it. */
export interface LosslessNumber {
  readonly isLosslessNumber: true;
  readonly value: string;
  toString(): string;
}

/** @example new LosslessNumber("0.10000000000000000555") @throws Error for text that is no number */
export const LosslessNumber: new (value: string) => LosslessNumber = json.LosslessNumber as never;

/** A number that a double holds stays a number; a longer integer is a bigint, a longer decimal a `LosslessNumber`. */
const numberOf = (text: string): unknown => {
  if (json.isSafeNumber(text)) return Number(text);
  return json.isInteger(text) ? BigInt(text) : new json.LosslessNumber(text);
};

/** @throws SyntaxError */
export const parseLossless = (text: string): unknown => json.parse(text, null, numberOf);

/** Also takes bigints and `LosslessNumber`s. */
export const writeLossless = (value: unknown): string => json.stringify(value)!;
