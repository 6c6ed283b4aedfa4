import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Tenant } from "../identity/identity.ts";
import { isUlid } from "../ids.ts";
import { CodecError } from "./codecError.ts";

/** What the formats have in common: the version they carry, and reading a member or naming it as damaged. */

export const VERSION = 1;

/** A message's header line, parsed but not yet believed. */
export type Header = Record<string, unknown>;
/** An item of a DynamoDB table, as the plain client takes and gives it. */
export type Item = Record<string, AttributeValue>;

export const corrupt = (what: string, member: string): CodecError =>
  new CodecError("corrupt", `the ${what} has no valid "${member}"`);

/** @throws CodecError `unknown_version` for another version than ours, `corrupt` for none at all */
export function checkVersion(version: unknown, what: string): void {
  if (version === VERSION) return;
  if (typeof version !== "number" || !Number.isSafeInteger(version))
    throw new CodecError("corrupt", `the ${what} has no version`);
  throw new CodecError("unknown_version", `the ${what} has version ${version}; this code reads version ${VERSION}`);
}

export const checkItemVersion = (item: Item, what: string): void =>
  checkVersion(item.v?.N === undefined ? undefined : Number(item.v.N), what);

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

// ---- members of a message's header ----

export function text(source: Header, member: string, what: string): string {
  const value = source[member];
  if (typeof value !== "string" || value === "") throw corrupt(what, member);
  return value;
}

export function ulid(source: Header, member: string, what: string): string {
  const value = text(source, member, what);
  if (!isUlid(value)) throw corrupt(what, member);
  return value;
}

export function whole(source: Header, member: string, what: string): number {
  const value = source[member];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw corrupt(what, member);
  return value;
}

export const optional = <const Name extends string>(source: Header, member: Name): { [name in Name]?: string } => {
  const value = source[member];
  return (typeof value === "string" ? { [member]: value } : {}) as { [name in Name]?: string };
};

/** Event types in order; one entry when they are all the same, as most requests' are. */
export const shortTypes = (types: readonly (string | null)[]): readonly (string | null)[] =>
  types.length > 1 && types.every((type) => type === types[0]) ? [types[0]!] : types;

export function longTypes(value: unknown, count: number, what: string): (string | null)[] {
  if (!Array.isArray(value) || !value.every((type) => type === null || typeof type === "string"))
    throw corrupt(what, "types");
  if (value.length === count) return value as (string | null)[];
  if (value.length !== 1) throw corrupt(what, "types");
  return new Array<string | null>(count).fill(value[0] as string | null);
}

/** Offsets within a batch, ascending; `null` on the wire when they are all of them. */
export const shortIndexes = (indexes: readonly number[], count: number): readonly number[] | null =>
  indexes.length === count ? null : indexes;

export function longIndexes(value: unknown, count: number, what: string, member = "indexes"): number[] {
  if (value === null) return range(count);
  const ok =
    Array.isArray(value) &&
    value.every((i, at) => Number.isInteger(i) && i >= 0 && i < count && (at === 0 || i > value[at - 1]));
  if (!ok) throw corrupt(what, member);
  return value as number[];
}

// ---- attributes of an item ----

export const S = (value: string): AttributeValue => ({ S: value });
export const N = (value: number): AttributeValue => ({ N: String(value) });
export const J = (value: unknown): AttributeValue => ({ S: JSON.stringify(value) });

export const sOf = (item: Item, name: string, what: string): string => {
  const value = item[name]?.S;
  if (value === undefined) throw corrupt(what, name);
  return value;
};

export const nOf = (item: Item, name: string, what: string): number => {
  const value = Number(item[name]?.N);
  if (!Number.isFinite(value)) throw corrupt(what, name);
  return value;
};

/** A whole number that counts something. */
export const countOf = (item: Item, name: string, what: string): number => {
  const value = nOf(item, name, what);
  if (!Number.isSafeInteger(value) || value < 0) throw corrupt(what, name);
  return value;
};

export const jOf = (item: Item, name: string, what: string): unknown => {
  const value = sOf(item, name, what);
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new CodecError("corrupt", `the ${what} has no valid "${name}"`, { cause });
  }
};

/** The tenant of the partition key and the matched parts of the sort key. */
export const keysOf = (item: Item, sort: RegExp, what: string): { tenant: Tenant; parts: RegExpExecArray } => {
  const pk = sOf(item, "pk", what);
  const parts = sort.exec(sOf(item, "sk", what));
  if (parts === null) throw corrupt(what, "sk");
  if (!pk.includes("#")) throw corrupt(what, "pk");
  return { tenant: pk.slice(0, pk.lastIndexOf("#")), parts };
};
