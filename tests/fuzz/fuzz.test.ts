import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { nextCase } from "./cases.ts";
import { gateway } from "./gateway.ts";
import { inProcess } from "./inProcess.ts";
import { judge } from "./judge.ts";
import { management } from "./management.ts";
import { dice } from "./random.ts";

const corpus = readFileSync(new URL("../corpus/fuzz/bodies.txt", import.meta.url), "utf8")
  .split("\n")
  .filter(Boolean)
  .map(Buffer.from);

/** What is wrong with the answers to so many cases. */
async function campaign(seed: number, cases: number): Promise<string[]> {
  const wrong: string[] = [];
  const world = inProcess((what, cause) => wrong.push(`${what}: ${String(cause)}`));
  const chance = dice(seed);
  for (let i = 0; i < cases; i += 1) {
    const one = nextCase(chance, corpus, world.keys);
    const verdict = judge(one, await world.run(one));
    if (verdict !== undefined) wrong.push(`case ${i}: ${verdict}: ${one.body.toString("base64").slice(0, 500)}`);
  }
  return wrong;
}

test("a short campaign of `npm run fuzz` finds nothing", async () =>
  assert.deepEqual(await campaign(20_261_125, 5_000), []));

interface World {
  run(chance: ReturnType<typeof dice>): Promise<{ readonly wrong?: string | undefined; readonly call: string }>;
  close(): Promise<void>;
}

/** @returns what is wrong with so many random calls */
async function faultsOf(world: World, seed: number, calls: number): Promise<string[]> {
  const chance = dice(seed);
  const wrong: string[] = [];
  try {
    for (let i = 0; i < calls; i += 1) {
      const outcome = await world.run(chance);
      if (outcome.wrong !== undefined) wrong.push(`${outcome.wrong}: ${outcome.call}`);
    }
  } finally {
    await world.close();
  }
  return wrong;
}

test("a short campaign over the routes of the management API finds nothing", async () =>
  assert.deepEqual(await faultsOf(await management(), 20_261_127, 200), []));

test("a short campaign of calls to the local gateway finds nothing", async () =>
  assert.deepEqual(await faultsOf(await gateway(), 20_261_128, 500), []));

test("a seed gives the same cases again", () => {
  const bodies = (seed: number) => {
    const chance = dice(seed);
    return Array.from({ length: 50 }, () => nextCase(chance, corpus, ["Bearer x"]).body.toString("base64"));
  };
  assert.deepEqual(bodies(5), bodies(5));
  assert.notDeepEqual(bodies(5), bodies(6));
});

test("the judge sees a 5xx, a wrong acceptance, a lost event and a leaking header", () => {
  const one = { method: "POST", uri: "/events", headers: {}, body: Buffer.from("{"), plain: Buffer.from("{") };
  const id = "req_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const answer = { status: 202, body: "{}", headers: { "x-request-id": id }, sent: 1 };
  assert.equal(judge(one, { ...answer, status: 500 }), "it was answered 500");
  assert.equal(judge(one, answer), "text that is not JSON was accepted");
  assert.equal(judge({ ...one, plain: Buffer.from("[{},{}]") }, answer), "2 events were accepted and 1 sent");
  assert.equal(
    judge(one, { ...answer, headers: { "x-request-id": id, a: "b\r\nc" } }),
    "the header a holds a line break",
  );
  assert.equal(judge({ ...one, plain: Buffer.from("{}") }, answer), undefined);
});

test.run();
