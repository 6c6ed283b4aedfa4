/** `T` with every member that may be undefined as one that may be left out. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * The members that have a value, in their order. Our types tell a member that is left out from one that is undefined
 * (`exactOptionalPropertyTypes`), as DynamoDB and a list of names do.
 * @example { tenant, ...defined({ hops }) }
 */
export function defined<T extends object>(members: T): Defined<T> {
  const kept: Record<string, unknown> = {};
  for (const name in members) if (members[name] !== undefined) kept[name] = members[name];
  return kept as Defined<T>;
}

/** `make(value)`, or undefined where there is no value. */
export const mapDefined = <T, R>(value: T | undefined, make: (value: T) => R): R | undefined =>
  value === undefined ? undefined : make(value);
