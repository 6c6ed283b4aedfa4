import assert from "node:assert/strict";
import { celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import fc from "fast-check";
import { test } from "uvu";
import type { Event } from "../../../runtime/domain/event.ts";
import { compileCel } from "../../../runtime/matching/cel/index.ts";
import { Fault, Frame, PathPool } from "../../../runtime/matching/frame.ts";
import { anyEvent, cel } from "./support/arbitraries.ts";
import { evaluate, failure, leftOutFiles, specCases } from "./support/celSpec.ts";

const runs = Number(process.env.MATCHING_RUNS ?? 1);
const { cases, messages, leftOut } = specCases();

test("every core case of cel-spec on JSON data passes", () => {
  const failing = cases.flatMap((one) => {
    const why = failure(one);
    return why === undefined ? [] : [`${one.file}/${one.name}: ${why}`];
  });
  const byFile = new Map<string, number>();
  for (const { file } of cases) byFile.set(file, (byFile.get(file) ?? 0) + 1);
  console.log(`\n  cel-spec: ${cases.length - failing.length} of ${cases.length} core cases on JSON data pass`);
  console.log(`  ${[...byFile].map(([file, count]) => `${file} ${count}`).join(", ")}`);
  console.log(
    `  left out: ${messages} core cases on protocol buffer messages; ${[...leftOut].map(([file, n]) => `${file} ${n}`).join(", ")}`,
  );
  assert.deepEqual(failing, []);
});

test("the suite has all 1,079 core cases on JSON data, and every omitted case has a reason", () => {
  assert.equal(cases.length, 1_079);
  assert.equal(messages, 100);
  assert.deepEqual(
    [...leftOut.keys()].filter((file) => leftOutFiles[file] === undefined),
    [],
  );
});

/** What an expression comes to, told in one word. */
const ours = (text: string, event: Event): string => {
  const value = compileCel(text, new PathPool()).test(new Frame(event));
  return value instanceof Fault ? "error" : String(value);
};

const environment = celEnv();

const theirs = (text: string, event: Event): string => {
  // The oracle's timestamps are protocol buffer messages; written out, the variable needs none.
  const written = text.replaceAll("received_at", `timestamp(${JSON.stringify(event.received_at)})`);
  const { payload, event_type, event_id } = event;
  const value = plan(environment, parse(written))({ event: payload, event_type, event_id } as never);
  return isCelError(value) || typeof value !== "boolean" ? "error" : String(value);
};

const refused = (text: string): boolean => {
  try {
    compileCel(text, new PathPool());
    return false;
  } catch {
    return true;
  }
};

test("a selector is true, false or in error exactly as @bufbuild/cel says", () => {
  fc.assert(
    fc.property(cel, anyEvent, (text, event) => {
      fc.pre(!refused(text));
      // The oracle takes a member that is null for one that is absent; in cel-spec it is a key of the map.
      fc.pre(!/has|'a' in/.test(text) || !JSON.stringify(event.payload).includes("null"));
      assert.equal(ours(text, event), theirs(text, event));
    }),
    { numRuns: 1_500 * runs },
  );
});

const number = fc.constantFrom(
  "0",
  "1",
  "-1",
  "2",
  "7",
  "9223372036854775807",
  "-9223372036854775808",
  "0u",
  "3u",
  "18446744073709551615u",
);
const real = fc.constantFrom("0.0", "-0.0", "1.0", "1.5", "-2.5", "1e300", "9223372036854775808.0");
/** Without the texts of which the oracle, by JavaScript's BigInt, makes ints: the empty one and hexadecimal ones. */
const text = fc.constantFrom(
  "'a'",
  "'ab'",
  "'é💩'",
  "'1'",
  "'-7'",
  "'1.5'",
  "'true'",

  "'1h30m'",
  "'2026-02-28T23:59:59.5Z'",
);
const expression = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    number,
    real,
    text,
    fc.constantFrom(
      "true",
      "false",
      "null",
      "b'a'",
      "[]",
      "[1, 2.0, 'a']",
      "{'a': 1, 2: 'b'}",
      "[[1], [1.0]]",
      "event",
      "event.a",
      "event.b",
    ),
    fc
      .tuple(
        tie("any"),
        fc.constantFrom("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"),
        tie("any"),
      )
      .map(([left, sign, right]) => `(${left} ${sign} ${right})`),
    fc
      .tuple(fc.constantFrom("int", "uint", "string", "bool", "bytes", "size", "type", "dyn"), tie("any"))
      .map(([name, of]) => `${name}(${of})`),
    // Of a text that is no number the oracle makes NaN instead of an error.
    fc.oneof(number, real).map((of) => `double(${of})`),
    fc
      .tuple(tie("any"), fc.constantFrom("contains", "startsWith", "endsWith"), text)
      .map(([of, name, arg]) => `${of}.${name}(${arg})`),
    fc.tuple(tie("any"), fc.constantFrom("[0]", "['a']", "[1.0]", ".a", ".size()")).map(([of, at]) => `${of}${at}`),
    fc
      .tuple(
        tie("any"),
        fc.constantFrom("all", "exists", "exists_one", "filter", "map"),
        fc.constantFrom("e == 1", "e", "e > 1.0", "true", "e in ['a']"),
      )
      .map(([of, name, body]) => `${of}.${name}(e, ${body})`),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([test_, yes, no]) => `(${test_} ? ${yes} : ${no})`),
    tie("any").map((of) => `-(${of})`),
    tie("any").map((of) => `!(${of})`),
  ),
})).any;

test("two expressions of any types are equal, unequal or in error exactly as @bufbuild/cel says", () => {
  fc.assert(
    fc.property(expression, expression, anyEvent, (left, right, event) => {
      const compared = `(${left}) == (${right})`;
      // The oracle's parser drops a doubled `!` or `-` together with the check of what it stands before.
      fc.pre(!/!\(!|-\(-/.test(compared));
      // It writes a negative zero as "0", where cel-go and we write "-0"; one is made by a sign, a product or a quotient.
      fc.pre(!(compared.includes("string(") && /[-*/]/.test(compared)));
      // Where its type is not known, a whole number may be one of the event and counts as an int where it meets one (docs/decisions/numbers.md);
      // for the oracle it is a double.
      fc.pre(!(/event|dyn|[?[{]/.test(compared) && / [-+*/%] /.test(compared)));
      fc.pre(!/""|null/.test(JSON.stringify(event.payload)));
      let value: unknown;
      try {
        value = evaluate(compared, new Map([["event", event.payload]]), false);
      } catch {
        // Deeper or longer than our bounds allow.
        fc.pre(false);
      }
      assert.equal(value instanceof Fault ? "error" : String(value), theirs(compared, event), compared);
    }),
    { numRuns: 2_000 * runs },
  );
});

test.run();
