import jsonPointer from "json-pointer";
import { applyEdits, findNodeAtLocation, type JSONPath, modify, type Node, parseTree } from "jsonc-parser";
import type { PlacedDetail } from "./editor/jsonText.ts";
import { isSchema, membersBelow, type Schema, type Shape } from "./shape.ts";

/**
 * An event's JSON text as a form: which fields there are, by the schema of its type and by what is written, and the text after one of them
 * has changed. Pure.
 *
 * Invariant: the text stays what counts. A change replaces the characters of one value, so every other value keeps its own: numbers of any
 * length, and the order of members too.
 */

/** Steps from the whole text to a value: names of members, places in lists. */
export type Path = readonly (string | number)[];

export const kinds = ["text", "number", "yes or no", "group", "list", "JSON"] as const;
export type Kind = (typeof kinds)[number];

export interface FormField {
  readonly label: string;
  readonly path: Path;
  /** `choice` is one of a few values; `JSON` is for what no other kind can hold. */
  readonly kind: Kind | "choice";
  /** What the schema says of it, in words. */
  readonly hint: string;
  readonly required: boolean;
  /** The value as it is written, JSON; undefined where it is left out. */
  readonly written: string | undefined;
  /** JSON texts to choose from. */
  readonly choices: readonly string[];
  /** Of a group its members, of a list its items. */
  readonly fields: readonly FormField[];
  /** What a list's next item is to be. */
  readonly next: Kind;
}

const MAX_DEPTH = 12;
/** How many fields of one group are shown; the text has all of them. */
export const MOST_FIELDS = 200;

/** Where a JSON text stops being one, in words. */
export function faultOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** What a new value of a kind is until it is filled in, JSON. */
export const blankOf: Readonly<Record<Kind, string>> = {
  text: '""',
  number: "0",
  "yes or no": "false",
  group: "{}",
  list: "[]",
  JSON: "null",
};

/** The one schema of several alternatives where all others are null: how many tools write that a value may be missing. */
function orNull(alternatives: unknown): unknown[] {
  if (!Array.isArray(alternatives)) return [];
  const others = alternatives.filter((each) => !isSchema(each) || each.type !== "null");
  return others.length === 1 ? others : [];
}

/** The schema that a schema stands for: what it refers to within the document, and the parts that all hold together. */
function resolved(given: unknown, root: unknown, depth = 0): Schema {
  if (!isSchema(given) || depth > MAX_DEPTH) return {};
  const { $ref, allOf, ...own } = given;
  const parts = [
    ...(typeof $ref === "string" ? [referred($ref, root)] : []),
    ...(Array.isArray(allOf) ? (allOf as unknown[]) : []),
    ...orNull(given.anyOf),
    ...orNull(given.oneOf),
  ].map((part) => resolved(part, root, depth + 1));
  if (parts.length === 0) return given;
  const all = [...parts, own];
  return {
    ...Object.assign({}, ...all),
    properties: Object.assign({}, ...all.map(({ properties }) => (isSchema(properties) ? properties : {}))),
    required: all.flatMap(requiredOf),
  };
}

/** @param ref JSON Pointer into the document, behind `#` */
function referred(ref: string, root: unknown): unknown {
  if (!/^#(\/|$)/.test(ref)) return undefined;
  return jsonPointer
    .parse(decodeURIComponent(ref.slice(1)))
    .reduce<unknown>(
      (at, name) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[name] : undefined),
      root,
    );
}

const requiredOf = ({ required }: Schema): string[] =>
  Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];

const kindOfType: Readonly<Record<string, Kind>> = {
  string: "text",
  number: "number",
  integer: "number",
  boolean: "yes or no",
  object: "group",
  array: "list",
};

const isGroup = (kind: Kind): boolean => kind === "group" || kind === "list";

/**
 * The kind that is written where the schema allows it or names none, else the one that the schema names. A value that such a field can't
 * show is JSON.
 */
function kindOf(schema: Schema, node: Node | undefined): Kind {
  const written = node === undefined ? undefined : kindOfType[node.type];
  const named = [schema.type].flat().flatMap((type) => kindOfType[String(type)] ?? []);
  const wanted = new Set(named);
  if (wanted.size === 0 && isSchema(schema.properties)) wanted.add("group");
  if (wanted.size === 0 && isSchema(schema.items)) wanted.add("list");
  const [kind] = wanted;
  if (node === undefined) return kind ?? "JSON";
  if (written !== undefined && (wanted.size === 0 || wanted.has(written))) return written;
  // A list where a text should be, or the other way round: nothing but its JSON shows both.
  return kind === undefined || isGroup(kind) || (written !== undefined && isGroup(written)) ? "JSON" : kind;
}

const bounds: readonly (readonly [keyword: string, words: string])[] = [
  ["minimum", "at least"],
  ["exclusiveMinimum", "more than"],
  ["maximum", "at most"],
  ["exclusiveMaximum", "less than"],
  ["minLength", "letters at least"],
  ["maxLength", "letters at most"],
  ["pattern", "in the form"],
  ["format", "in the format"],
];

/** What a schema says of a value, in words. */
function hintOf(schema: Schema): string {
  const type = [schema.type].flat().filter((each) => typeof each === "string");
  return [
    ...(typeof schema.description === "string" ? [schema.description] : []),
    ...(type.includes("integer") && !type.includes("number") ? ["a whole number"] : []),
    ...bounds.flatMap(([keyword, words]) =>
      ["number", "string"].includes(typeof schema[keyword]) ? [`${words} ${String(schema[keyword])}`] : [],
    ),
  ].join("; ");
}

const choicesOf = (schema: Schema): string[] =>
  (Array.isArray(schema.enum) ? schema.enum : "const" in schema ? [schema.const] : []).map((each) =>
    JSON.stringify(each),
  );

interface Around {
  readonly text: string;
  readonly root: unknown;
}

function fieldOf(
  around: Around,
  given: unknown,
  node: Node | undefined,
  { path, label, required }: Pick<FormField, "path" | "label" | "required">,
): FormField {
  const { text, root } = around;
  const schema = resolved(given, root);
  const kind = kindOf(schema, node);
  const choices = choicesOf(schema);
  const items = isSchema(schema.items) ? schema.items : {};
  // A group that is left out is opened only where it has to be there.
  const opened = node !== undefined || required;
  return {
    label: typeof schema.title === "string" ? schema.title : label,
    path,
    kind: choices.length > 0 && (node === undefined || !isGroup(kind)) ? "choice" : kind,
    hint: hintOf(schema),
    required,
    written: node === undefined ? undefined : text.slice(node.offset, node.offset + node.length),
    choices,
    fields:
      kind === "group" && opened && path.length < MAX_DEPTH
        ? membersOf(around, schema, node, path)
        : kind === "list"
          ? (node?.children ?? [])
              .slice(0, MOST_FIELDS)
              .map((item, at) =>
                fieldOf(around, items, item, { path: [...path, at], label: `${label} ${at + 1}`, required: true }),
              )
          : [],
    next: kindOf(resolved(items, root), node?.children?.at(-1)),
  };
}

/** Names that the schema gives first, in its order, then those that are written besides. */
function membersOf(around: Around, schema: Schema, node: Node | undefined, path: Path): FormField[] {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = new Set(requiredOf(schema));
  const written = new Map<string, Node | undefined>(
    (node?.children ?? []).map(({ children = [] }) => [String(children[0]?.value), children[1]]),
  );
  const names = new Set([...Object.keys(properties), ...required, ...written.keys()]);
  return [...names].slice(0, MOST_FIELDS).map((name) =>
    fieldOf(around, properties[name], written.get(name), {
      path: [...path, name],
      label: name,
      required: required.has(name),
    }),
  );
}

/**
 * The event that stands at a path as one group; its type comes first.
 * @param at `[]`, or `[3]` in a batch
 * @param schema of its type, undefined where it has none
 * @returns undefined where the text is no JSON, or no object stands there
 */
export function formOf(text: string, schema: unknown, at: Path = []): FormField | undefined {
  if (faultOf(text) !== undefined) return undefined;
  const tree = parseTree(text);
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, [...at]);
  if (node?.type !== "object") return undefined;
  const form = fieldOf({ text, root: schema }, schema, node, { path: at, label: "Event", required: true });
  const isType = ({ path }: FormField) => path.at(-1) === "event_type";
  const type =
    form.fields.find(isType) ??
    fieldOf({ text, root: {} }, { type: "string" }, undefined, {
      path: [...at, "event_type"],
      label: "event_type",
      required: false,
    });
  return { ...form, kind: "group", fields: [type, ...form.fields.filter((field) => !isType(field))] };
}

const formatting = { formattingOptions: { insertSpaces: true, tabSize: 2 } };
/** Stands for the value while its surroundings are written. */
const PLACE = "\u0000here";

/** The text with a value at a path, there or new. @param json the value as it is to be written */
export function withValue(text: string, path: Path, json: string): string {
  const tree = parseTree(text);
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, [...path]);
  if (node !== undefined) return text.slice(0, node.offset) + json + text.slice(node.offset + node.length);
  const edits = modify(text, [...path] as JSONPath, PLACE, formatting);
  return applyEdits(
    text,
    edits.map((edit) => ({ ...edit, content: edit.content.replace(JSON.stringify(PLACE), () => json) })),
  );
}

/** The text without the member or item at a path. */
export const withoutValue = (text: string, path: Path): string =>
  applyEdits(text, modify(text, [...path] as JSONPath, undefined, formatting));

/** What a field shows: of a text its letters, of anything else its JSON. */
export function shownOf({ written }: Pick<FormField, "written">): string {
  if (written === undefined) return "";
  return written.startsWith('"') ? (JSON.parse(written) as string) : written;
}

/** The JSON of a filled-in field; an incomplete number stays a text, and the platform says so. */
export function jsonOf(kind: FormField["kind"], shown: string): string {
  if (kind !== "number") return JSON.stringify(shown);
  try {
    if (typeof JSON.parse(shown) === "number") return shown.trim();
  } catch {}
  return JSON.stringify(shown);
}

const pointerOf = (path: Path): string => jsonPointer.compile(path.map(String));

/**
 * What is wrong with each field, by its path as a JSON Pointer. What is missing is said where it would stand; what no field shows is said at
 * the nearest group around it.
 */
export function faultsAt(form: FormField, faults: readonly PlacedDetail[]): ReadonlyMap<string, string> {
  const base = pointerOf(form.path);
  const all = new Set<string>();
  const collect = ({ path, fields }: FormField) => {
    all.add(pointerOf(path));
    fields.forEach(collect);
  };
  collect(form);
  const said = new Map<string, string>();
  for (const { path = "", message } of faults) {
    const missing = /required property '(.*)'/.exec(message)?.[1];
    let at = `${base}${path}`;
    if (missing !== undefined && all.has(`${at}${pointerOf([missing])}`)) at += pointerOf([missing]);
    while (!all.has(at) && at.length > base.length) at = at.slice(0, at.lastIndexOf("/"));
    said.set(at, [said.get(at), message].filter((each) => each !== undefined).join("; "));
  }
  return said;
}

/** Of a field, in what `faultsAt` tells. */
export const faultIn = (faults: ReadonlyMap<string, string>, { path }: FormField): string | undefined =>
  faults.get(pointerOf(path));

/** A skeleton of a type: every member that is known of it, to be filled in. */
export function skeletonOf(type: string, shapes: readonly Shape[]): string {
  const blank: Readonly<Record<string, unknown>> = { number: 0, boolean: false, list: [], null: null };
  const build = (path: string): Record<string, unknown> =>
    Object.fromEntries(
      membersBelow(shapes, path).map(({ name, kinds: [kind = "string"] }) => [
        name,
        kind === "object" ? build(`${path}.${name}`) : Object.hasOwn(blank, kind) ? blank[kind] : "",
      ]),
    );
  return JSON.stringify({ ...build("$"), event_type: type }, null, 2);
}
