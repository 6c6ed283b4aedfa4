import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { encodeArchive } from "../../../runtime/domain/codec/index.ts";
import { eventHeads } from "../../../runtime/domain/event.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import { type ArchiveLine, headOf, keepEvents, parseLine, splitLines } from "../../../runtime/retain/archiveLines.ts";
import { formatted, oldArchive } from "../../support/archiveText.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A batch's line as it is written today. */
function lineOf(customer: string, environment: string, payloads: readonly string[]): Buffer {
  const batch = { first: newUlid(AT, payloads.length) };
  const head = eventHeads(
    batch.first,
    payloads.map(() => null),
  );
  const events = payloads.map((text, i) => ({ head: head(i), raw: Buffer.from(text) }));
  return Buffer.concat(encodeArchive(batch, customer, environment, events));
}
/** And as it was written before. */
const oldLineOf = (customer: string, environment: string, payloads: readonly string[]): Buffer =>
  oldArchive(
    { first: newUlid(AT, payloads.length) },
    customer,
    environment,
    payloads.map((text) => ({ type: null, text })),
  );

/** Every payload of an object's lines by whose it is, and the unreadable lines. */
function read(object: Buffer) {
  const { lines, unreadable } = splitLines(object);
  const parsed = lines.map(parseLine);
  return {
    payloads: parsed.flatMap((line) =>
      "events" in line ? line.events.map(({ payload }) => [line.tenant, payload]) : [],
    ),
    unreadable: [...unreadable, ...parsed.flatMap((line) => ("reason" in line ? [line] : []))],
  };
}

const batches = fc.array(
  fc.record({
    customer: fc.constantFrom("cus_a", "cus_b"),
    environment: fc.constantFrom("live", "sandbox"),
    payloads: fc.array(formatted, { minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 5 },
);
const tenant = (customer: string, environment: string) => (environment === "live" ? customer : `${customer}.sandbox`);

test("an event in any formatting is on one line, and its text stays except for line ends", () =>
  fc.assert(
    fc.property(batches, (drawn) => {
      for (const { customer, environment, payloads } of drawn) {
        const line = lineOf(
          customer,
          environment,
          payloads.map(({ text }) => text),
        );
        assert.deepEqual([line.indexOf("\n"), line.indexOf("\r")], [line.length - 1, -1]);
        assert.deepEqual(read(line), {
          payloads: payloads.map(({ text }) => [tenant(customer, environment), text.replaceAll(/[\r\n]/g, " ")]),
          unreadable: [],
        });
      }
    }),
  ));

test("lines with line ends inside, as they were written before, are read as they stand", () =>
  fc.assert(
    fc.property(batches, fc.infiniteStream(fc.boolean()), (drawn, old) => {
      const object = Buffer.concat(
        drawn.map(({ customer, environment, payloads }) => {
          const texts = payloads.map(({ text }) => text);
          return old.next().value ? oldLineOf(customer, environment, texts) : lineOf(customer, environment, texts);
        }),
      );
      const { payloads, unreadable } = read(object);
      assert.deepEqual(unreadable, []);
      assert.deepEqual(
        payloads.map(([whose, text]) => [whose, text!.replaceAll(/[\r\n]/g, " ")]),
        drawn.flatMap(({ customer, environment, payloads }) =>
          payloads.map(({ text }) => [tenant(customer, environment), text.replaceAll(/[\r\n]/g, " ")]),
        ),
      );
    }),
  ));

test("a payload that looks like another customer's lines is not read as lines", () => {
  const forged = lineOf("cus_victim", "live", ['{"amount":1000000}']).toString().trimEnd();
  for (const payload of [`{"a":\n${forged}\n}`, `{"a":[1,\n${forged}\n,\n${forged}\n]}`, `{"a":\r\n${forged}}`]) {
    assert.deepEqual(read(Buffer.concat([oldLineOf("cus_a", "live", [payload]), lineOf("cus_b", "live", ["{}"])])), {
      payloads: [
        ["cus_a", payload],
        ["cus_b", "{}"],
      ],
      unreadable: [],
    });
  }
});

const compactBatches = fc.array(fc.array(formatted, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });

test("a line that is cut off at any place loses only itself", () =>
  fc.assert(
    fc.property(
      compactBatches,
      compactBatches,
      formatted,
      fc.nat(),
      fc.boolean(),
      (before, after, torn, where, ended) => {
        const whole = (list: typeof before) =>
          list.map((payloads) =>
            lineOf(
              "cus_a",
              "live",
              payloads.map(({ text }) => text),
            ),
          );
        const line = lineOf("cus_b", "live", [torn.text]);
        const cut = line.subarray(0, 1 + (where % (line.length - 2)));
        const object = Buffer.concat([...whole(before), cut, Buffer.from(ended ? "\n" : "\n\n"), ...whole(after)]);
        const { payloads, unreadable } = read(object);
        assert.deepEqual(
          payloads,
          [...before, ...after].flat().map(({ text }) => ["cus_a", text.replaceAll(/[\r\n]/g, " ")]),
        );
        assert.equal(unreadable.length, 1);
        assert.equal(unreadable[0]!.bytes.toString().trimEnd(), cut.toString().trimEnd());
      },
    ),
  ));

test("for any changed byte of an object, the lines of other customers are read", () =>
  fc.assert(
    fc.property(compactBatches, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(), (drawn, which, byte, where) => {
      const lines = drawn.map((payloads) =>
        lineOf(
          "cus_a",
          "live",
          payloads.map(({ text }) => text),
        ),
      );
      const hit = which % lines.length;
      const expected = lines.flatMap((line, i) => (i === hit ? [] : read(line).payloads));
      lines[hit]![where % lines[hit]!.length] = byte;
      // A changed line end joins a line to the next one; that is one line then, and not to be read.
      if (lines[hit]!.at(-1) !== 0x0a && hit + 1 < lines.length) return;
      const { payloads } = read(Buffer.concat(lines));
      for (const each of expected) assert.ok(payloads.some(([whose, text]) => whose === each[0] && text === each[1]));
    }),
  ));

test("a line gives back its events as they were written, and stays one line when some are erased", () =>
  fc.assert(
    fc.property(
      fc.array(formatted, { minLength: 1, maxLength: 6 }),
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      (payloads, kept) => {
        const texts = payloads.map(({ text }) => text);
        const line = parseLine(oldLineOf("cus_a", "live", texts).subarray(0, -1)) as ArchiveLine;
        assert.deepEqual(
          line.events.map((event) => event.payload),
          texts,
        );
        const rest = line.events.filter((_, i) => kept[i]);
        const left = keepEvents(line, rest);
        assert.equal(left === undefined, rest.length === 0);
        if (left === undefined) return;
        assert.ok(!/[\r\n]/.test(left.toString()));
        assert.deepEqual(
          (parseLine(left) as ArchiveLine).events,
          rest.map((event) => ({
            ...event,
            payload: event.payload.replaceAll(/[\r\n]/g, " "),
            text: event.text.replaceAll(/[\r\n]/g, " "),
          })),
        );
      },
    ),
  ));

test("a line belongs to one tenant only, with any payloads", () => {
  const liar = '{"customer_id":"cus_b","environment":"live","x":1}';
  assert.equal(headOf(lineOf("cus_a", "sandbox", [liar]))!.tenant, "cus_a.sandbox");
});

const unreadable: [says: string, text: string | Buffer, reason: string][] = [
  ["another program's JSON", '{"hello":1}', "it does not begin like a line of the archive"],
  [
    "a line without events",
    '{"v":1,"prefix":"00","customer_id":"cus_a","environment":"live","batch":"B","events":7}',
    "it holds no events",
  ],
  [
    "an event without an id",
    '{"v":1,"prefix":"00","customer_id":"cus_a","environment":"live","batch":"B","events":[{"payload":{}}]}',
    "an event has no event_id",
  ],
  [
    "bytes that are not UTF-8",
    Buffer.concat([lineOf("cus_a", "live", ['{"a":"']).subarray(0, -4), Buffer.from([0xff]), Buffer.from('"}}]}')]),
    "it is not UTF-8",
  ],
];
for (const [says, text, reason] of unreadable) {
  test(`${says} is reported, and is not read as a line`, () => {
    const line = parseLine(Buffer.from(text));
    assert.equal("reason" in line && line.reason, reason);
  });
}

test.run();
