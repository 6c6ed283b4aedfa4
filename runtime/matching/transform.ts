import { type ErrorDetail, TriggersError } from "../domain/errors.ts";
import type { Enrich, Transform } from "../domain/subscription.ts";
import { Invalid } from "./invalid.ts";
import { type JsonPath, parsePath } from "./jsonPath/index.ts";
import { type RawValue, scan, writeObject } from "./rawJson.ts";

/** Bounds on what one transform may hold; a request over them is refused at creation. */
export const transformLimits = { members: 100, pathLength: 1_000, nameLength: 256 } as const;

/** A row of a reference table and the member it becomes; no row leaves the member out. */
export interface Enrichment {
  readonly as: string;
  readonly row: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Checks a transform and an enrichment as they come in a request.
 * @throws TriggersError `invalid_request`, one detail for each thing wrong
 */
export function checkTransform(transform: Transform | undefined, enrich?: Enrich): void {
  const details: ErrorDetail[] = [];
  const attempt = (path: string, text: string, check: (path: JsonPath) => void) => {
    try {
      if (text.length > transformLimits.pathLength) {
        throw new Invalid({ message: `a path has at most ${transformLimits.pathLength} characters` });
      }
      check(parsePath(text));
    } catch (thrown) {
      if (!(thrown instanceof Invalid)) throw thrown;
      details.push({ path, ...thrown.problem });
    }
  };
  const name = (path: string, text: string) => {
    if (text === "" || text.length > transformLimits.nameLength) {
      details.push({ path, message: `a member name has 1 to ${transformLimits.nameLength} characters` });
    }
  };
  const count = (path: string, members: number) => {
    if (members > transformLimits.members)
      details.push({ path, message: `at most ${transformLimits.members} entries` });
  };
  const { extract = {}, rename = {}, omit = [] } = transform ?? {};
  count("/transform/extract", Object.keys(extract).length);
  for (const [to, path] of Object.entries(extract)) {
    name(pointer("transform", "extract", to), to);
    attempt(pointer("transform", "extract", to), path, mustBeSingular);
  }
  count("/transform/rename", Object.keys(rename).length);
  for (const [from, to] of Object.entries(rename)) name(pointer("transform", "rename", from), to);
  const targets = Object.values(rename);
  if (new Set(targets).size !== targets.length) {
    details.push({ path: "/transform/rename", message: "two members can't be renamed to the same name" });
  }
  count("/transform/omit", omit.length);
  for (const [index, path] of omit.entries())
    attempt(pointer("transform", "omit", String(index)), path, mustBeBelowRoot);
  if (enrich !== undefined) {
    attempt("/enrich/key", enrich.key, mustBeSingular);
    name("/enrich/as", enrich.as);
  }
  if (details.length > 0) {
    throw new TriggersError("invalid_request", `The transform is not valid: ${details[0]!.message}.`, { details });
  }
}

const pointer = (...parts: string[]): string =>
  parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

function mustBeSingular(path: JsonPath): void {
  if (path.steps !== undefined) return;
  throw new Invalid({
    message: `${path.text} can name several values; give a path of names and indexes only`,
    position: 0,
  });
}

function mustBeBelowRoot(path: JsonPath): void {
  if (path.text.trim() === "$")
    throw new Invalid({ message: "`$` is the whole payload and can't be omitted", position: 0 });
}

/**
 * The payload as one subscriber receives it: extract, rename, omit, then the enrichment as one more member. Works on
 * the JSON text, so that what is kept keeps its characters (numbers their digits); only whitespace may go.
 * @param raw the payload's JSON text, an object
 * @returns `raw` itself when there is nothing to change
 */
export function applyTransform(raw: Buffer, transform: Transform | undefined, enrichment?: Enrichment): Buffer {
  const row = enrichment?.row;
  if (row === undefined && (transform === undefined || isEmpty(transform))) return raw;
  const text = raw.toString("utf8");
  const { extract, rename, omit = [] } = transform ?? {};
  let members = extract === undefined ? membersOf(text) : extracted(text, extract);
  if (rename !== undefined) members = renamed(members, rename);
  if (omit.length > 0) members = omitted(writeObject(members), omit);
  if (row !== undefined) {
    const as = (enrichment as Enrichment).as;
    members = [...members.filter(([name]) => name !== as), [as, JSON.stringify(row)]];
  }
  return Buffer.from(writeObject(members), "utf8");
}

type Members = readonly (readonly [name: string, text: string])[];

const isEmpty = ({ extract, rename, omit }: Transform): boolean =>
  extract === undefined && Object.keys(rename ?? {}).length === 0 && (omit ?? []).length === 0;

const slice = (text: string, value: RawValue): string => text.slice(value.start, value.end);

function membersOf(text: string): Members {
  const root = scan(text);
  return root.kind === "object" ? root.members.map(({ name, value }) => [name, slice(text, value)]) : [];
}

function extracted(text: string, extract: Readonly<Record<string, string>>): Members {
  const root = scan(text);
  const members: [string, string][] = [];
  for (const [to, path] of Object.entries(extract)) {
    const value = follow(root, parsePath(path).steps ?? []);
    if (value !== undefined) members.push([to, slice(text, value)]);
  }
  return members;
}

function follow(root: RawValue, steps: readonly (string | number)[]): RawValue | undefined {
  let value: RawValue | undefined = root;
  for (const step of steps) {
    if (typeof step === "string") {
      value = value.kind === "object" ? value.members.find(({ name }) => name === step)?.value : undefined;
    } else value = value.kind === "array" ? value.items.at(step) : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

/** All names change at once, so `{ a: "b", b: "a" }` swaps; a member that held a new name before gives way to it. */
function renamed(members: Members, rename: Readonly<Record<string, string>>): Members {
  const present = new Set(members.map(([name]) => name));
  const taken = new Set(Object.entries(rename).flatMap(([from, to]) => (present.has(from) ? [to] : [])));
  return members.flatMap(([name, text]) => {
    if (Object.hasOwn(rename, name)) return [[rename[name]!, text] as const];
    return taken.has(name) ? [] : [[name, text] as const];
  });
}

interface Cut {
  whole: boolean;
  readonly below: Map<string | number, Cut>;
}

function omitted(text: string, omit: readonly string[]): Members {
  const document = JSON.parse(text) as unknown;
  const cuts: Cut = { whole: false, below: new Map() };
  for (const path of omit) {
    for (const location of parsePath(path).locations(document)) {
      let cut = cuts;
      for (const step of location) {
        const next: Cut = cut.below.get(step) ?? { whole: false, below: new Map() };
        cut.below.set(step, next);
        cut = next;
      }
      cut.whole = true;
    }
  }
  const root = scan(text);
  if (root.kind !== "object" || cuts.whole) return [];
  return root.members.flatMap(({ name, value }) => {
    const kept = keep(text, value, cuts.below.get(name));
    return kept === undefined ? [] : [[name, kept] as const];
  });
}

function keep(text: string, value: RawValue, cut: Cut | undefined): string | undefined {
  if (cut === undefined) return slice(text, value);
  if (cut.whole) return undefined;
  if (value.kind === "array") {
    const items = value.items.map((item, index) => keep(text, item, cut.below.get(index)));
    return `[${items.filter((item) => item !== undefined).join(",")}]`;
  }
  if (value.kind === "scalar") return slice(text, value);
  return writeObject(
    value.members.flatMap(({ name, value: member }) => {
      const kept = keep(text, member, cut.below.get(name));
      return kept === undefined ? [] : [[name, kept] as const];
    }),
  );
}

/** The key under which an event's row is looked up: a string, or a number or boolean as JSON writes it. */
export function enrichmentKey(enrich: Pick<Enrich, "key">, payload: unknown): string | undefined {
  const [value] = parsePath(enrich.key).values(payload);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}
