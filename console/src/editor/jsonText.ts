import type { SyntaxNode } from "@lezer/common";
import { parser } from "@lezer/json";
import jsonPointer from "json-pointer";
import type { ErrorDetail } from "../api.ts";

/** Where things are in a JSON text, also in one that is not whole yet. Pure: the grammar is that of the editor. */

export interface Place {
  readonly from: number;
  readonly to: number;
}

/** Name of a property, without its quotes. */
function nameOf(property: SyntaxNode, text: string): string {
  const name = property.getChild("PropertyName");
  if (name === null) return "";
  try {
    return JSON.parse(text.slice(name.from, name.to)) as string;
  } catch {
    return "";
  }
}

const valueIn = (property: SyntaxNode): SyntaxNode | null =>
  property.lastChild?.name === "PropertyName" ? null : property.lastChild;

const itemsOf = (array: SyntaxNode): SyntaxNode[] => {
  const items: SyntaxNode[] = [];
  for (let child = array.firstChild; child !== null; child = child.nextSibling)
    if (!["[", "]", ",", "⚠"].includes(child.name)) items.push(child);
  return items;
};

/**
 * The place that a JSON Pointer names (RFC 6901): the value, or the property where a schema complains of its name. Where the text has no
 * such place, the nearest that holds it.
 */
export function placeOf(text: string, pointer: string): Place {
  let node: SyntaxNode | null = parser.parse(text).topNode.firstChild;
  if (node === null) return { from: 0, to: text.length };
  let place: Place = { from: node.from, to: Math.min(node.to, node.from + 1) };
  // A detail about a header has the header's name for its path.
  for (const step of pointer.startsWith("/") ? jsonPointer.parse(pointer) : []) {
    if (node === null) return place;
    if (node.name === "Array") {
      node = itemsOf(node)[Number(step)] ?? null;
      if (node === null) return place;
      place = node.name === "Object" || node.name === "Array" ? { from: node.from, to: node.from + 1 } : node;
      continue;
    }
    const property: SyntaxNode | undefined = node.getChildren("Property").find((each) => nameOf(each, text) === step);
    if (property === undefined) return place;
    node = valueIn(property);
    const name = property.getChild("PropertyName")!;
    place = node === null || node.name === "Object" || node.name === "Array" ? name : node;
  }
  return { from: place.from, to: place.to };
}

/** A detail of an error, with where it says that it is: by line and column, or by the place in the text. */
export type PlacedDetail = ErrorDetail & {
  readonly line?: number;
  readonly column?: number;
  readonly position?: number;
};

/** @param batch whether the text is an array, whose events `index` counts */
export function placeOfDetail(text: string, { line, column, index, path = "" }: PlacedDetail, batch: boolean): Place {
  if (line !== undefined && column !== undefined) {
    const start = text.split("\n", line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const from = Math.min(text.length, start + column - 1);
    return from === text.length && from > 0
      ? { from: from - 1, to: from }
      : { from, to: Math.min(text.length, from + 1) };
  }
  return placeOf(text, batch ? `/${index ?? 0}${path}` : path);
}

/** What is being written at a place in a JSON text. */
export interface Written {
  /** A name of a member, or the text value of one. */
  readonly what: "name" | "value";
  /** Of the object that it stands in: `$.lines[*]`. In a batch each event is `$`. */
  readonly path: string;
  /** The member whose value it is. */
  readonly name: string | undefined;
  /** Names that the object has already. */
  readonly others: readonly string[];
  /** What would be replaced. */
  readonly from: number;
  readonly to: number;
}

/** @returns undefined where nothing can be completed: in numbers, between values */
export function writtenAt(text: string, at: number): Written | undefined {
  const tree = parser.parse(text);
  const inner = tree.resolveInner(at, -1);
  const inString = inner.name === "String" && at > inner.from && (at < inner.to || text[inner.to - 1] !== '"');
  const property = inner.name === "PropertyName" || inString ? inner.parent : inner;
  if (inString && property?.name === "Property") {
    const object = property.parent!;
    return {
      what: "value",
      path: pathOf(object, text),
      name: nameOf(property, text),
      others: [],
      from: inner.from,
      to: inner.to,
    };
  }
  const naming = inner.name === "PropertyName" && at > inner.from;
  let object: SyntaxNode | null = inner;
  while (object !== null && object.name !== "Object") object = object.name === "Array" ? null : object.parent;
  if (object === null) return undefined;
  const before = text.slice(object.from, naming ? inner.from : at).trimEnd();
  if (!before.endsWith("{") && !before.endsWith(",")) {
    // A bare word, or a quote that is still open, is where a name begins.
    const begun = /[{,]\s*("?[\w$]*)$/.exec(text.slice(object.from, at));
    if (begun === null) return undefined;
    return { ...here(object, text, undefined), from: at - begun[1]!.length, to: at };
  }
  return {
    ...here(object, text, naming ? inner : undefined),
    from: naming ? inner.from : at,
    to: naming ? inner.to : at,
  };
}

function here(object: SyntaxNode, text: string, name: SyntaxNode | undefined) {
  return {
    what: "name" as const,
    path: pathOf(object, text),
    name: undefined,
    others: object
      .getChildren("Property")
      .filter((each) => each.getChild("PropertyName")?.from !== name?.from)
      .map((each) => nameOf(each, text))
      .filter((each) => each !== ""),
  };
}

/** From the event, so that a member of a batch has the path that it has alone. */
function pathOf(object: SyntaxNode, text: string): string {
  const steps: string[] = [];
  for (let node: SyntaxNode | null = object; node?.parent != null; node = node.parent) {
    if (node.parent.name === "Property") steps.unshift(`.${nameOf(node.parent, text)}`);
    else if (node.parent.name === "Array" && node.parent.parent?.name !== "JsonText") steps.unshift("[*]");
  }
  return `$${steps.join("")}`;
}
