import assert from "node:assert/strict";
import { test } from "uvu";
import type { TenantSchemas } from "../../../runtime/domain/service.ts";
import { SchemaCache } from "../../../runtime/ingest/schemaCache.ts";
import { schemaNotesIn } from "../../../runtime/redis/schemaNotes.ts";
import { turnsDuring } from "../../support/turns.ts";

type Answer = Omit<TenantSchemas, "tenant">;
const answer = (version: number, required: string): Answer => ({
  version,
  schemas: [{ event_type: "order", version, schema_text: JSON.stringify({ required: [required] }) }],
});

/** The two commands of Redis that notes need, by this clock. */
function redisBy(now: () => number) {
  const kept = new Map<string, { value: string; until: number }>();
  return {
    async command(name: string, args: readonly (string | number)[]): Promise<unknown> {
      const [key, value, , ms] = args;
      if (name === "SET") kept.set(String(key), { value: String(value), until: now() + Number(ms) });
      return name === "MGET" ? args.map((key) => textIn(kept.get(String(key)), now())) : "OK";
    },
  };
}
const textIn = (entry: { value: string; until: number } | undefined, now: number) =>
  entry !== undefined && entry.until > now ? entry.value : null;

function setup() {
  const world = {
    now: 1_000_000,
    fetches: 0,
    asked: [] as string[],
    failures: [] as string[],
    answer: async (): Promise<Answer> => answer(1, "a"),
  };
  const notes = schemaNotesIn(redisBy(() => world.now));
  /** The cache of one more environment. */
  const open = () =>
    new SchemaCache({
      fetch: async (known) => {
        world.fetches += 1;
        world.asked.push(known.map(({ tenant, version }) => `${tenant} ${version}`).join(", "));
        const { version, schemas } = await world.answer();
        return known.map(({ tenant, version: had }) =>
          had === version || schemas === undefined ? { tenant, version } : { tenant, version, schemas },
        );
      },
      notes,
      now: () => world.now,
      failed: (what) => world.failures.push(what),
    });
  const cache = open();
  /** What an empty order is told. */
  const faults = async (type = "order", by = cache) => {
    const schemas = await by.of("cus_1");
    return schemas(type)
      ?.faults(Buffer.from("{}"))
      .map(({ message }) => message);
  };
  return { cache, world, faults, open };
}
const missing = (name: string) => [`must have required property '${name}' (required)`];
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("the first request of a tenant waits for its schemas", async () => {
  const { faults } = setup();
  assert.deepEqual(await faults(), missing("a"));
});

test("a type without a schema has no check", async () => {
  const { faults } = setup();
  assert.equal(await faults("other"), undefined);
  assert.equal(await faults("__proto__"), undefined);
});

test("a busy tenant's schemas are fetched ahead of time, and no request waits", async () => {
  const { faults, world } = setup();
  await faults();
  world.answer = async () => answer(2, "b");
  world.now += 2_001;
  assert.deepEqual(await faults(), missing("a"));
  await settled();
  assert.deepEqual(await faults(), missing("b"));
  assert.equal(world.fetches, 2);
});

test("a schema counts for requests that begin 5 s later, after a pause too", async () => {
  const { faults, world } = setup();
  await faults();
  world.answer = async () => answer(2, "b");
  world.now += 5_000;
  assert.deepEqual(await faults(), missing("b"));
});

test("what one environment was told counts for all of them", async () => {
  const { faults, world, open } = setup();
  const others = Array.from({ length: 8 }, open);
  for (const by of [...others, ...others]) assert.deepEqual(await faults("order", by), missing("a"));
  assert.equal(world.fetches, others.length, "each needs the text once");
  for (let second = 0; second < 30; second += 1) {
    world.now += 1_000;
    for (const by of others) await faults("order", by);
    await settled();
  }
  assert.ok(world.fetches <= others.length + 20, `${world.fetches} questions of 8 environments in 30 s`);
});

test("where a tenant has no schemas, a new environment need not ask the service", async () => {
  const { faults, world, open } = setup();
  world.answer = async () => ({ version: 0, schemas: [] });
  for (const by of [open(), open(), open()]) assert.equal(await faults("order", by), undefined);
  assert.equal(world.fetches, 1);
});

test("a schema counts 5 s later too where an environment had been told by a note, of any age, that nothing changed", async () => {
  for (const takes of [0, 499, 1_400]) {
    for (let noteAge = 0; noteAge <= 3_000; noteAge += 100) {
      const { faults, world, open } = setup();
      const [one, other] = [open(), open()];
      const slowly = (version: number, required: string) => async () => {
        world.now += takes;
        return answer(version, required);
      };
      await faults("order", other);
      world.now += 4_000;
      world.answer = slowly(1, "a");
      const asked = world.now;
      await faults("order", one);
      world.answer = slowly(2, "b");
      world.now = asked + Math.max(takes, noteAge);
      await faults("order", other);
      await settled();
      world.now = Math.max(world.now, asked + 5_001);
      assert.deepEqual(await faults("order", other), missing("b"), `note of ${noteAge} ms, question of ${takes} ms`);
    }
  }
});

test("while the service is away the last known schemas count, and that is reported", async () => {
  const { faults, world } = setup();
  await faults();
  world.answer = async () => {
    throw new Error("away");
  };
  world.now += 60_000;
  assert.deepEqual(await faults(), missing("a"));
  assert.deepEqual(world.failures, ["ingest.schemas_unavailable"]);
});

test("while the service is down, events of an unknown tenant are checked by no schema", async () => {
  const { faults, world } = setup();
  world.answer = async () => {
    throw new Error("away");
  };
  assert.equal(await faults(), undefined);
  world.answer = async () => answer(1, "a");
  assert.deepEqual(await faults(), missing("a"));
});

test("a service that hangs holds a request up for a moment only", async () => {
  const { faults, world } = setup();
  await faults();
  world.answer = () => new Promise<Answer>(() => {});
  world.now += 60_000;
  assert.deepEqual(await faults(), missing("a"));
});

test("with many requests at once, one fetch is under way", async () => {
  const { faults, world } = setup();
  await Promise.all(Array.from({ length: 50 }, () => faults()));
  assert.equal(world.fetches, 1);
});

test("one question asks for all tenants that are busy, and says which versions are known", async () => {
  const { cache, world } = setup();
  for (const tenant of ["cus_1", "cus_2", "cus_3"]) await cache.of(tenant);
  for (const tenant of ["cus_1", "cus_2"]) await cache.of(tenant);
  world.asked = [];
  world.now += 2_001;
  await cache.of("cus_1");
  await settled();
  assert.deepEqual(world.asked, ["cus_1 1, cus_2 1"], "nobody needed the third since it was asked for");
  world.answer = async () => answer(2, "b");
  world.now += 2_001;
  await cache.of("cus_1");
  await settled();
  assert.notEqual((await cache.of("cus_1"))("order"), undefined);
});

test("a tenant whose schemas did not fit the answer is asked for again", async () => {
  const { cache, world, faults } = setup();
  world.answer = async () => ({ version: 1 });
  assert.equal(await faults(), undefined);
  world.answer = async () => answer(1, "a");
  assert.deepEqual(await faults(), missing("a"));
  assert.equal((await cache.of("cus_1"))("order") === undefined, false);
});

test("schemas of the same version are compiled once", async () => {
  const { cache, world } = setup();
  const first = (await cache.of("cus_1"))("order");
  world.now += 10_000;
  assert.equal((await cache.of("cus_1"))("order"), first);
});

test("the schemas of many types are compiled one by one, and others have their turn in between", async () => {
  const { cache, world } = setup();
  const types = Array.from({ length: 20 }, (_, n) => `type ${n}`);
  const schemas = types.map((event_type) => ({ event_type, version: 1, schema_text: '{"required":["a"]}' }));
  world.answer = async () => ({ version: 1, schemas });
  await cache.of("cus_1");
  const turns = await turnsDuring(() => cache.of("cus_1", [...types, null, "other"]));
  assert.ok(turns >= types.length, String(turns));
  const check = await cache.of("cus_1", [...types, null, "other"]);
  assert.equal(
    types.every((type) => check(type)?.faults(Buffer.from("{}")).length === 1),
    true,
  );
});

test("a stored schema that does not compile checks nothing, and is reported", async () => {
  const { faults, world } = setup();
  world.answer = async () => ({
    version: 1,
    schemas: [{ event_type: "order", version: 1, schema_text: JSON.stringify({ $ref: "#/none" }) }],
  });
  assert.equal(await faults(), undefined);
  assert.equal(await faults(), undefined);
  assert.deepEqual(world.failures, ["ingest.schema_unusable"]);
});

test.run();
