/**
 * The conformance cases of cel-spec (package @bufbuild/cel-spec) that concern JSON data, turned into plain values, and
 * their evaluation by our CEL. Left out, by name and reason: what needs protocol buffer messages, and extensions.
 */
import { getConformanceSuite, type IncrementalTestSuite } from "@bufbuild/cel-spec/testdata/tests.js";
import { compile } from "../../../../runtime/matching/cel/compile.ts";
import type { Compiled, Scope } from "../../../../runtime/matching/cel/compiled.ts";
import { equal } from "../../../../runtime/matching/cel/operators.ts";
import { parseCel } from "../../../../runtime/matching/cel/parser.ts";
import {
  CelMap,
  Duration,
  normalKey,
  T,
  Timestamp,
  TypeName,
  Uint,
  type Value,
} from "../../../../runtime/matching/cel/values.ts";
import { Fault, Frame } from "../../../../runtime/matching/frame.ts";

type SimpleTest = IncrementalTestSuite["tests"][number]["original"];
type SpecValue = NonNullable<Extract<SimpleTest["resultMatcher"], { case: "value" }>["value"]>;

export interface SpecCase {
  readonly file: string;
  readonly name: string;
  readonly expr: string;
  readonly unchecked: boolean;
  readonly bindings: ReadonlyMap<string, Value>;
  /** The value, or that evaluation must fail. */
  readonly expected: { readonly value: Value } | "error";
}

/** Files of the suite that are no part of the core language on JSON data. */
export const leftOutFiles: Readonly<Record<string, string>> = {
  bindings_ext: "extension",
  block_ext: "extension",
  encoders_ext: "extension",
  macros2: "extension (two-variable comprehensions)",
  math_ext: "extension",
  optionals: "extension",
  string_ext: "extension",
  proto2_ext: "extension",
  network_ext: "extension",
  dynamic: "protocol buffer wrappers",
  enums: "protocol buffer enums",
  proto2: "protocol buffer messages",
  proto3: "protocol buffer messages",
  wrappers: "protocol buffer wrappers",
  unknowns: "partial evaluation",
  type_deductions: "types that a checker deduces, not values",
};

const MESSAGE = /TestAllTypes|NestedTestAllTypes|google\.protobuf\.\w+\s*\{|GlobalEnum|NestedEnum|proto2|proto3/;

export function specCases(): { cases: SpecCase[]; messages: number; leftOut: Map<string, number> } {
  const cases: SpecCase[] = [];
  const leftOut = new Map<string, number>();
  let messages = 0;
  const visit = (file: string, tests: readonly IncrementalTestSuite["tests"][number][]) => {
    for (const { original } of tests) {
      const reason = leftOutFiles[file];
      if (reason !== undefined) leftOut.set(file, (leftOut.get(file) ?? 0) + 1);
      else {
        const read = caseOf(file, original);
        if (read === undefined) messages += 1;
        else cases.push(read);
      }
    }
  };
  const walk = (file: string, suite: IncrementalTestSuite) => {
    visit(file, suite.tests);
    for (const inner of suite.suites) walk(file, inner);
  };
  for (const file of getConformanceSuite().suites) walk(file.name, file);
  return { cases, messages, leftOut };
}

/** Undefined for a case that can't be told in JSON's terms: it names or binds a message. */
function caseOf(file: string, test: SimpleTest): SpecCase | undefined {
  // A container resolves names as protocol buffer packages do; selectors have none.
  if (MESSAGE.test(test.expr) || test.container !== "") return undefined;
  const bindings = new Map<string, Value>();
  for (const [name, { kind }] of Object.entries(test.bindings)) {
    if (kind.case !== "value") return undefined;
    const value = plain(kind.value as SpecValue);
    if (value === undefined) return undefined;
    bindings.set(name, value.value);
  }
  const { resultMatcher } = test;
  const common = { file, name: test.name, expr: test.expr, unchecked: test.disableCheck, bindings };
  if (resultMatcher.case === undefined) return { ...common, expected: { value: true } };
  if (resultMatcher.case === "evalError" || resultMatcher.case === "anyEvalErrors")
    return { ...common, expected: "error" };
  const expected =
    resultMatcher.case === "value"
      ? resultMatcher.value
      : resultMatcher.case === "typedResult"
        ? resultMatcher.value.result
        : undefined;
  const value = expected === undefined ? undefined : plain(expected as SpecValue);
  return value === undefined ? undefined : { ...common, expected: value };
}

function plain({ kind }: SpecValue): { value: Value } | undefined {
  switch (kind.case) {
    case "nullValue":
      return { value: null };
    case "uint64Value":
      return { value: new Uint(kind.value) };
    case "boolValue":
    case "int64Value":
    case "doubleValue":
    case "stringValue":
    case "bytesValue":
      return { value: kind.value };
    case "typeValue":
      return { value: new TypeName(kind.value) };
    case "listValue": {
      const items = kind.value.values.map((item) => plain(item as SpecValue));
      return items.includes(undefined) ? undefined : { value: items.map((item) => item!.value) };
    }
    case "mapValue": {
      const map = new CelMap();
      for (const { key, value } of kind.value.entries) {
        const [k, v] = [plain(key as SpecValue), plain(value as SpecValue)];
        if (k === undefined || v === undefined) return undefined;
        map.entries.set(normalKey(k.value)!, [k.value, v.value]);
      }
      return { value: map };
    }
    case "objectValue":
      return message(kind.value.typeUrl, kind.value.value);
    default:
      return undefined;
  }
}

/** Timestamps and durations are the two messages that JSON data meets: seconds and nanoseconds as varints 1 and 2. */
function message(typeUrl: string, bytes: Uint8Array): { value: Value } | undefined {
  const fields = [0n, 0n, 0n];
  for (let at = 0; at < bytes.length; ) {
    const field = bytes[at]! >> 3;
    let shift = 0n;
    let value = 0n;
    do {
      at += 1;
      value |= BigInt(bytes[at]! & 0x7f) << shift;
      shift += 7n;
    } while ((bytes[at]! & 0x80) !== 0);
    at += 1;
    fields[field] = BigInt.asIntN(64, value);
  }
  const nanos = fields[1]! * 1_000_000_000n + fields[2]!;
  if (typeUrl.endsWith("google.protobuf.Timestamp")) return { value: new Timestamp(nanos) };
  return typeUrl.endsWith("google.protobuf.Duration") ? { value: new Duration(nanos) } : undefined;
}

/** Evaluates an expression over plain bindings, with our checks unless the case asks for none. */
export function evaluate(expr: string, bindings: ReadonlyMap<string, Value>, strict: boolean): Value {
  const variables = new Map<string, Compiled>();
  for (const [name, value] of bindings) {
    variables.set(name, { run: () => value, types: T.any, reads: [], weight: 1 });
  }
  const scope: Scope = { variables, depth: 0, strict };
  const frame = new Frame({
    event_id: "evt_0",
    event_type: null,
    received_at: "2026-01-01T00:00:00.000Z",
    payload: {},
  });
  frame.fuel = 1e9;
  return compile(parseCel(expr), scope).run(frame);
}

/** The reason why a case fails, or undefined when it passes. */
export function failure({ expr, bindings, unchecked, expected }: SpecCase): string | undefined {
  let value: Value;
  try {
    value = evaluate(expr, bindings, !unchecked);
  } catch (thrown) {
    return expected === "error" && unchecked ? undefined : `refused: ${(thrown as Error).message}`;
  }
  if (expected === "error") return value instanceof Fault ? undefined : `no error but ${String(value)}`;
  if (value instanceof Fault) return `error: ${value.reason}`;
  const frame = new Frame({ event_id: "", event_type: null, received_at: "", payload: {} });
  const nan = typeof value === "number" && Number.isNaN(value) && Number.isNaN(expected.value);
  return nan || equal(value, expected.value, frame) ? undefined : `${String(value)} is not ${String(expected.value)}`;
}
