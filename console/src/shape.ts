/** Which members events of a type have: as recorded ones have them, and as their schema says. Pure. */

export interface Shape {
  /** `$.lines[*].sku` */
  readonly path: string;
  readonly kinds: readonly string[];
  /** Of the events looked at, how many have it, 0 to 1; none for what a schema says. */
  readonly share?: number;
}

const MOST = 200;

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "list" : typeof value === "object" ? "object" : typeof value;

/** The members that events have, which kinds of value they hold, and in what share of the events they stand. */
export function shapeOf(payloads: readonly unknown[]): (Shape & { readonly share: number })[] {
  const seen = new Map<string, { kinds: Set<string>; count: number }>();
  const walk = (value: unknown, path: string, found: Set<string>) => {
    if (path !== "") {
      const known = seen.get(path) ?? { kinds: new Set<string>(), count: 0 };
      known.kinds.add(kindOf(value));
      if (!found.has(path)) known.count += 1;
      found.add(path);
      seen.set(path, known);
    }
    if (Array.isArray(value)) for (const item of value.slice(0, 20)) walk(item, `${path}[*]`, found);
    else if (typeof value === "object" && value !== null)
      for (const [name, member] of Object.entries(value)) walk(member, `${path}.${name}`, found);
  };
  for (const payload of payloads) walk(payload, "", new Set());
  return [...seen]
    .map(([path, { kinds, count: times }]) => ({ path: `$${path}`, kinds: [...kinds], share: times / payloads.length }))
    .slice(0, MOST);
}

export type Schema = Readonly<Record<string, unknown>>;
export const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const kindNames: Readonly<Record<string, string>> = { array: "list", integer: "number" };

/** The members that a JSON Schema names; what it refers to elsewhere is left out. */
export function shapeOfSchema(schema: unknown): Shape[] {
  const found: Shape[] = [];
  const walk = (value: unknown, path: string, depth: number) => {
    if (!isSchema(value) || depth > 8 || found.length >= MOST) return;
    if (path !== "$")
      found.push({ path, kinds: [value.type ?? []].flat().map((type) => kindNames[String(type)] ?? String(type)) });
    for (const [name, member] of Object.entries(isSchema(value.properties) ? value.properties : {}))
      walk(member, `${path}.${name}`, depth + 1);
    if (isSchema(value.items)) walk(value.items, `${path}[*]`, depth + 1);
    for (const part of ["allOf", "anyOf", "oneOf"])
      for (const each of Array.isArray(value[part]) ? (value[part] as unknown[]) : [])
        if (isSchema(each)) walk({ ...each, type: undefined }, path, depth + 1);
  };
  walk(schema, "$", 0);
  return joined(found.filter(({ kinds, path }) => path !== "$" || kinds.length > 0));
}

/** Each member once, with every kind that it holds. */
export function joined(shapes: readonly Shape[]): Shape[] {
  const all = new Map<string, Shape>();
  for (const shape of shapes) {
    const known = all.get(shape.path);
    all.set(
      shape.path,
      known === undefined ? shape : { ...known, kinds: [...new Set([...known.kinds, ...shape.kinds])] },
    );
  }
  return [...all.values()];
}

export interface NamedMember {
  readonly name: string;
  readonly kinds: readonly string[];
}

/** The members right below a path. @param path `$` or `$.lines[*]` */
export const membersBelow = (shapes: readonly Shape[], path: string): NamedMember[] =>
  shapes
    .filter((shape) => shape.path.startsWith(`${path}.`) && !/[.[]/.test(shape.path.slice(path.length + 1)))
    .map(({ path: whole, kinds }) => ({ name: whole.slice(path.length + 1), kinds }));
