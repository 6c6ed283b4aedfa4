import type { Clause } from "../clause.ts";
import { type Frame, type Path, stepInto } from "../frame.ts";
import { isDescendant, type Segments, type Selector, selectors } from "./parse.ts";

/**
 * A query as closures: each segment visits what it selects and calls the next one, and the last answers whether to stop.
 * A visit costs one unit of the frame's fuel; with none left everything stops, and the caller sees `fuel` below zero.
 */
export type Visit = (value: unknown, frame: Frame) => boolean;

/** @param clauseOf compiles a filter's expression */
export function compileSegments(
  segments: Segments,
  clauseOf: (selector: InstanceType<typeof selectors.FilterSelector>) => Clause,
  last: Visit,
): Visit {
  let next = last;
  for (const segment of segments.toReversed()) {
    const visits = segment.selectors.map((selector) => compileSelection(selector, clauseOf, next));
    const all: Visit = visits.length === 1 ? visits[0]! : (value, frame) => visits.some((visit) => visit(value, frame));
    next = isDescendant(segment) ? descending(all) : all;
  }
  return next;
}

const enter = (value: unknown, step: string | number, next: Visit, frame: Frame): boolean => {
  frame.fuel -= 1;
  if (frame.fuel < 0) return true;
  if (frame.trail === undefined) return next(value, frame);
  frame.trail.push(step);
  const stop = next(value, frame);
  frame.trail.pop();
  return stop;
};

/** Calls `each` for the members or items of a value until it says stop. */
function children(value: unknown, frame: Frame, each: (child: unknown, step: string | number) => boolean): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) if (each(value[i], i)) return true;
  } else if (typeof value === "object" && value !== null) {
    for (const key of frame.keysOf(value)) if (each((value as Record<string, unknown>)[key], key)) return true;
  }
  return false;
}

function descending(next: Visit): Visit {
  const visit: Visit = (value, frame) =>
    next(value, frame) || children(value, frame, (child, step) => enter(child, step, visit, frame));
  return visit;
}

function compileSelection(
  selector: Selector,
  clauseOf: (selector: InstanceType<typeof selectors.FilterSelector>) => Clause,
  next: Visit,
): Visit {
  if (selector instanceof selectors.NameSelector) return single(selector.name, next);
  if (selector instanceof selectors.IndexSelector) return single(selector.index, next);
  if (selector instanceof selectors.WildcardSelector) {
    return (value, frame) => children(value, frame, (child, step) => enter(child, step, next, frame));
  }
  if (selector instanceof selectors.SliceSelector) {
    const { start, stop, step } = selector;
    return (value, frame) => Array.isArray(value) && slice(value, start, stop, step ?? 1, next, frame);
  }
  if (!(selector instanceof selectors.FilterSelector)) throw new Error(`unknown selector ${String(selector)}`);
  const { test } = clauseOf(selector);
  return (value, frame) => {
    const outer = frame.current;
    const stopped = children(value, frame, (child, step) => {
      frame.fuel -= 1;
      if (frame.fuel < 0) return true;
      frame.current = child;
      if (test(frame) !== true) return frame.fuel < 0;
      frame.current = outer;
      return enter(child, step, next, frame);
    });
    frame.current = outer;
    return stopped;
  };
}

const single =
  (step: string | number, next: Visit): Visit =>
  (value, frame) => {
    const child = stepInto(value, step);
    if (child === undefined) return false;
    return enter(child, typeof step === "number" && step < 0 ? (value as unknown[]).length + step : step, next, frame);
  };

/** RFC 9535, 2.3.4.2.2. */
function slice(
  array: readonly unknown[],
  start: number | undefined,
  stop: number | undefined,
  step: number,
  next: Visit,
  frame: Frame,
): boolean {
  if (step === 0) return false;
  const { length } = array;
  const from = (index: number) => (index < 0 ? length + index : index);
  const bound = (index: number, low: number, high: number) => Math.min(Math.max(from(index), low), high);
  if (step > 0) {
    const end = bound(stop ?? length, 0, length);
    for (let i = bound(start ?? 0, 0, length); i < end; i += step) if (enter(array[i], i, next, frame)) return true;
  } else {
    const end = stop === undefined ? -1 : bound(stop, -1, length - 1);
    for (let i = bound(start ?? length - 1, -1, length - 1); i > end; i += step) {
      if (enter(array[i], i, next, frame)) return true;
    }
  }
  return false;
}

/** The leading names and indexes of a query, and the segments after them. */
export function splitSingular(segments: Segments): { steps: (string | number)[]; rest: Segments } {
  const steps: (string | number)[] = [];
  for (const [index, segment] of segments.entries()) {
    const [selector, ...more] = segment.selectors;
    const step = more.length > 0 || isDescendant(segment) ? undefined : stepOf(selector);
    if (step === undefined) return { steps, rest: segments.slice(index) };
    steps.push(step);
  }
  return { steps, rest: [] };
}

function stepOf(selector: Selector | undefined): string | number | undefined {
  if (selector instanceof selectors.NameSelector) return selector.name;
  return selector instanceof selectors.IndexSelector ? selector.index : undefined;
}

/** Visits what `rest` selects below a path. */
export const visitBelow = (path: Path, rest: Visit): ((frame: Frame) => boolean) => {
  return (frame) => {
    const value = path.read(frame);
    return value !== undefined && rest(value, frame);
  };
};
