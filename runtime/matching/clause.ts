import { Fault, type Frame, type Truth } from "./frame.ts";
import { conjunction, disjunction, type Needs } from "./needs.ts";

/**
 * A selector, compiled, as a tree of conditions: the same tree matches, explains and tells the index what an event must
 * have. A condition that can't be evaluated is a third value beside true and false, a `Fault`. `&&` and `||` absorb it as in CEL
 * (`false && fault` is false, `true || fault` is true).
 */
export interface Clause {
  readonly kind: "and" | "or" | "not" | "leaf";
  /** As it was written. */
  readonly text: string;
  test(frame: Frame): Truth;
  /** Conditions of an `and`, `or` or `not`. */
  readonly parts: readonly Clause[];
  /** For a leaf: why it has this value, with the values met. */
  readonly because: ((frame: Frame, value: Truth) => string) | undefined;
}

/** A clause in the making, with what an event must have for it to be true, and for it to be false. */
export interface Draft extends Clause {
  readonly parts: readonly Draft[];
  readonly needs: Needs;
  readonly needsFalse: Needs;
}

export type Leaf = Pick<Clause, "text" | "test"> & { readonly because: NonNullable<Clause["because"]> } & Partial<
    Pick<Draft, "needs" | "needsFalse">
  >;

const ANYTHING: Needs = [[]];
const NO_PARTS: readonly Draft[] = [];

export const leaf = ({ text, test, because, needs = ANYTHING, needsFalse = ANYTHING }: Leaf): Draft => ({
  kind: "leaf",
  text,
  test,
  because,
  parts: NO_PARTS,
  needs,
  needsFalse,
});

/** The clause without what only its making needed: a customer can have 100,000 of them. */
export const settled = ({ kind, text, test, because, parts }: Draft): Clause => ({
  kind,
  text,
  test,
  because,
  parts: parts.length === 0 ? NO_PARTS : parts.map(settled),
});

const inner = (kind: "and" | "or" | "not", text: string, parts: readonly Draft[]): Omit<Draft, "test"> => ({
  kind,
  text,
  parts,
  because: undefined,
  needs:
    kind === "not"
      ? parts[0]!.needsFalse
      : (kind === "and" ? conjunction : disjunction)(parts.map((part) => part.needs)),
  needsFalse:
    kind === "not"
      ? parts[0]!.needs
      : (kind === "and" ? disjunction : conjunction)(parts.map((part) => part.needsFalse)),
});

/** @param decisive the value of one part that decides the whole, even where another part fails */
const joined =
  (kind: "and" | "or", decisive: boolean) =>
  (text: string, parts: readonly Draft[]): Draft => {
    if (parts.length === 1) return parts[0]!;
    const tests = parts.map((part) => part.test);
    return {
      ...inner(kind, text, parts),
      test: (frame) => {
        let fault: Fault | undefined;
        for (const test of tests) {
          const value = test(frame);
          if (value === decisive) return decisive;
          if (typeof value !== "boolean") fault ??= value;
        }
        return fault ?? !decisive;
      },
    };
  };

export const and = joined("and", false);
export const or = joined("or", true);

export function not(text: string, part: Draft): Draft {
  const { test } = part;
  return {
    ...inner("not", text, [part]),
    test: (frame) => {
      const value = test(frame);
      return typeof value === "boolean" ? !value : value;
    },
  };
}

/** Why a clause has its value; where no single part decides that, the reasons of the parts, up to three. */
export function reason({ kind, parts, because }: Clause, frame: Frame, value: Truth): string {
  if (because !== undefined) return because(frame, value);
  const told: string[] = [];
  for (const part of parts) {
    const own = fresh(part, frame);
    const agrees = kind === "not" || own === value || (value !== true && own !== true);
    if (agrees) told.push(reason(part, frame, own));
  }
  const shown = told.slice(0, 3).join(", and ");
  return told.length > 3 ? `${shown}, and ${told.length - 3} more` : shown;
}

/** A part alone costs no more than the whole, so with the whole's work to spend it has the value it had there. */
function fresh(clause: Clause, frame: Frame): Truth {
  frame.begin();
  return clause.test(frame);
}

/** The condition that decides a verdict, and the value that would turn the verdict around. */
export interface Decisive {
  readonly clause: Clause;
  readonly value: Truth;
  readonly flipped: boolean;
}

/**
 * Finds the smallest condition whose flipping alone flips the verdict of the whole. Going down from the root: where one
 * part decides, follow it; where several parts together do, the clause that joins them is the answer.
 */
export function decisive(root: Clause, frame: Frame): Decisive {
  let clause = root;
  let value = fresh(root, frame);
  let flipped = value !== true;
  // Only `true` is a match, so a match is undone by a fault too, while a miss is turned by the exact value alone.
  const exact = flipped;
  for (;;) {
    const next = deciding(clause, flipped, exact, frame);
    if (next === undefined) return { clause, value, flipped };
    if (clause.kind === "not") flipped = !flipped;
    clause = next;
    value = fresh(next, frame);
  }
}

function deciding(clause: Clause, wanted: boolean, exact: boolean, frame: Frame): Clause | undefined {
  if (clause.kind === "leaf") return undefined;
  if (clause.kind === "not") return clause.parts[0];
  // One part of this value decides the whole clause (false for `and`, true for `or`), with any others.
  const absorbing = clause.kind === "or";
  if (wanted === absorbing) return clause.parts[0];
  const opposed = clause.parts.filter((part) => {
    const value = fresh(part, frame);
    return exact ? value !== wanted : value === !wanted;
  });
  return opposed.length === 1 ? opposed[0] : undefined;
}

/** The verdict if `forced` had another value: what "decisive" means, and how tests check it. */
export function verdictIf(root: Clause, frame: Frame, forced: Clause, value: boolean): Truth {
  if (root === forced) return value;
  if (root.kind === "leaf") return root.test(frame);
  const values = root.parts.map((part) => verdictIf(part, frame, forced, value));
  if (root.kind === "not") return typeof values[0] === "boolean" ? !values[0] : values[0]!;
  const absorbing = root.kind === "or";
  if (values.includes(absorbing)) return absorbing;
  return values.find((one) => one instanceof Fault) ?? !absorbing;
}
