import assert from "node:assert/strict";
import { test } from "uvu";
import type { TenantSchemas } from "../../../runtime/domain/service.ts";
import { SchemaCache } from "../../../runtime/ingest/schemaCache.ts";
import { turnsDuring } from "../../support/turns.ts";

type Answer = Omit<TenantSchemas, "tenant">;
const answer = (version: number, required: string): Answer => ({
  version,
  schemas: [{ event_type: "order", version, schema_text: JSON.stringify({ required: [required] }) }],
});

function setup() {
  const world = {
    now: 1_000_000,
    fetches: 0,
    asked: [] as string[],
    failures: [] as string[],
    answer: async (): Promise<Answer> => answer(1, "a"),
  };
  const cache = new SchemaCache({
    fetch: async (known) => {
      world.fetches += 1;
      world.asked.push(known.map(({ tenant, version }) => `${tenant} ${version}`).join(", "));
      const { version, schemas } = await world.answer();
      return known.map(({ tenant, version: had }) =>
        had === version || schemas === undefined ? { tenant, version } : { tenant, version, schemas },
      );
    },
    now: () => world.now,
    failed: (what) => world.failures.push(what),
  });
  /** What an empty order is told. */
  const faults = async (type = "order") => {
    const schemas = await cache.of("cus_1");
    return schemas(type)
      ?.faults(Buffer.from("{}"))
      .map(({ message }) => message);
  };
  return { cache, world, faults };
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
  world.now += 3_001;
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
  world.now += 3_001;
  await cache.of("cus_1");
  await settled();
  assert.deepEqual(world.asked, ["cus_1 1, cus_2 1"], "nobody needed the third since it was asked for");
  world.answer = async () => answer(2, "b");
  world.now += 3_001;
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
