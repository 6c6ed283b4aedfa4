import assert from "node:assert/strict";
import { createRequire } from "node:module";
import fc from "fast-check";
import { test } from "uvu";
import { firstInvalidUtf8, MAX_FAULTS, type Scan, scan } from "../../../runtime/domain/body/scan.ts";
import { defined } from "../../../runtime/domain/defined.ts";

const runs = Number(process.env.SCAN_RUNS ?? 1_000);
const of = (text: string | Buffer): Scan => scan(Buffer.from(text));

/** The scan of a body that is JSON. */
function scanned(text: string | Buffer) {
  const result = of(text);
  assert.equal(result.kind, "scanned", JSON.stringify(result));
  return result as Extract<Scan, { kind: "scanned" }>;
}

/** Each event's text, as the scanner cut it. */
const slices = (text: string): string[] => {
  const body = Buffer.from(text);
  return scanned(body).events.map(({ start, end }) => body.toString("utf8", start, end));
};

const malformed: [says: string, text: string | Buffer, message: string, line: number, column: number, byte: number][] =
  [
    ["nothing", "", "the text ends where a value should be", 1, 1, 0],
    ["only space", " \n ", "the text ends where a value should be", 2, 2, 3],
    ["a byte order mark alone", "\ufeff", "the text ends where a value should be", 1, 2, 3],
    ["a bare word", "hello", 'expected a value, found "h"', 1, 1, 0],
    ["half a literal", '{"a":tru}', 'expected "true", found "}"', 1, 9, 8],
    ["a leading zero", '{"a":01}', 'expected "," or "}", found "1"', 1, 7, 6],
    ["a plus sign", '{"a":+1}', 'expected a value, found "+"', 1, 6, 5],
    ["a number that ends in a dot", '{"a":1.}', 'expected a digit, found "}"', 1, 8, 7],
    ["an exponent without digits", '{"a":1e}', 'expected a digit, found "}"', 1, 8, 7],
    ["a minus alone", '{"a":-}', 'expected a digit, found "}"', 1, 7, 6],
    ["a trailing comma in an object", '{"a":1,}', 'expected a member name in quotes, found "}"', 1, 8, 7],
    ["a trailing comma in an array", "[{},]", 'expected a value, found "]"', 1, 5, 4],
    ["a trailing comma in a nested array", '{"a":[1,]}', 'expected a value, found "]"', 1, 9, 8],
    ["a name without quotes", "{a:1}", 'expected a member name in quotes, found "a"', 1, 2, 1],
    ["a name in single quotes", "{'a':1}", `expected a member name in quotes, found "'"`, 1, 2, 1],
    ["a missing colon", '{"a" 1}', 'expected ":", found "1"', 1, 6, 5],
    ["a missing comma", '{"a":1 "b":2}', 'expected "," or "}", found "\\""', 1, 8, 7],
    ["a second value", "{} {}", 'expected the end of the text, found "{"', 1, 4, 3],
    ["a comment", '{/**/"a":1}', 'expected a member name in quotes, found "/"', 1, 2, 1],
    ["a line feed in a string", '{"a":"x\ny"}', "a string must not hold byte 0x0a unescaped", 1, 8, 7],
    ["a NUL in a name", '{"\0":1}', "a string must not hold byte 0x00 unescaped", 1, 3, 2],
    ["an unknown escape", '{"a":"\\x"}', 'there is no escape of "x"', 1, 8, 7],
    ["a short unicode escape", '{"a":"\\u12"}', 'expected a hexadecimal digit, found "\\""', 1, 11, 10],
    ["an end inside a string", '{"a":"b', "the text ends inside a string", 1, 8, 7],
    ["an end inside an escape", '{"a":"\\', "the text ends inside a string", 1, 8, 7],
    ["an end inside a unicode escape", '{"a":"\\u0', "the text ends inside a string", 1, 10, 9],
    ["an end inside an object", '{"a":1', 'the text ends where "," or "}" should be', 1, 7, 6],
    ["an end inside the list", "[{}", 'the text ends where "," or "]" should be', 1, 4, 3],
    ["mismatched brackets", '{"a":[1}', 'expected "," or "]", found "}"', 1, 8, 7],
    ["a position after several lines", '{\n  "é": 1,\n  "b": nope\n}', 'expected "null", found "o"', 3, 9, 21],
    ["a form feed as space", "\f{}", "expected a value, found byte 0x0c", 1, 1, 0],
    ["a no-break space", "\u00a0{}", "expected a value, found byte 0xc2", 1, 1, 0],
    ["a second byte order mark", "\ufeff\ufeff{}", "expected a value, found byte 0xef", 1, 2, 3],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22]), "the text is not UTF-8", 1, 3, 2],
    ["an overlong encoding", Buffer.from([0x22, 0xc0, 0xaf, 0x22]), "the text is not UTF-8", 1, 2, 1],
    ["an encoded surrogate", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), "the text is not UTF-8", 1, 2, 1],
    ["UTF-16", Buffer.from("{}", "utf16le"), "expected a member name in quotes, found byte 0x00", 1, 2, 1],
  ];
for (const [says, text, message, line, column, byte] of malformed) {
  test(`${says} is not JSON, and is told with its place`, () =>
    assert.deepEqual(of(text), { kind: "malformed", message, at: { line, column, byte } }));
}

const invalid = (path: string, message: string, index?: number) => ({
  ...defined({ index }),
  path,
  code: "invalid_event",
  message,
});
const deep = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
const deepArrays = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
const tooDeep = "The event is nested deeper than 64 levels.";
const typeLength = "`event_type` must have 1 to 256 characters.";

const faults: [says: string, text: string, faults: object[]][] = [
  ["an object has no fault", '{"a":1}', []],
  ["an empty array has none of its own", "[]", []],
  ["a number is no event", "1", [invalid("", "An event must be a JSON object; this is a plain value.")]],
  [
    "each element that is no object is named",
    '[{},"x",[[]],null]',
    [1, 2, 3].map((i) =>
      invalid("", `An event must be a JSON object; this is ${i === 2 ? "an array" : "a plain value"}.`, i),
    ),
  ],
  ["64 levels are allowed", deep(64), []],
  ["65 levels are not", deep(65), [invalid("", tooDeep)]],
  ["64 levels with arrays are allowed", deepArrays(64), []],
  ["65 levels with arrays are not", deepArrays(65), [invalid("", tooDeep)]],
  ["the list around the events is no level", `[${deep(64)},${deep(65)}]`, [invalid("", tooDeep, 1)]],
  ["an event type of 256 characters is allowed", `{"event_type":"${"é".repeat(256)}"}`, []],
  ["characters are counted, not UTF-16 units", `{"event_type":"${"😀".repeat(256)}"}`, []],
  ["257 are too many", `{"event_type":"${"😀".repeat(257)}"}`, [invalid("/event_type", typeLength)]],
  ["an empty event type is refused", '{"event_type":""}', [invalid("/event_type", typeLength)]],
  ["null is the same as none", '{"event_type":null}', []],
  ["nor is an object", '{"event_type":{"a":1}}', [invalid("/event_type", "`event_type` must be a string.")]],
  [
    "an escaped name is the same name",
    '{"event\\u005ftype":5}',
    [invalid("/event_type", "`event_type` must be a string.")],
  ],
  ["an event_type further in is the customer's own", '{"a":{"event_type":5}}', []],
  ["a lone surrogate in a payload is text like any other", '{"a":"\\ud800","\\udc00":1}', []],
  [
    "but not in an event type",
    '{"event_type":"\\ud800"}',
    [invalid("/event_type", "`event_type` must not hold a lone surrogate.")],
  ],
];
for (const [says, text, expected] of faults) test(says, () => assert.deepEqual(scanned(text).faults, expected));

const repeated: [says: string, text: string, paths: [index: number | undefined, path: string, name: string][]][] = [
  ["a repeated name", '{"a":1,"a":2}', [[undefined, "/a", '"a"']]],
  ["one that repeats only when unescaped", '{"a":1,"\\u0061":2}', [[undefined, "/a", '"\\u0061"']]],
  ["and the other way about", '{"\\u0061":1,"b":2,"a":2}', [[undefined, "/a", '"a"']]],
  ["one inside arrays and objects", '{"x":[0,{"y":{"b":1,"b":2}}]}', [[undefined, "/x/1/y/b", '"b"']]],
  ["one in the second event", '[{"a":1},{"a":1,"a":2}]', [[1, "/a", '"a"']]],
  ["names that a pointer must escape", '{"a/b~c":1,"a/b~c":2}', [[undefined, "/a~1b~0c", '"a/b~c"']]],
  ["the name __proto__", '{"__proto__":1,"__proto__":2}', [[undefined, "/__proto__", '"__proto__"']]],
  ["lone surrogates that are the same", '{"\\ud800":1,"\\uD800":2}', [[undefined, "/\ud800", '"\\uD800"']]],
];
for (const [says, text, paths] of repeated) {
  test(`${says} is invalid JSON, with its path`, () =>
    assert.deepEqual(
      scanned(text).faults.map(({ index, path, code, message }) => [index, path, code, message]),
      paths.map(([index, path, name]) => [index, path, "invalid_json", `The member name ${name} is repeated.`]),
    ));
}

test("names that differ only by a lone surrogate are not the same", () =>
  assert.deepEqual(scanned('{"\\ud800":1,"\\ud801":2,"\ufffd":3}').faults, []));

test("__proto__ once is a name like any other", () => {
  assert.deepEqual(slices('{"__proto__":{"admin":true}}'), ['{"__proto__":{"admin":true}}']);
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test("a name may come again in another object", () =>
  assert.deepEqual(scanned('{"a":{"a":[{"a":1},{"a":1}]},"b":{"a":1}}').faults, []));

test("a repeated name is found among many", () => {
  const members = Array.from({ length: 5_000 }, (_, i) => `"name${i}":${i}`);
  assert.deepEqual(scanned(`{${members.join(",")}}`).faults, []);
  const result = scanned(`{${members.join(",")},"name7":0}`);
  assert.deepEqual(
    result.faults.map(({ path }) => path),
    ["/name7"],
  );
});

test("names whose hashes collide are told apart", () => {
  // "Aa" and "BB" have the same 31-polynomial hash, and so has any mix of them.
  const names = Array.from({ length: 16 }, (_, i) => [8, 4, 2, 1].map((bit) => (i & bit ? "Aa" : "BB")).join(""));
  const text = (list: string[]) => `{${list.map((name) => `"${name}":1`).join(",")}}`;
  assert.deepEqual(scanned(text(names)).faults, []);
  assert.equal(scanned(text([...names, names[3]!])).faults.length, 1);
});

test("an object closed before does not lend its names to the next one", () =>
  assert.deepEqual(scanned('{"x":{"\\u0061":1},"y":{"a":1},"z":[{"a":{}},{"a":{}}]}').faults, []));

const wide = `{${Array.from({ length: 25 }, (_, i) => `"m${i}":${i}`).join(",")}}`;
const sequences: [says: string, text: string][] = [
  ["events of many members", `[${wide},${wide},${wide}]`],
  ["an event with an escape in a name", '[{"event_type":"x","na\\u006de":1},{"event_type":"x"}]'],
];
for (const [says, text] of sequences) {
  test(`${says} do not lend their names to the next event`, () => assert.deepEqual(scanned(text).faults, []));
}

test("at most 100 faults are answered, and all events are counted", () => {
  const result = scanned(`[${Array.from({ length: 3_000 }, () => "1").join(",")}]`);
  assert.equal(result.faults.length, MAX_FAULTS);
  assert.equal(result.count, 3_000);
  assert.equal(result.events.length, 1_000);
});

test("each event is cut as it was sent", () =>
  assert.deepEqual(slices('\ufeff [ {"a" : 1e400} ,\n{"b":"\\u00e9\\/"},{ } ] '), [
    '{"a" : 1e400}',
    '{"b":"\\u00e9\\/"}',
    "{ }",
  ]));

test("the event type is read with its escapes", () =>
  assert.deepEqual(
    scanned('[{"event_type":"order.created"},{"x":1,"event\\u005ftype":"a\\u00e9\\ud83d\\ude00"},{}]').events.map(
      ({ type }) => type,
    ),
    ["order.created", "aé😀", null],
  ));

test("a million brackets are no danger", () => {
  assert.equal(of("[".repeat(1_000_000)).kind, "malformed");
  assert.equal(of('{"a":'.repeat(200_000)).kind, "malformed");
  const result = scanned(`{"a":${"[".repeat(400_000)}${"]".repeat(400_000)}}`);
  assert.deepEqual(result.faults, [invalid("", tooDeep)]);
});

/** Whether JSON.parse takes the text, as an oracle for the syntax alone. */
function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("any JSON text of events is accepted, and each event comes out as it went in", () =>
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 }), fc.nat(3), (events, indent) => {
      const texts = events.map((event) => JSON.stringify({ ...event, event_type: "t" }, null, indent));
      assert.deepEqual(slices(`[${texts.join(" ,\n")}]`), texts);
    }),
    { numRuns: runs },
  ));

const soup = fc.array(
  fc.constantFrom(
    ..."{}[],:\"\\ \n\t0123456789.eE+-truefalsn/bu'\u00e9\u2028\0",
    ...['"a"', '"b":', "null", "true", "1e5", '\\"', "\\u00", "\\ud834", '{"a":1}', "[1,2]", "-0", "0.5"],
  ),
  { maxLength: 40 },
);

test("a soup of JSON's characters is JSON exactly when JSON.parse says so", () =>
  fc.assert(
    fc.property(soup, (parts) => {
      const text = parts.join("");
      assert.equal(of(text).kind === "scanned", parses(text), JSON.stringify(text));
    }),
    { numRuns: 10 * runs },
  ));

test("JSON with one character changed is JSON exactly when JSON.parse says so", () =>
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom(...'{}[],:"\\0e-. x\n'),
      fc.boolean(),
      (json, where, by, cut) => {
        const at = where % (json.length + 1);
        const text = json.slice(0, at) + by + json.slice(cut ? at + 1 : at);
        assert.equal(of(text).kind === "scanned", parses(text), JSON.stringify(text));
      },
    ),
    { numRuns: 3 * runs },
  ));

test("any bytes are JSON exactly when they are UTF-8 that JSON.parse takes", () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const body = Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('"}')]);
      let text: string | undefined;
      try {
        text = new TextDecoder("utf-8", { fatal: true }).decode(body);
      } catch {
        text = undefined;
      }
      assert.equal(scan(body).kind === "scanned", text !== undefined && parses(text));
    }),
    { numRuns: runs },
  ));

test("the first byte that is not UTF-8 is where a decoder stops", () =>
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.uint8Array({ minLength: 1, maxLength: 12 }), (text, bytes) => {
      const body = Buffer.concat([Buffer.from(text.toWellFormed()), bytes]);
      const fits = (length: number) => {
        try {
          new TextDecoder("utf-8", { fatal: true }).decode(body.subarray(0, length));
          return true;
        } catch {
          return false;
        }
      };
      if (fits(body.length)) return;
      let longest = body.length;
      while (!fits(longest)) longest -= 1;
      assert.equal(firstInvalidUtf8(body), longest);
    }),
    { numRuns: runs },
  ));

/** A tree of members, as pairs: names may repeat. */
type Tree = readonly (readonly [name: string, value: Tree | { readonly list: readonly Tree[] } | number])[];
const names = fc.constantFrom("a", "b", "Aa", "BB", "__proto__", "é", "", "a/b", "c~d", 'q"\\', "😀");
const { tree } = fc.letrec<{ tree: Tree }>((tie) => {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.nat(9) },
    { weight: 2, arbitrary: tie("tree") },
    { weight: 1, arbitrary: fc.record({ list: fc.array(tie("tree") as fc.Arbitrary<Tree>, { maxLength: 3 }) }) },
  );
  const few = fc.array(fc.tuple(names, value), { maxLength: 5 });
  // More members than are compared one by one: other names in front of, between and behind the few.
  const many = fc
    .tuple(few, fc.integer({ min: 20, max: 30 }), fc.nat())
    .map(([members, count, where]) => [
      ...members.slice(0, where % (members.length + 1)),
      ...Array.from({ length: count }, (_, i) => [`m${i}`, i] as const),
      ...members.slice(where % (members.length + 1)),
    ]);
  return { tree: fc.oneof({ weight: 4, arbitrary: few }, { weight: 1, arbitrary: many }) as fc.Arbitrary<Tree> };
});

/** The text of these members, some names escaped, and the paths (JSON Pointer) of the names that are repeated. */
function write(members: Tree, escaped: () => boolean, path = ""): { text: string; repeated: string[] } {
  const seen = new Set<string>();
  const repeated: string[] = [];
  const quoted = (name: string) =>
    escaped()
      ? `"${[...Buffer.from(name, "utf16le").swap16().toString("hex").matchAll(/..../g)].map(([unit]) => `\\u${unit}`).join("")}"`
      : JSON.stringify(name);
  const inner = (value: Tree[number][1], at: string): string => {
    if (typeof value === "number") return String(value);
    if ("list" in value) return `[${value.list.map((each, i) => inner(each, `${at}/${i}`)).join(", ")}]`;
    const nested = write(value, escaped, at);
    repeated.push(...nested.repeated);
    return nested.text;
  };
  const parts = members.map(([name, value]) => {
    const at = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (seen.has(name)) repeated.push(at);
    seen.add(name);
    return `${quoted(name)} : ${inner(value, at)}`;
  });
  return { text: `{${parts.join(",")}}`, repeated };
}

test("in any sequence of events, repeated names are found exactly where they are, however they are written", () =>
  fc.assert(
    fc.property(fc.array(tree, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.boolean()), (trees, escapes) => {
      const written = trees.map((members) => write(members, () => escapes.next().value as boolean));
      const text = `[${written.map((each) => each.text).join(",")}]`;
      const expected = written.flatMap(({ repeated }, index) => repeated.map((path) => ({ index, path })));
      const found = scanned(text).faults.map(({ index, path }) => ({ index, path }));
      assert.deepEqual(found, expected.slice(0, MAX_FAULTS), text);
      assert.deepEqual(
        slices(text),
        written.map((each) => each.text),
      );
    }),
    { numRuns: runs },
  ));

test("genuine webhook bodies are cut as they were sent", () => {
  const load = createRequire(import.meta.url);
  const groups = load("@octokit/webhooks-examples/api.github.com/index.json") as { examples: object[] }[];
  const texts = groups.flatMap(({ examples }) => examples.map((example) => JSON.stringify(example)));
  assert.ok(texts.length > 100);
  for (const text of texts) assert.deepEqual(slices(text), [text]);
});

test.run();
