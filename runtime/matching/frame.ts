import type { Event } from "../domain/event.ts";
import { BUDGET, type Budget } from "./budget.ts";

/**
 * One event while selectors look at it. Invariants: a frame belongs to one event and one pass, its `stamp` is unique in
 * the process, and everything remembered for an event (path values, member lists) carries that stamp or lives here.
 *
 * Work is bounded: every evaluation of one selector starts with `BUDGET` units, and every step that costs time takes some off,
 * a unit standing for about 50 ns. Work that goes below zero ends as a `Fault`, which is no match.
 */

/** Why an expression has no value: a missing field, a type mismatch, too much work. A value, never thrown. */
export class Fault {
  readonly kind: "missing" | "type" | "value" | "cost";
  readonly #reason: string | (() => string);

  constructor(kind: Fault["kind"], reason: string | (() => string)) {
    this.kind = kind;
    this.#reason = reason;
  }

  /** Written only when somebody asks: most faults are met at match time and never read. */
  get reason(): string {
    return typeof this.#reason === "string" ? this.#reason : this.#reason();
  }
}

export const TOO_COSTLY = new Fault("cost", "it takes too much work on this event");

/** What a condition comes to. */
export type Truth = boolean | Fault;

let stamps = 0;
const NOT_YET = Symbol("not yet");

export class Frame {
  readonly event: Event;
  readonly stamp: number;
  /** Work left for the selector that is being evaluated. */
  fuel: number = BUDGET;
  /** What the evaluation under way was given; undefined once it is paid for. */
  #given: number | undefined;
  readonly #budget: Budget | undefined;
  /** Regular expressions out of the event that this evaluation has met. */
  patterns: Set<string> | undefined;
  /** Values of CEL's comprehension variables, by slot. */
  readonly slots: unknown[] = [];
  /** `received_at` as CEL's timestamp, once somebody asked for it. */
  receivedAt: unknown;
  /** Where a JSONPath query that collects puts what it finds. */
  found: unknown[] = [];
  /** Names and indexes from the root to the value being visited, kept only for queries that ask where values are. */
  trail: (string | number)[] | undefined;
  #keys: Map<object, readonly string[]> | undefined;
  #current: unknown = NOT_YET;

  /** JSONPath's `@`: the value that the innermost filter looks at. The payload is asked for at the first look, not before. */
  get current(): unknown {
    if (this.#current === NOT_YET) this.#current = this.event.payload;
    return this.#current;
  }
  set current(value: unknown) {
    this.#current = value;
  }

  /** @param budget what all selectors together may cost; undefined where each one's own bound is enough */
  constructor(event: Event, budget?: Budget) {
    this.event = event;
    this.#budget = budget;
    stamps += 1;
    this.stamp = stamps;
  }

  /** Starts the evaluation of one selector: all its work is before it again, or what the budget still allows. */
  begin(): void {
    this.fuel = BUDGET;
    if (this.#budget !== undefined) {
      this.pay();
      this.#given = this.fuel = this.#budget.allowance;
    }
    this.patterns = undefined;
  }

  /** Has the budget pay for the evaluation that has ended. @param name of the subscription whose selector it was */
  pay(name?: string): void {
    if (this.#given === undefined) return;
    this.#budget?.spend(this.#given - this.fuel, name);
    this.#given = undefined;
  }

  /** The member names of an object, listed at most once an event (V8 takes 0.1 µs a name in wide objects). */
  keysOf(object: object): readonly string[] {
    this.#keys ??= new Map();
    let keys = this.#keys.get(object);
    if (keys === undefined) {
      keys = Object.keys(object);
      this.#keys.set(object, keys);
    }
    return keys;
  }
}

/** What a path can start from; `current` is the element that a filter or comprehension looks at, and never read here. */
export type RootName = "event" | "event_type" | "event_id" | "current";

/**
 * A singular path, read at most once an event: `undefined` where there is nothing. Paths with the same beginning share
 * it, so reading `a.b.c` and `a.b.d` walks `a.b` once.
 */
export class Path {
  readonly parent: Path | undefined;
  readonly root: RootName;
  /** Member name or array index of the last step; undefined at the root. */
  readonly step: string | number | undefined;
  #stamp = 0;
  #value: unknown;
  #below: Map<string | number, Path> | undefined;

  constructor(root: RootName, parent?: Path, step?: string | number) {
    this.root = root;
    this.parent = parent;
    this.step = step;
  }

  child(step: string | number): Path {
    this.#below ??= new Map();
    let path = this.#below.get(step);
    if (path === undefined) {
      path = new Path(this.root, this, step);
      this.#below.set(step, path);
    }
    return path;
  }

  read(frame: Frame): unknown {
    if (this.#stamp === frame.stamp) return this.#value;
    this.#stamp = frame.stamp;
    this.#value =
      this.parent === undefined ? rootValue(this.root, frame.event) : stepInto(this.parent.read(frame), this.step!);
    return this.#value;
  }

  get steps(): readonly (string | number)[] {
    return this.parent === undefined ? [] : [...this.parent.steps, this.step!];
  }

  /** As a reader would write it: `user.emails[0]`, `event_type`. */
  get name(): string {
    if (this.parent === undefined) return this.root === "event" ? "the payload" : this.root;
    const { steps } = this;
    return steps.map((step, index) => (typeof step === "number" ? `[${step}]` : nameStep(step, index === 0))).join("");
  }
}

const nameStep = (step: string, first: boolean): string =>
  /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(step) ? `${first ? "" : "."}${step}` : `[${JSON.stringify(step)}]`;

function rootValue(root: RootName, event: Event): unknown {
  if (root === "event") return event.payload;
  return root === "event_type" ? event.event_type : event.event_id;
}

/** RFC 9535's name and index selectors on one value. */
export function stepInto(value: unknown, step: string | number): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (typeof step === "number") return Array.isArray(value) ? value[step < 0 ? value.length + step : step] : undefined;
  if (Array.isArray(value) || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string, unknown>)[step];
}

/** Paths shared by all selectors of one matcher, so that each is read once for all of them. */
export class PathPool {
  readonly event = new Path("event");
  readonly event_type = new Path("event_type");
  readonly event_id = new Path("event_id");
  readonly current = new Path("current");

  at(steps: readonly (string | number)[]): Path {
    let path = this.event;
    for (const step of steps) path = path.child(step);
    return path;
  }
}
