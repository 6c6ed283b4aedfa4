import { TriggersError } from "../domain/errors/errors.ts";
import { numberKeyIn, parseJson } from "../domain/jsonNumber.ts";
import type { Enrich, Transform } from "../domain/subscription.ts";
import { type JsonPath, parsePath } from "./jsonPath/index.ts";
import { type RawValue, scan, writeObject } from "./rawJson.ts";

/** What may come out of a transform and an enrichment: as much as an event may have when it comes in. */
const MAX_BYTES = 1_000_000;
/** Work that all paths of `omit` may take on one event, in units of about 50 ns: far more than honest ones need. */
const OMIT_WORK = 10_000_000;

/** A row of a reference table and the member it becomes; no row leaves the member out. */
export interface Enrichment {
  readonly as: string;
  /** JSON text, so that its numbers keep their digits. */
  readonly row: string | undefined;
}

/** A transform with its paths parsed, kept for as long as somebody holds the transform itself. */
interface Parsed {
  readonly extract: readonly (readonly [to: string, steps: readonly (string | number)[]])[] | undefined;
  readonly rename: ReadonlyMap<string, string>;
  readonly omit: readonly JsonPath[];
}

const parsed = new WeakMap<Transform, Parsed>();

function parse(transform: Transform): Parsed {
  let known = parsed.get(transform);
  if (known === undefined) {
    const { extract, rename = {}, omit = [] } = transform;
    known = {
      extract: extract && Object.entries(extract).map(([to, path]) => [to, parsePath(path).steps ?? []] as const),
      rename: new Map(Object.entries(rename)),
      omit: omit.map(parsePath),
    };
    parsed.set(transform, known);
  }
  return known;
}

/**
 * The payload as one subscriber receives it: extract, rename, omit, then the enrichment as one more member. Works on
 * the JSON text, so that the rest keeps its characters (numbers their digits); only whitespace may go.
 * @param raw the payload's JSON text, an object
 * @returns `raw` itself when there is nothing to change
 * @throws TriggersError `unprocessable` when finding what to omit takes too much work: nothing is let out by mistake;
 * `payload_too_large` when the result exceeds 1,000,000 bytes, before it is written
 */
export function applyTransform(raw: Buffer, transform: Transform | undefined, enrichment?: Enrichment): Buffer {
  const { extract, rename, omit } = parse(transform ?? NOTHING);
  const row = enrichment?.row;
  if (row === undefined && extract === undefined && rename.size === 0 && omit.length === 0) return raw;
  const text = raw.toString("utf8");
  const root = scan(text);
  let members: Members = extract === undefined ? membersOf(text, root) : extracted(text, root, extract);
  if (rename.size > 0) members = renamed(members, rename);
  if (omit.length > 0) members = omitted(writeObject(bounded(members)), omit);
  if (enrichment !== undefined && row !== undefined) {
    const { as } = enrichment;
    members = [...members.filter(([name]) => name !== as), [as, row]];
  }
  const made = Buffer.from(writeObject(bounded(members)), "utf8");
  if (made.length > MAX_BYTES) throw tooLarge(made.length);
  return made;
}

/** Members are slices of the event until they are written: a hundred copies of it take no memory before. */
function bounded(members: Members): Members {
  const least = members.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  if (least > MAX_BYTES) throw tooLarge(least);
  return members;
}

const tooLarge = (bytes: number): TriggersError =>
  new TriggersError(
    "payload_too_large",
    `The transform and the enrichment make ${bytes.toLocaleString("en")} bytes of this event; at most ${MAX_BYTES.toLocaleString("en")} are delivered.`,
  );

const NOTHING: Transform = {};

type Members = readonly (readonly [name: string, text: string])[];

const slice = (text: string, value: RawValue): string => text.slice(value.start, value.end);

const membersOf = (text: string, root: RawValue): Members =>
  root.kind === "object" ? root.members.map(({ name, value }) => [name, slice(text, value)]) : [];

const extracted = (text: string, root: RawValue, extract: NonNullable<Parsed["extract"]>): Members =>
  extract.flatMap(([to, steps]) => {
    const value = follow(root, steps);
    return value === undefined ? [] : [[to, slice(text, value)] as const];
  });

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
function renamed(members: Members, rename: ReadonlyMap<string, string>): Members {
  const taken = new Set(members.flatMap(([name]) => rename.get(name) ?? []));
  return members.flatMap(([name, text]) => {
    const to = rename.get(name);
    if (to !== undefined) return [[to, text] as const];
    return taken.has(name) ? [] : [[name, text] as const];
  });
}

interface Cut {
  whole: boolean;
  readonly below: Map<string | number, Cut>;
}

function omitted(text: string, omit: readonly JsonPath[]): Members {
  const document = parseJson(text);
  const cuts: Cut = { whole: false, below: new Map() };
  for (const path of omit) {
    for (const location of located(path, document)) {
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

function located(path: JsonPath, document: unknown): readonly (readonly (string | number)[])[] {
  try {
    return path.locations(document, OMIT_WORK);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new TriggersError("unprocessable", `Omitting ${path.text} takes too much work on this event.`, { cause });
  }
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

/** What an event's row is looked up by. */
export interface EnrichmentKey {
  /** A string's characters; a number or boolean as it is written. */
  readonly text: string;
  /** Of a number: what all numbers of its value have (`numberKey`). */
  readonly number: string | undefined;
}

/** @param raw the payload's JSON text @returns undefined where the path leads to nothing that can be a key */
export function enrichmentKey(enrich: Pick<Enrich, "key">, raw: Buffer): EnrichmentKey | undefined {
  const steps = enrich.key === undefined ? undefined : parsePath(enrich.key).steps;
  if (steps === undefined) return undefined;
  const text = raw.toString("utf8");
  const value = follow(scan(text), steps);
  if (value?.kind !== "scalar") return undefined;
  const written = slice(text, value);
  if (written === "null") return undefined;
  return written.startsWith('"')
    ? { text: JSON.parse(written) as string, number: undefined }
    : { text: written, number: numberKeyIn(written) };
}

/** The row of a key among those that were found for it: the one whose key is written as it is, else one of its value. */
export function rowOf(key: EnrichmentKey, rows: readonly (readonly [key: string, text: string])[]): string | undefined {
  const same = rows.find(([name]) => name === key.text);
  const found = same ?? rows.find(([name]) => key.number !== undefined && numberKeyIn(name) === key.number);
  return found?.[1];
}
