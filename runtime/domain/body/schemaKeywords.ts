import type { FuncKeywordDefinition } from "ajv/dist/core.js";
import jsonPointer from "json-pointer";
import { defined } from "../defined.ts";
import { compareNumeric, isMultiple, isNumeric, LongNumber, type Numeric, numberKey } from "../jsonNumber.ts";

/**
 * The keywords of JSON Schema 2020-12 (Validation, section 6) that compare values, in place of ajv's own. Those see
 * doubles, so `multipleOf: 0.01` refuses 19.99 and long numbers are rounded; call an object's own `toString`, which a
 * member of that name is not; compare each item of an `enum` with each value; and overlook a missing member without a name.
 *
 * ajv itself must see plain numbers, which it tells by `typeof`. A document with long ones is shown to it with others in
 * their place (`forAjv`), of the same type, `integer` or not; what is compared is looked up in the document itself.
 */

/** The document under validation, while it holds long numbers: one at a time, for nothing waits in between. */
let exact: unknown;

/**
 * A check that ran out of time is ended before any `finally`, and leaves its document behind; the next check begins with its own.
 * @param document with `LongNumber`s; undefined without any, when ajv sees the document as it is
 */
export function validating<T>(document: unknown, work: () => T): T {
  exact = document;
  try {
    return work();
  } finally {
    exact = undefined;
  }
}

/** The document as ajv is to see it. */
export function forAjv(value: unknown): unknown {
  if (value instanceof LongNumber) return value.decimal.exponent < 0n ? 0.5 : 1;
  if (Array.isArray(value)) return value.map(forAjv);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, forAjv(member)]));
}

interface Context {
  readonly instancePath: string;
}
type Check = ReturnType<NonNullable<FuncKeywordDefinition["compile"]>>;

/** What a value that ajv shows is in the document. Member names are seen as strings, under the path of their object. */
function meant(data: unknown, { instancePath }: Context): unknown {
  if (exact === undefined || (typeof data !== "number" && (typeof data !== "object" || data === null))) return data;
  let value: unknown = exact;
  for (const step of jsonPointer.parse(instancePath)) value = (value as Record<string, unknown>)[step];
  return value;
}

/** One text for all JSON values that are equal: numbers by value, members in any order. */
function valueKey(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return `${value}`;
  if (value instanceof LongNumber) return numberKey(value);
  if (Array.isArray(value)) return `[${value.map(valueKey).join(",")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${valueKey((value as Record<string, unknown>)[name])}`);
  return `{${members.join(",")}}`;
}

/** A keyword whose check says what is wrong, or nothing. */
const keyword = (
  name: string,
  type: FuncKeywordDefinition["type"],
  compile: (schema: never) => (value: never) => { message: string; params?: object } | undefined,
): FuncKeywordDefinition => ({
  keyword: name,
  ...defined({ type }),
  compile: (schema) => {
    const check = compile(schema as never);
    const validate: Check = (data, context) => {
      const wrong = check(meant(data, context as Context) as never);
      if (wrong === undefined) return true;
      validate.errors = [{ keyword: name, params: {}, ...wrong }];
      return false;
    };
    return validate;
  },
});

const bound = (name: string, sign: string, holds: (order: number) => boolean): FuncKeywordDefinition =>
  keyword(name, "number", (limit: Numeric) => (value: Numeric) => {
    return holds(compareNumeric(value, limit)) ? undefined : { message: `must be ${sign} ${limit}` };
  });

const missingIn = (value: object, names: readonly string[]) => {
  const missingProperty = names.find((name) => !Object.hasOwn(value, name));
  if (missingProperty === undefined) return undefined;
  return { message: `must have required property '${missingProperty}'`, params: { missingProperty } };
};

export const comparingKeywords: readonly FuncKeywordDefinition[] = [
  bound("minimum", ">=", (order) => order >= 0),
  bound("maximum", "<=", (order) => order <= 0),
  bound("exclusiveMinimum", ">", (order) => order > 0),
  bound("exclusiveMaximum", "<", (order) => order < 0),
  keyword("multipleOf", "number", (step: Numeric) => (value: Numeric) => {
    const whole = Number.isSafeInteger(value) && Number.isSafeInteger(step);
    const multiple = whole ? (value as number) % (step as number) === 0 : isMultiple(value, step);
    return multiple ? undefined : { message: `must be multiple of ${step}` };
  }),
  keyword("const", undefined, (allowedValue: unknown) => {
    const key = valueKey(allowedValue);
    return (value: unknown) =>
      valueKey(value) === key ? undefined : { message: "must be equal to constant", params: { allowedValue } };
  }),
  keyword("enum", undefined, (allowedValues: readonly unknown[]) => {
    // The meta-schema is asked only after compiling.
    if (!Array.isArray(allowedValues)) throw new TypeError("enum must be an array");
    const keys = new Set(allowedValues.map(valueKey));
    return (value: unknown) =>
      keys.has(valueKey(value))
        ? undefined
        : { message: "must be equal to one of the allowed values", params: { allowedValues } };
  }),
  keyword("uniqueItems", "array", (unique: boolean) => (items: readonly unknown[]) => {
    if (!unique || items.length < 2) return undefined;
    const seen = new Map<string, number>();
    for (const [i, item] of items.entries()) {
      const key = valueKey(item);
      const j = seen.get(key);
      if (j !== undefined) {
        return { message: `must NOT have duplicate items (items ## ${j} and ${i} are identical)`, params: { i, j } };
      }
      seen.set(key, i);
    }
    return undefined;
  }),
  keyword("required", "object", (names: readonly string[]) => (value: object) => missingIn(value, names)),
  keyword("dependentRequired", "object", (dependencies: Readonly<Record<string, readonly string[]>>) => {
    const entries = Object.entries(dependencies);
    return (value: object) => {
      for (const [name, names] of entries) {
        const missing = Object.hasOwn(value, name) ? missingIn(value, names)?.params : undefined;
        if (missing === undefined) continue;
        const message = `must have property ${missing.missingProperty} when property ${name} is present`;
        return { message, params: missing };
      }
      return undefined;
    };
  }),
];

const COMPARED = new Set(["const", "enum", ...comparingKeywords.slice(0, 5).map((each) => each.keyword as string)]);

/**
 * The schema as ajv is to compile it: numbers are doubles but where they are compared, and a member named `__proto__`, which
 * ajv passes over, is described by its pattern.
 */
export function schemaForAjv(value: unknown, compared = false): unknown {
  if (value instanceof LongNumber) return compared ? value : value.double;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => schemaForAjv(item, compared));
  const entries = Object.entries(value).map(
    ([name, member]) =>
      [name, schemaForAjv(member, compared || (COMPARED.has(name) && !isSchema(member, name)))] as const,
  );
  return compared ? Object.fromEntries(entries) : withPrototypeMember(Object.fromEntries(entries));
}

/** A member of `properties` may have a keyword's name; it is a schema then, and only `const` could be an object, too. */
const isSchema = (member: unknown, name: string): boolean =>
  name !== "const" && typeof member === "object" && member !== null && !Array.isArray(member) && !isNumeric(member);

function withPrototypeMember(schema: Record<string, unknown>): Record<string, unknown> {
  const { properties, patternProperties } = schema as Record<string, object | undefined>;
  if (typeof properties !== "object" || properties === null || !Object.hasOwn(properties, "__proto__")) return schema;
  const own = Object.entries(properties).find(([name]) => name === "__proto__")![1];
  return { ...schema, patternProperties: { ...patternProperties, "^__proto__$": own } };
}
