import { CommandError } from "../exits.ts";

/** What a product calls its list, and what each of its entries cannot lack. */
export interface ListShape {
  readonly product: string;
  /** Of the entries, in the plural. */
  readonly entries: string;
  /** Member of the answer that holds them. */
  readonly member: string;
  readonly needs: readonly string[];
  /** The page of the documentation that says how an export is made. */
  readonly guide: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The entries of an export: the answer of the product's own list, or the bare list.
 * @throws CommandError that says what is expected, and where it is told how that is made
 */
export function entriesOf<T>(input: unknown, { product, entries, member, needs, guide }: ListShape): readonly T[] {
  const found = Array.isArray(input) ? input : isObject(input) ? input[member] : undefined;
  const expected = `An export of ${product} is a list of ${entries}, alone or in "${member}", as /docs/guides/${guide}/ shows how to make it`;
  if (!Array.isArray(found)) throw new CommandError(`${expected}; this is none.`);
  found.forEach((entry: unknown, at) => {
    const missing = needs.filter((need) => !isObject(entry) || entry[need] === undefined);
    if (missing.length > 0) throw new CommandError(`${expected}; entry ${at} has no ${missing.join(" and no ")}.`);
  });
  return found as readonly T[];
}

/** Whether the product's answer says that its list goes on elsewhere: `done` of Svix, `pagination` of Hookdeck, `NextToken` of AWS. */
export function goesOn(input: unknown): boolean {
  if (!isObject(input)) return false;
  const { done, pagination, NextToken } = input;
  return (
    done === false || (isObject(pagination) && typeof pagination.next === "string") || typeof NextToken === "string"
  );
}
