import fc from "fast-check";

/** A JSON Schema as OpenAPI 3.1 holds it, with references into `components`. */
export type JsonSchema = Readonly<Record<string, unknown>>;
export type Components = Readonly<Record<string, JsonSchema>>;

const lookUp = (schema: JsonSchema, components: Components): JsonSchema =>
  typeof schema.$ref === "string" ? lookUp(components[schema.$ref.split("/").at(-1)!]!, components) : schema;

/** Members for which the schema says too little to be meant: what they stand for comes from outside. */
export type Known = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/**
 * Values that fit the schema. @param known arbitraries by member or parameter name, used instead of the schema's own
 */
export function valid(given: JsonSchema, components: Components, known: Known): fc.Arbitrary<unknown> {
  const schema = lookUp(given, components);
  const options = (schema.anyOf ?? schema.oneOf) as readonly JsonSchema[] | undefined;
  if (options !== undefined) return fc.oneof(...options.map((each) => valid(each, components, known)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  const types = [schema.type].flat() as string[];
  return fc.oneof(...types.map((type) => ofType(type, schema, components, known)));
}

function ofType(type: string, schema: JsonSchema, components: Components, known: Known): fc.Arbitrary<unknown> {
  const size = (min: string, max: string, fallback: number) => ({
    minLength: (schema[min] as number | undefined) ?? 0,
    maxLength: Math.min((schema[max] as number | undefined) ?? fallback, fallback),
  });
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({
        min: (schema.minimum as number | undefined) ?? 0,
        max: (schema.maximum as number | undefined) ?? 1_000,
      });
    case "number":
      return fc.double({ min: 0, max: 1_000, noNaN: true });
    case "array":
      return fc.array(
        valid((schema.items as JsonSchema | undefined) ?? {}, components, known),
        size("minItems", "maxItems", 4),
      );
    case "object":
      return objectOf(schema, components, known);
    case "string":
      if (schema.format === "date-time") {
        return fc
          .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
          .map((date) => date.toISOString());
      }
      return typeof schema.pattern === "string"
        ? fc.stringMatching(new RegExp(schema.pattern, "u"))
        : fc.string({ unit: "grapheme", ...size("minLength", "maxLength", 12) });
    default:
      return fc.jsonValue();
  }
}

function objectOf(schema: JsonSchema, components: Components, known: Known): fc.Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const members = Object.entries(properties).map(([name, each]) => [
    name,
    known[name] ?? valid(each, components, known),
  ]);
  const requiredKeys = ((schema.required ?? []) as string[]).filter((name) => name in properties);
  const own = fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys });
  const more = schema.additionalProperties;
  if (more === undefined || more === false || Object.keys(properties).length > 0) return own;
  return fc.dictionary(
    fc.string({ minLength: 1, maxLength: 8 }),
    valid(more === true ? {} : (more as JsonSchema), components, known),
    {
      maxKeys: 4,
    },
  );
}

/** Near misses: a value of the schema with a member missing, added or replaced by anything at all. */
export function spoilt(schema: JsonSchema, components: Components, known: Known): fc.Arbitrary<unknown> {
  const good = valid(schema, components, known);
  const nasty = fc.constantFrom<unknown>(
    null,
    "",
    "\u0000",
    "\ud800",
    -1,
    1e308,
    0.5,
    [],
    {},
    [[]],
    "../..",
    "' or 1=1 --",
    "9".repeat(300),
  );
  return fc.oneof(
    fc.jsonValue(),
    nasty,
    fc.tuple(good, fc.string(), fc.oneof(fc.jsonValue(), nasty)).map(([value, name, other]) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return other;
      const names = Object.keys(value);
      const target = name.length % 2 === 0 ? names[name.length % Math.max(names.length, 1)] : undefined;
      return { ...value, [target ?? name]: other };
    }),
    fc.tuple(good, fc.nat()).map(([value, at]) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
      return Object.fromEntries(
        Object.entries(value).filter((_, i) => i !== at % Math.max(Object.keys(value).length, 1)),
      );
    }),
  );
}
