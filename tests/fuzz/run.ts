/**
 * `npm run fuzz`: a bounded, seeded campaign against the way of `POST /events`. Most cases run in this process through
 * viewer function, edge function and ingest; then come calls of every route of the management API over stores of its own,
 * and calls of the local gateway, signed and not; the rest are raw bytes on the socket of a running local platform. FUZZ_CASES
 * (200,000), FUZZ_MANAGEMENT (5,000; or as many as fit into FUZZ_SECONDS), FUZZ_GATEWAY (5,000), FUZZ_SEED (1) and FUZZ_HTTP (2,000; 0
 * leaves the platform out) change it. The corpus is
 * tests/corpus/fuzz. FUZZ_ROUTES (all) names routes of the management API by words in their paths: `alert report`. Ends with the count, and in failure when any case was answered 5xx, wrongly, or after 1 s, and a call of the management API after 5 s of computing.
 */
import { readFileSync } from "node:fs";
import { nextCase } from "./cases.ts";
import { gateway } from "./gateway.ts";
import { inProcess } from "./inProcess.ts";
import { judge } from "./judge.ts";
import { management } from "./management.ts";
import { overHttp } from "./overHttp.ts";
import { dice } from "./random.ts";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const cases = Number(process.env.FUZZ_CASES ?? 200_000);
const http = Number(process.env.FUZZ_HTTP ?? 2_000);
const managementCalls = Number(process.env.FUZZ_MANAGEMENT ?? 5_000);
const seconds = Number(process.env.FUZZ_SECONDS ?? Number.POSITIVE_INFINITY);
const words = (process.env.FUZZ_ROUTES ?? "").split(" ").filter(Boolean);
const HANG_MS = 1_000;
/** What a call may compute, stores and all: on a busy machine it waits for its turn much longer. */
const MANAGEMENT_CPU_MS = 5_000;
/** Nothing waits so long but for what never comes. */
const MANAGEMENT_HANG_MS = 120_000;
const GROWTH_MB = 32;

const corpus = readFileSync(new URL("../corpus/fuzz/bodies.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => Buffer.from(line));

const failures: string[] = [];
const fail = (what: string): void => {
  failures.push(what);
  if (failures.length <= 10) console.log(`FAIL ${what}`);
};
const heapMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

const world = inProcess((what, cause) => fail(`${what}: ${cause instanceof Error ? cause.stack : String(cause)}`));
const chance = dice(seed);
const statuses = new Map<number, number>();
let slowest = 0;
let before = 0;
const started = performance.now();
for (let i = 0; i < cases; i += 1) {
  if (i === Math.floor(cases / 10)) before = heapMb();
  const one = nextCase(chance, corpus, world.keys);
  const begun = performance.now();
  const outcome = await world.run(one);
  const took = performance.now() - begun;
  slowest = Math.max(slowest, took);
  statuses.set(outcome.status, (statuses.get(outcome.status) ?? 0) + 1);
  const wrong = took > HANG_MS ? `it took ${took.toFixed(0)} ms` : judge(one, outcome);
  if (wrong !== undefined) {
    fail(
      `case ${i}: ${wrong}: ${JSON.stringify({ ...one, plain: undefined, body: one.body.toString("base64").slice(0, 2_000) })}`,
    );
  }
}
const growth = heapMb() - before;
if (cases > 0 && growth > GROWTH_MB) fail(`the heap grew by ${growth.toFixed(1)} MB`);
const table = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
console.log(
  `in process: ${cases} cases in ${((performance.now() - started) / 1_000).toFixed(1)} s, slowest ${slowest.toFixed(0)} ms`,
);
console.log(
  `  answers ${table.join(", ")}; heap ${growth >= 0 ? "+" : ""}${growth.toFixed(1)} MB from the first tenth to the end`,
);

/** Every route of the management API. */
async function manage(calls: number): Promise<number> {
  const world = await management(words);
  const chance = dice(seed);
  const answers = new Map<number, number>();
  const begun = performance.now();
  let slowest = 0;
  let heaviest = 0;
  let made = 0;
  try {
    for (let i = 0; i < calls && performance.now() - begun < seconds * 1_000; i += 1) {
      const started = performance.now();
      const before = process.cpuUsage();
      const { status, call, wrong } = await world.run(chance);
      const { user, system } = process.cpuUsage(before);
      const cpu = (user + system) / 1_000;
      const took = performance.now() - started;
      made += 1;
      slowest = Math.max(slowest, took);
      heaviest = Math.max(heaviest, cpu);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      const slow = took > MANAGEMENT_HANG_MS || cpu > MANAGEMENT_CPU_MS;
      const found = slow ? `it took ${took.toFixed(0)} ms, and computed for ${cpu.toFixed(0)} ms` : wrong;
      if (found !== undefined) fail(`management call ${i}: ${found}: ${call}`);
    }
  } finally {
    await world.close();
  }
  const counts = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  console.log(
    `management: ${made} calls in ${((performance.now() - begun) / 1_000).toFixed(1)} s, slowest ${slowest.toFixed(0)} ms, heaviest ${heaviest.toFixed(0)} ms of computing`,
  );
  console.log(`  answers ${counts.join(", ")}`);
  return made;
}
const managed = managementCalls === 0 ? 0 : await manage(managementCalls);

/** Calls of the local gateway. */
async function callGateway(calls: number): Promise<number> {
  const world = await gateway();
  const chance = dice(seed);
  const begun = performance.now();
  const answers = new Map<number, number>();
  try {
    for (let i = 0; i < calls; i += 1) {
      const { status, call, wrong } = await world.run(chance);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (wrong !== undefined) fail(`gateway call ${i}: ${wrong}: ${call}`);
    }
  } finally {
    await world.close();
  }
  const counts = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  console.log(`gateway: ${calls} calls in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  console.log(`  answers ${counts.join(", ")}`);
  return calls;
}
const gatewayCalls = Number(process.env.FUZZ_GATEWAY ?? 5_000);
const called = gatewayCalls === 0 ? 0 : await callGateway(gatewayCalls);

const sent = http === 0 ? 0 : await overHttp(http, seed, corpus, fail);
console.log(`seed ${seed}: ${cases + managed + called + sent} cases, ${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
