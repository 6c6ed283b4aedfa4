import type { Context } from "hono";
import { asCustomer } from "../database/roles.ts";
import { newId } from "../domain/ids.ts";
import { readJson } from "../domain/json.ts";
import { defaultMasking, MASK, type Masking, maskText, maskUrl } from "../domain/people/masking.ts";
import type { Person } from "../domain/people/person.ts";
import { may } from "../domain/people/roles.ts";
import { rfc3339 } from "../domain/time.ts";
import { type JsonPath, parsePath } from "../matching/index.ts";
import type { ApiEnv, Deps } from "./deps.ts";

/**
 * What a person's answer holds.
 *
 * Invariant: data that a role may not see stays in this function, on every route. Each answer is searched as a whole, so a new route is
 * masked from its first day; and every payload in an answer is recorded as seen.
 */

/** Work that one path may take on one payload, in units of about 50 ns. What takes more is masked whole. */
const PATH_WORK = 1_000_000;

type Members = Record<string, unknown>;
const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);

/** Numbers stay the texts that they are: parsed, written again, no digit is lost. */
const parse = (text: string): unknown => readJson(text, (text, start, end) => JSON.rawJSON(text.slice(start, end)));

/** Every text, number and boolean hidden; the shape stays. */
function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, hidden(member)]));
  return value === null ? null : MASK;
}

/** Texts of a value, names of members aside, masked by what is recognised in them. */
function recognised(value: unknown, detect: Masking["detect"]): unknown {
  if (typeof value === "string") return maskText(value, detect);
  if (Array.isArray(value)) return value.map((each) => recognised(each, detect));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, recognised(member, detect)]));
  // A number can be that of a card.
  if (JSON.isRawJSON(value)) {
    const text = JSON.stringify(value);
    const masked = maskText(text, detect);
    return masked === text ? value : masked;
  }
  return value;
}

/** Places in a payload: whether this one is to be hidden, and those below it. */
interface Places {
  hidden: boolean;
  readonly below: Map<string | number, Places>;
}

const nowhere = (): Places => ({ hidden: false, below: new Map() });

function add(places: Places, location: readonly (string | number)[]): void {
  let at = places;
  for (const step of location) {
    const next = at.below.get(step) ?? nowhere();
    at.below.set(step, next);
    at = next;
  }
  at.hidden = true;
}

/** All of the places at once: a list of many members is gone through once, however many of them are hidden. */
function hideAt(root: unknown, { hidden, below }: Places): unknown {
  if (hidden) return MASK;
  const child = (value: unknown, step: string | number): unknown => {
    const places = below.get(step);
    return places === undefined ? value : hideAt(value, places);
  };
  if (below.size === 0) return root;
  if (Array.isArray(root)) return root.map(child);
  if (!isObject(root)) return root;
  return Object.fromEntries(Object.entries(root).map(([name, member]) => [name, child(member, name)]));
}

class Masks {
  /** Events whose payload was let out. */
  readonly shown = new Set<string>();
  private readonly masking: Masking;
  private readonly paths: readonly JsonPath[];
  private readonly person: Person;

  constructor(masking: Masking, person: Person) {
    this.masking = masking;
    this.paths = masking.paths.map(parsePath);
    this.person = person;
  }

  payload(value: unknown): unknown {
    if (!may(this.person.role, "payloads")) return hidden(value);
    return recognised(this.withoutNamed(value), this.masking.detect);
  }

  /** A payload without what the customer's paths lead to. */
  withoutNamed(value: unknown): unknown {
    if (this.paths.length === 0) return value;
    const plain: unknown = readJson(JSON.stringify(value));
    const places = nowhere();
    for (const path of this.paths) {
      try {
        for (const location of path.locations(plain, PATH_WORK)) add(places, location);
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        return hidden(value);
      }
    }
    return hideAt(value, places);
  }

  /** A text that was made of payloads: why something matched, what an endpoint answered. */
  derived(text: string): string {
    if (!may(this.person.role, "payloads")) return MASK;
    if (this.paths.some(({ names }) => names.some((name) => text.includes(name))))
      return `${MASK} (it names what is masked)`;
    return maskText(text, this.masking.detect);
  }

  /** The body of a post that was made of payloads, as events or as they are. */
  private body(text: string): string {
    try {
      const value = parse(text);
      const list = Array.isArray(value) ? value : [value];
      const masked = list.map((one) => (isEvent(one) ? this.walk(one) : this.payload(one)));
      return JSON.stringify(Array.isArray(value) ? masked : masked[0]);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      return this.derived(text);
    }
  }

  walk(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.walk(each));
    if (!isObject(value)) return value;
    const event = isEvent(value);
    const entries = Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
      if (event && name === "payload") {
        if (this.person.without_payloads === true) return [];
        if (may(this.person.role, "payloads")) this.shown.add(value.event_id as string);
        return [[name, this.payload(member)]];
      }
      if (typeof member !== "string") return [[name, this.walk(member)]];
      // An export holds payloads as they were sent.
      if (name === "download_url" && !may(this.person.role, "decide_privacy")) return [[name, null]];
      if (name === "webhook_url" || (name === "target" && value.kind === "webhook"))
        return [[name, member === "" ? member : maskUrl(member)]];
      if (name === "because" || name === "clause" || name === "response_excerpt") return [[name, this.derived(member)]];
      if (name === "body" && isObject(value.headers)) return [[name, this.body(member)]];
      return [[name, member]];
    });
    return Object.fromEntries(entries);
  }
}

const isEvent = (value: unknown): value is Members =>
  isObject(value) && typeof value.event_id === "string" && Object.hasOwn(value, "payload");

/**
 * An answer as this person may see it.
 * @returns the text, and the events whose payload is in it
 */
export function maskAnswer(
  text: string,
  masking: Masking,
  person: Person,
): { readonly text: string; readonly shown: readonly string[] } {
  const masks = new Masks(masking, person);
  const masked = masks.walk(parse(text));
  return { text: JSON.stringify(masked), shown: [...masks.shown] };
}

/** A recorded payload, a JSON text, as who asks about it may know it: the same buffer where nothing of it is masked. */
export type Known = (raw: Buffer) => Buffer;

/**
 * Payloads as the caller may know them. What a person sees masked is not told by a question about it either: a selector that asks for
 * it letter by letter, a transform that gives it another name, a search. So a person's question is answered from the payload as it is
 * shown (docs/decisions/questions-about-masked.md). A key knows payloads whole.
 */
export async function knownTo(deps: Deps, c: Context<ApiEnv>): Promise<Known> {
  const { person, customer_id } = c.get("identity");
  if (person === undefined) return (raw) => raw;
  const masks = new Masks(await maskingOf(deps, customer_id), person);
  return (raw) => {
    const whole = parse(raw.toString("utf8"));
    const text = JSON.stringify(masks.payload(whole));
    return text === JSON.stringify(whole) ? raw : Buffer.from(text);
  };
}

/** What the customer has the console hide. */
export async function maskingOf(deps: Deps, customerId: string): Promise<Masking> {
  const row = await asCustomer(deps.db, customerId, (tx) =>
    tx.selectFrom("customers").select("masking").where("customer_id", "=", customerId).executeTakeFirst(),
  );
  return row?.masking ?? defaultMasking;
}

export interface Views {
  /** Ids of the events. */
  readonly events: readonly string[];
  readonly how: "payload" | "reveal";
  /** Why the person wanted to see them, where they had to say it. */
  readonly reason: string | null;
}

/** Records that a person has seen these events' payloads. */
export async function recordViews(
  deps: Deps,
  c: Context<ApiEnv>,
  person: Person,
  { events, how, reason }: Views,
): Promise<void> {
  if (events.length === 0) return;
  const { customer_id } = c.get("identity");
  const { person_id, name, role } = person;
  const at = rfc3339(deps.now());
  await asCustomer(deps.db, customer_id, (tx) =>
    tx
      .insertInto("event_views")
      .values(
        events.map((event_id) => ({
          view_id: newId("aud", deps.now()),
          customer_id,
          tenant: c.get("tenant"),
          event_id,
          at,
          person_id,
          name,
          role,
          how,
          reason,
        })),
      )
      .execute(),
  );
}

/** Puts what this person may see in place of the route's answer; if recording the view fails, the answer fails. */
export async function maskForPerson(deps: Deps, c: Context<ApiEnv>, person: Person): Promise<void> {
  const type = c.res.headers.get("content-type") ?? "";
  if (!type.startsWith("application/json") || c.get("call") === "POST /reveal") return;
  const masking = await maskingOf(deps, c.get("identity").customer_id);
  const { text, shown } = maskAnswer(await c.res.text(), masking, person);
  await recordViews(deps, c, person, { events: shown, how: "payload", reason: null });
  const headers = new Headers(c.res.headers);
  headers.delete("content-length");
  c.res = new Response(text, { status: c.res.status, headers });
}
