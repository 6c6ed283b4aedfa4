/**
 * The dearest selectors there are: hostile and random expressions on hostile events of 1 MB, each timed alone. A selector
 * is warmed up, then the best of several runs counts, so that what is printed is its work and not the machine's noise.
 */
import type { Event } from "../../../runtime/domain/event.ts";
import type { EventSelector } from "../../../runtime/domain/subscription.ts";
import { BUDGET } from "../../../runtime/matching/budget.ts";
import { Frame, PathPool } from "../../../runtime/matching/frame.ts";
import { compile } from "../../../runtime/matching/selector.ts";

const MEGABYTE = 1_000_000;
const fill = <T>(size: number, item: (i: number) => T): T[] =>
  Array.from({ length: Math.floor(MEGABYTE / size) }, (_, i) => item(i));
const nest = (depth: number): unknown => (depth === 0 ? 1 : { a: nest(depth - 1) });

const payloads: Readonly<Record<string, () => unknown>> = {
  numbers: () => ({ a: fill(2, () => 1), b: 1 }),
  strings: () => ({ a: fill(10, (i) => `s${i % 97}aaaa`), b: "aaaa" }),
  objects: () => ({ a: fill(40, (i) => ({ a: i, b: "x".repeat(10), c: [1, 2] })), b: { a: 1 } }),
  deep: () => ({ a: fill(400, () => nest(60)) }),
  "one string": () => ({ a: "a".repeat(MEGABYTE - 20), b: "a".repeat(10) }),
  "two strings": () => ({ a: "a".repeat(MEGABYTE / 2), b: `${"a".repeat(MEGABYTE / 5)}b${"a".repeat(MEGABYTE / 5)}` }),
  "middling strings": () => ({ a: fill(1_003, () => "ab".repeat(500)), b: "ba".repeat(20) }),
  members: () => ({ a: Object.fromEntries(fill(12, (i) => [`k${i}`, i])), b: "k1" }),
  "mixed case": () => ({ a: fill(20, () => "aXaXaXaXaXaXaXaX"), b: "aX".repeat(1_000) }),
  unicode: () => ({ a: "💩".repeat(MEGABYTE / 4), b: "💩" }),
  times: () => ({ a: fill(24, () => "2026-01-01T00:00:00Z"), b: "Europe/Berlin" }),
};

const paths = [
  "$..x",
  "$..*",
  "$..*..*",
  "$..a..a..a..x",
  "$.a[*].x",
  "$.a[?@ == 2]",
  "$.a[?@.b == 'y']",
  "$.a[?@ == $.a[0] && @ == 5]",
  "$.a[?match(@, 'a.*b')]",
  "$.a[?search(@, '(a|b)*c')]",
  "$.a[?length(@) == 7]",
  "$..[?@.x]",
  "$.a[?@[?@[?@.x]]]",
  "$.a[?count($..*) == 1]",
  "$.a[?count($.a[*]) == 0]",
  "$.a[::-1].x",
  "$.a[?@ < $.b && @ > $.b]",
  "$.a == $.b",
  "$.a == $.a && $.a != $.a",
  "$.a[?search(@, $.b)]",
  "length($.a) == 3",
  "search($.a, 'a{20}b')",
  "match($.a, '(a*)*b')",
  "search($.a, 'x')",
  "$[?count(@..*) > 1e9]",
  "$.a[?value($..b) == 1]",
];

const cels = [
  "event.a.exists(x, x == 2.0)",
  "event.a.all(x, x == x)",
  "event.a.exists(x, event.a.exists(y, x == y + 1.0))",
  "event.a.map(x, event.a.map(y, event.a.map(z, x))).size() == 1",
  "event.a.filter(x, true).size() == 1",
  "event.a.exists(x, x.contains('q'))",
  "event.a.exists(x, x.contains(event.b + 'q'))",
  "event.a.contains('aab')",
  "event.a.contains(event.b)",
  "event.a.endsWith('b')",
  "event.a.matches('(a|aa)+$b')",
  "event.a.matches('[ab]*c')",
  "event.a.exists(x, x.matches('(a|b)*a(a|b){14}c'))",
  "event.a.exists(x, x.matches('(.{1,60}){1,8}q'))",
  "event.a.exists(x, x.matches('((a?){15}){15}z'))",
  "event.a.exists(x, x.matches('(?i)(x|a|ab|ba|aba)*?z'))",
  "event.a.exists(x, x.matches('(a|b)+c'))",
  "event.a.exists(x, x.matches(event.b))",
  "size(event.a) == 3",
  "event.a == event.b",
  "event.a == event.a",
  "'q' in event.a",
  "2.0 in event.a",
  "event.b in event.a",
  "(event.a + event.a + event.a).size() == 1",
  "event.a.split('').size() == 1",
  "event.a.split('a').size() == 1",
  "event.a.replace('a', 'bb') == 'x'",
  "event.a.upperAscii() == 'x'",
  "event.a.lowerAscii() == 'x'",
  "event.a.join(',') == 'x'",
  "event.a.exists(x, timestamp(x) > received_at)",
  "event.a.exists(x, timestamp(x).getHours('Europe/Berlin') == 25)",
  "event.a.exists(x, timestamp(x).getHours(event.b) == 25)",
  "event.a.exists(x, string(x) == 'q')",
  "event.a.exists(x, double(string(x)) == -1.0)",
  "event.a.exists(x, [x, x, x, x] == [1.0, 2.0])",
  "event.a.exists(x, {'a': x, 'b': x}.a == -1.0)",
  "event.a.exists(x, (x + x + x + x).contains('q'))",
  "event.a.exists(x, x < 'a' || x > 'b')",
  "event.a.exists(x, x.upperAscii().lowerAscii() == 'q')",
  "bytes(event.a) == b'x'",
  "event.a.exists(x, size(x) == -1)",
  "event.a.exists(x, x.split('a').size() == -1)",
  "event.a.exists(x, type(x) == int)",
  "event.a.trim() == 'x'",
  "event.a.map(x, x).map(x, x).map(x, x).size() == -1",
];

/** Random conjunctions of the hostile ones: what each spends adds up. */
function* random(count: number, dice: () => number): Generator<EventSelector> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(dice() * from.length)]!;
  for (let i = 0; i < count; i += 1) {
    const terms = Array.from({ length: 2 + Math.floor(dice() * 5) }, () => pick(cels));
    const cel = terms
      .map((term, at) => `${at === 0 ? "" : dice() < 0.5 ? " && " : " || "}(${dice() < 0.3 ? "!" : ""}(${term}))`)
      .join("");
    yield { cel };
  }
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Measured {
  readonly selector: string;
  readonly payload: string;
  readonly micros: number;
  readonly units: number;
}

function measure(selector: EventSelector, name: string, payload: unknown, rounds: number): Measured {
  const { clause } = compile(selector, new PathPool());
  const event: Event = {
    event_id: "evt_01J00000000000000000000000",
    event_type: null,
    received_at: "2026-11-25T04:00:00.000Z",
    payload: payload as Event["payload"],
  };
  const frame = new Frame(event);
  let micros = Number.POSITIVE_INFINITY;
  let units = 0;
  for (let round = 0; round < rounds; round += 1) {
    frame.begin();
    const started = process.hrtime.bigint();
    clause.test(frame);
    micros = Math.min(micros, Number(process.hrtime.bigint() - started) / 1_000);
    units = BUDGET - frame.fuel;
  }
  return { selector: JSON.stringify(selector), payload: name, micros, units };
}

const searched = Number(process.env.COST_SEARCH ?? 300);
const measured: Measured[] = [];
for (const [name, make] of Object.entries(payloads)) {
  const payload = make();
  for (const jsonpath of paths) measured.push(measure({ jsonpath }, name, payload, 7));
  for (const cel of cels) measured.push(measure({ cel }, name, payload, 7));
  for (const selector of random(searched, mulberry(name.length))) measured.push(measure(selector, name, payload, 5));
}
measured.sort((a, b) => b.micros - a.micros);
console.log(`${measured.length} pairs of a selector and an event of 1 MB; budget ${BUDGET} units; the 15 dearest:`);
console.log("| µs | units | event | selector |\n|---:|---:|---|---|");
for (const { micros, units, payload, selector } of measured.slice(0, 15)) {
  console.log(
    `| ${micros.toFixed(0)} | ${Math.min(units, BUDGET)}${units > BUDGET ? "+" : ""} | ${payload} | \`${selector.slice(0, 160).replaceAll("|", "\\|")}\` |`,
  );
}

const members = payloads.members!();
const listing = process.hrtime.bigint();
Object.keys((members as { a: object }).a);
const listed = Number(process.hrtime.bigint() - listing) / 1_000;
const text = JSON.stringify(members);
const parsing = process.hrtime.bigint();
JSON.parse(text);
const parsed = Number(process.hrtime.bigint() - parsing) / 1_000;
console.log(
  `once an event, outside of any selector's work: listing ${Object.keys((members as { a: object }).a).length} members of one object ${listed.toFixed(0)} µs (JSON.parse of the event ${parsed.toFixed(0)} µs)`,
);
