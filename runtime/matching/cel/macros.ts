import { Fault, type Frame, TOO_COSTLY } from "../frame.ts";
import type { Macro, Place } from "./ast.ts";
import { type Compile, type Compiled, condition, refuse, type Scope } from "./compiled.ts";
import { isMap, keysOfMap } from "./operators.ts";
import { noOverload, T, typeNames, type Value } from "./values.ts";

/** `all`, `exists`, `exists_one`, `filter` and `map` over a list or the keys of a map (cel-spec, "Macros"). */
export function compileMacro(ast: Macro & Place, scope: Scope, compile: Compile): Compiled {
  const of = compile(ast.of, scope);
  if ((of.types & (T.list | T.map)) === 0 && scope.strict) {
    throw refuse(ast.of, `${ast.macro}() works on a list or a map, not ${typeNames(of.types)}`);
  }
  const slot = scope.depth;
  const element: Compiled = {
    run: (frame) => frame.slots[slot],
    types: of.types === T.json ? T.json : T.any,
    reads: [],
    weight: 1,
  };
  const inner: Scope = { ...scope, depth: slot + 1, variables: new Map(scope.variables).set(ast.variable, element) };
  const test = ast.test === undefined ? undefined : condition(ast.test, inner, compile);
  const make = ast.make === undefined ? undefined : compile(ast.make, inner);
  const body = (test?.weight ?? 0) + (make?.weight ?? 0);
  const step = 1 + Math.ceil(body / 2);
  const loop = LOOPS[ast.macro];
  return {
    run: (frame) => {
      const range = of.run(frame);
      if (range instanceof Fault) return range;
      const items = itemsOf(range, frame);
      if (items instanceof Fault) return items;
      const outer = frame.slots[slot];
      const value = loop(
        {
          items,
          at: (item) => enter(frame, slot, item, step),
          test: test?.run ?? ALWAYS,
          make: make?.run ?? element.run,
        },
        frame,
      );
      frame.slots[slot] = outer;
      return frame.fuel < 0 ? TOO_COSTLY : value;
    },
    types: ast.macro === "filter" || ast.macro === "map" ? T.list : T.bool,
    reads: of.reads,
    weight: 1 + of.weight + body,
  };
}

const ALWAYS = () => true;

/** Makes an item the variable's value; false when the work is used up. */
function enter(frame: Frame, slot: number, item: Value, step: number): boolean {
  frame.slots[slot] = item;
  frame.fuel -= step;
  return frame.fuel >= 0;
}

function itemsOf(range: Value, frame: Frame): readonly Value[] | Fault {
  if (Array.isArray(range)) return range;
  if (typeof range === "object" && range !== null && isMap(range)) return keysOfMap(range, frame);
  return new Fault("type", "it is neither a list nor a map");
}

interface Loop {
  readonly items: readonly Value[];
  at(item: Value): boolean;
  test(frame: Frame): Value;
  make(frame: Frame): Value;
}

const fault = (value: Value): Fault => (value instanceof Fault ? value : noOverload("condition", value));

/** True or false as soon as one element says so; otherwise the first fault, if there was one. */
function quantify({ items, at, test }: Loop, frame: Frame, absorbing: boolean): Value {
  let first: Fault | undefined;
  for (const item of items) {
    if (!at(item)) return TOO_COSTLY;
    const value = test(frame);
    if (value === absorbing) return absorbing;
    if (value !== !absorbing) first ??= fault(value);
  }
  return first ?? !absorbing;
}

const LOOPS: Readonly<Record<Macro["macro"], (loop: Loop, frame: Frame) => Value>> = {
  all: (loop, frame) => quantify(loop, frame, false),
  exists: (loop, frame) => quantify(loop, frame, true),
  exists_one: (loop, frame) => {
    const found = collect({ ...loop, make: ALWAYS }, frame);
    return found instanceof Fault ? found : found.length === 1;
  },
  filter: (loop, frame) => collect(loop, frame),
  map: (loop, frame) => collect(loop, frame),
};

function collect({ items, at, test, make }: Loop, frame: Frame): Value[] | Fault {
  const made: Value[] = [];
  for (const item of items) {
    if (!at(item)) return TOO_COSTLY;
    const value = test(frame);
    if (value === false) continue;
    if (value !== true) return fault(value);
    const result = make(frame);
    if (result instanceof Fault) return result;
    made.push(result);
  }
  return made;
}
