/**
 * One event against many subscriptions: our index beside other engines on the same selectors (CEL, since all but
 * json-rules-engine speak it; for that one the same conditions as rules). Every engine must find the same subscriptions,
 * or the run is void.
 */
import assert from "node:assert/strict";
import { celEnv, parse, plan } from "@bufbuild/cel";
import { Environment } from "@marcbachmann/cel-js";
import { Engine } from "json-rules-engine";
import type { Event } from "../../../runtime/domain/event.ts";
import { buildMatcher, type Matchable, type Matcher } from "../../../runtime/matching/index.ts";

type Condition = readonly [path: string, operator: "==" | ">" | "<" | "startsWith", value: string | number];

interface Population {
  readonly name: string;
  conditions(i: number, n: number): readonly Condition[];
}

const few: Population = {
  name: "few match",
  conditions: (i, n) => {
    if (i % 4 === 0)
      return [
        ["event_type", "==", "order.created"],
        ["customer", "==", `c${i}`],
      ];
    if (i % 4 === 1)
      return [
        ["customer", "==", `c${i - 1}`],
        ["total", ">", 100],
      ];
    if (i % 4 === 2)
      return [
        ["total", ">", (i * 1_000) / n],
        ["total", "<", ((i + 4) * 1_000) / n],
      ];
    return [
      ["event_type", "==", "order.created"],
      ["sku", "startsWith", `s${i}-`],
    ];
  },
};

const many: Population = {
  name: "a tenth match",
  conditions: (i) => [
    ["event_type", "==", `type.${i % 10}`],
    ["total", ">", 10],
  ],
};

const celOf = (conditions: readonly Condition[]): string =>
  conditions
    .map(([path, operator, value]) =>
      operator === "startsWith"
        ? `event.${path}.startsWith("${value}")`
        : `event.${path} ${operator} ${typeof value === "number" ? `${value}${Number.isInteger(value) ? ".0" : ""}` : `"${value}"`}`,
    )
    .join(" && ");

function eventOf(population: Population, n: number, kilobytes: number, turn: number): Event {
  const i = (((turn * 7_919) % n) >> 2) << 2;
  const core = {
    event_type: population === few ? "order.created" : `type.${turn % 10}`,
    customer: `c${i}`,
    total: ((turn * 613) % 1_000) + 0.5,
    sku: `s${i + 3}-black`,
  };
  const padding = Array.from({ length: Math.max(1, Math.round(kilobytes * 8)) }, (_, line) => ({
    id: `line-${line}`,
    quantity: line,
    note: "x".repeat(70),
  }));
  return {
    event_id: "evt_01J00000000000000000000000",
    event_type: core.event_type,
    received_at: "2026-11-25T04:00:00.000Z",
    payload: { ...core, lines: padding },
  };
}

interface Contender {
  readonly name: string;
  /** Not tried with more subscriptions than this: it would take minutes. */
  readonly most: number;
  build(subscriptions: readonly Built[]): (event: Event) => number | Promise<number>;
}

interface Built extends Matchable {
  readonly cel: string;
  readonly conditions: readonly Condition[];
}

const ours: Contender = {
  name: "this index",
  most: 100_000,
  build: (subscriptions) => {
    const matcher = buildMatcher(subscriptions);
    return (event) => matcher.match(event).length;
  },
};

const rivals: readonly Contender[] = [
  {
    name: "loop, cel-js",
    most: 100_000,
    build: (subscriptions) => {
      const environment = new Environment({ unlistedVariablesAreDyn: true });
      const compiled = subscriptions.map(({ cel }) => environment.parse(cel));
      return ({ payload }) => compiled.reduce((n, evaluate) => n + Number(evaluate({ event: payload }) === true), 0);
    },
  },
  {
    name: "loop, @bufbuild/cel",
    most: 100_000,
    build: (subscriptions) => {
      const environment = celEnv();
      const compiled = subscriptions.map(({ cel }) => plan(environment, parse(cel)));
      return ({ payload }) =>
        compiled.reduce((n, evaluate) => n + Number(evaluate({ event: payload } as never) === true), 0);
    },
  },
  {
    name: "json-rules-engine",
    most: 1_000,
    build: (subscriptions) => {
      const engine = new Engine([], { allowUndefinedFacts: true });
      engine.addOperator(
        "startsWith",
        (fact: unknown, value: string) => typeof fact === "string" && fact.startsWith(value),
      );
      const operators = { "==": "equal", ">": "greaterThan", "<": "lessThan", startsWith: "startsWith" };
      for (const { subscription_id, conditions } of subscriptions) {
        const all = conditions.map(([fact, operator, value]) => ({ fact, operator: operators[operator], value }));
        engine.addRule({ conditions: { all }, event: { type: subscription_id } });
      }
      return async ({ payload }) => (await engine.run({ ...payload })).events.length;
    },
  },
];

const contenders = [ours, ...(process.env.BENCH_RIVALS === "no" ? [] : rivals)];

const subscriptionsOf = (population: Population, n: number): Built[] =>
  Array.from({ length: n }, (_, i) => {
    const conditions = population.conditions(i, n);
    const cel = celOf(conditions);
    return { subscription_id: `sub_${i}`, event_selector: { cel }, cel, conditions };
  });

/** Microseconds of this process's CPU time: what else runs on the machine counts for little. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** CPU microseconds an event: the best of five rounds, each of at least 60 ms. */
async function time(match: (event: Event) => number | Promise<number>, events: readonly Event[]): Promise<number> {
  const once = async (): Promise<void> => {
    for (const event of events) {
      const found = match(event);
      if (typeof found !== "number") await found;
    }
  };
  let started = cpu();
  await once();
  const first = (cpu() - started) / events.length;
  const repeats = Math.max(1, Math.min(10_000, Math.round(60_000 / (first * events.length + 1))));
  let best = first;
  for (let round = 0; round < (first > 100_000 ? 1 : 5); round += 1) {
    started = cpu();
    for (let i = 0; i < repeats; i += 1) await once();
    best = Math.min(best, (cpu() - started) / repeats / events.length);
  }
  return best;
}

const shown = (micros: number): string =>
  micros >= 100 ? Math.round(micros).toLocaleString("en") : micros.toFixed(micros < 10 ? 2 : 1);
const SIZES = [10, 1_000, 100_000];

console.log("CPU µs an event");
console.log(`| event | subscriptions | found | ${contenders.map(({ name }) => name).join(" | ")} |`);
console.log(`|---|---:|---:|${contenders.map(() => "---:").join("|")}|`);
for (const population of [few, many]) {
  for (const kilobytes of [1, 100]) {
    for (const n of SIZES) {
      const subscriptions = subscriptionsOf(population, n);
      const events = Array.from({ length: 16 }, (_, turn) => eventOf(population, n, kilobytes, turn));
      const cells: string[] = [];
      let found: number[] | undefined;
      for (const { most, build } of contenders) {
        if (n > most) {
          cells.push("–");
          continue;
        }
        const match = build(subscriptions);
        const counts: number[] = [];
        for (const event of events) counts.push(await match(event));
        found ??= counts;
        assert.deepEqual(counts, found, "the engines disagree: this run is void");
        cells.push(shown(await time(match, n === 100_000 && build !== ours.build ? events.slice(0, 2) : events)));
      }
      const mean = found!.reduce((sum, one) => sum + one, 0) / found!.length;
      console.log(
        `| ${kilobytes} KB, ${population.name} | ${n.toLocaleString("en")} | ${mean.toFixed(mean < 100 ? 1 : 0)} | ${cells.join(" | ")} |`,
      );
    }
  }
}

console.log("\ngrowth, few match, 1 KB: this index");
const growth: [number, number][] = [];
for (const n of [10, 100, 1_000, 10_000, 100_000]) {
  const events = Array.from({ length: 16 }, (_, turn) => eventOf(few, n, 1, turn));
  growth.push([n, await time(ours.build(subscriptionsOf(few, n)), events)]);
}
console.log(growth.map(([n, micros]) => `${n.toLocaleString("en")}: ${shown(micros)} µs`).join(", "));

/** All kinds of selectors side by side, one in 2,000 of which can't be looked up. */
const mixed = (n: number): Matchable[] =>
  Array.from({ length: n }, (_, i) => ({
    subscription_id: `sub_${i}`,
    event_selector: [
      `order.c${i}.*`,
      { event_type: [`a.${i}`, `b.${i}`] },
      `$.event_type == 'order.created' && $.customer == 'c${i}'`,
      { jsonpath: `$.lines[?@.id == 'x-${i}' && @.quantity > 3]` },
      { event_type: "order.*", cel: `event.lines.exists(l, l.id == "y-${i}")` },
      { cel: `event.customer in ["c${i}", "d${i}"] || event.sku.startsWith("s${i}-")` },
      `!($.total != ${i}) || $.total > ${i + 1e6}`,
      i % 2_000 === 7 ? { cel: `event.total * 3.0 > ${i}.0 + event.total * 3.0` } : `$.ref${i % 500} == ${i}`,
    ][i % 8]!,
  }));

const heap = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

for (const [name, subscriptions] of [
  ["few match, CEL", subscriptionsOf(few, 100_000)],
  ["all kinds mixed", mixed(100_000)],
] as const) {
  const before = heap();
  const started = cpu();
  let matcher: Matcher<Matchable> = buildMatcher<Matchable>(subscriptions);
  const built = cpu() - started;
  const bytes = (heap() - before) / subscriptions.length;
  const events = Array.from({ length: 16 }, (_, turn) => eventOf(few, 100_000, 1, turn));
  // Twice: what collecting the garbage of building takes in the background would count for the first.
  await time((event) => matcher.match(event).length, events);
  const micros = await time((event) => matcher.match(event).length, events);
  const big = await time(
    (event) => matcher.match(event).length,
    events.map((_, turn) => eventOf(few, 100_000, 100, turn)),
  );
  const tally = { examined: 0, faults: 0 };
  const found = events.reduce((sum, event) => sum + matcher.match(event, tally).length, 0);
  const adding: number[] = [];
  const removing: number[] = [];
  for (let i = 0; i < 2_000; i += 1) {
    const id = `sub_${(i * 37) % 100_000}`;
    const one = subscriptions[(i * 37) % 100_000]!;
    const cut = cpu();
    const without = matcher.without(id);
    const put = cpu();
    matcher = without.with(one);
    removing.push(put - cut);
    adding.push(cpu() - put);
  }
  const at = (all: number[], part: number): string => shown(all.sort((a, b) => a - b)[Math.floor(all.length * part)]!);
  console.log(
    `\n100,000 subscriptions, ${name}: built in ${(built / 1e6).toFixed(1)} s, ${bytes.toFixed(0)} bytes of heap each`,
  );
  console.log(
    `  match ${shown(micros)} µs (1 KB), ${shown(big)} µs (100 KB); ${(tally.examined / 16).toFixed(1)} selectors examined and ${(found / 16).toFixed(1)} found an event`,
  );
  console.log(
    `  adding one: median ${at(adding, 0.5)} µs, p99 ${at(adding, 0.99)} µs, worst ${at(adding, 0.9999)} µs; removing one: median ${at(removing, 0.5)} µs, p99 ${at(removing, 0.99)} µs`,
  );
}
