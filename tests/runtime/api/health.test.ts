import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect } from "kysely";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import type { Deps } from "../../../runtime/api/deps.ts";
import { encodeIdentity, IDENTITY_HEADER, type Identity, OPERATOR } from "../../../runtime/domain/identity/identity.ts";
import { idleLimiter } from "../../support/api.ts";
import { startCluster } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";

const test = suite("health");
let pglite: PGlite;
let redis: Server;
let healthy: Deps;
test.before(async () => {
  pglite = await startCluster();
  // As much of Redis as a PING needs: each command, an array of strings on the wire, is answered "PONG".
  redis = createServer((socket) =>
    socket.on("data", (data) => socket.write("+PONG\r\n".repeat(data.toString().match(/^\*\d/gm)?.length ?? 0))),
  );
  await new Promise<void>((resolve) => redis.listen(0, "127.0.0.1", () => resolve()));
  const missing = Object.assign(new Error("NoSuchKey"), { $metadata: { httpStatusCode: 404 } });
  healthy = {
    env: {
      REDIS_URL: `redis://127.0.0.1:${(redis.address() as AddressInfo).port}`,
      REDIS_AUTH_SECRET: "",
      QUEUE_URLS: "https://sqs/1/ingest https://sqs/1/retry",
      DEAD_LETTER_QUEUE_URLS: "https://sqs/1/ingest-dead https://sqs/1/retry-dead",
    },
    sqs: { send: async () => ({ Attributes: { ApproximateNumberOfMessages: "0" } }) },
    db: new Kysely({ dialect: new PGliteDialect({ pglite }) }),
    dynamodb: { send: async () => ({}) },
    s3: { send: () => Promise.reject(missing) },
    lambda: { send: async () => ({}) },
    limiter: idleLimiter,
    countUsage: async () => undefined,
    secret: async () => "x",
    now: () => 0,
    log: () => undefined,
  } as unknown as Deps;
});
test.after(async () => {
  await pglite.close();
  redis.close();
});

const names = ["dynamodb", "postgresql", "redis", "s3", "secrets", "sqs", "subscriptions"];
async function ask(deps: Deps) {
  const response = await buildApp(deps).request("/health");
  const body = (await response.json()) as { status: string; dependencies: Record<string, { status: string }> };
  const down = Object.entries(body.dependencies).filter(([, { status }]) => status !== "ok");
  assert.deepEqual(Object.keys(body.dependencies).sort(), names);
  return [response.status, body.status, down.map(([name]) => name)];
}
const away = () => Promise.reject(new Error("away"));

test("with every dependency answering it is 200", async () => assert.deepEqual(await ask(healthy), [200, "ok", []]));

const outages: [name: string, deps: () => Partial<Record<keyof Deps, unknown>>][] = [
  [
    "postgresql",
    () => ({
      db: {
        getExecutor: () => {
          throw new Error("away");
        },
      },
    }),
  ],
  ["dynamodb", () => ({ dynamodb: { send: away } })],
  ["redis", () => ({ env: { ...healthy.env, REDIS_URL: "redis://127.0.0.1:1" } })],
  ["s3", () => ({ s3: { send: away } })],
  ["secrets", () => ({ secret: away })],
  ["sqs", () => ({ sqs: { send: away } })],
  ["subscriptions", () => ({ lambda: { send: async () => ({ FunctionError: "Unhandled" }) } })],
];
for (const [name, deps] of outages) {
  test(`without ${name} it is 503 and says so`, async () =>
    assert.deepEqual(await ask({ ...healthy, ...deps() } as Deps), [503, "unavailable", [name]]));
}

const operator: Identity = {
  ...{ customer_id: OPERATOR, environment: "live", key_id: "key_operator", scopes: ["admin"], limit_per_second: 1_000 },
};
const details = async (deps: Deps, who: Identity) => {
  const limiter = idleLimiter;
  const app = buildApp({ ...deps, limiter, countUsage: async () => {} } as unknown as Deps);
  const response = await app.request("/health/details", { headers: { [IDENTITY_HEADER]: encodeIdentity(who) } });
  // biome-ignore lint/suspicious/noExplicitAny: tests compare what comes back, whatever it is
  return [response.status, (await response.json()) as any] as const;
};

test("dead letters are shown to the operator, and do not make the platform unavailable", async () => {
  const counts = new Map([
    ["https://sqs/1/ingest-dead", "19"],
    ["https://sqs/1/retry-dead", "0"],
  ]);
  const send = async ({ input }: { input: { QueueUrl: string } }) => ({
    Attributes: { ApproximateNumberOfMessages: counts.get(input.QueueUrl) },
  });
  const [status, body] = await details({ ...healthy, sqs: { send } } as unknown as Deps, operator);
  assert.deepEqual([status, body.status, body.dead_messages], [200, "ok", { "ingest-dead": 19 }]);
  assert.deepEqual(body.dependencies.sqs, { status: "ok", latency_ms: 0 });
});

test("no key of a customer shows details, and neither does a call without a key", async () => {
  assert.equal((await details(healthy, { ...operator, customer_id: "cus_a" }))[0], 403);
  assert.equal((await buildApp(healthy).request("/health/details")).status, 401);
  const body = (await (await buildApp(healthy).request("/health")).json()) as Record<string, unknown>;
  assert.deepEqual(body, { status: "ok", dependencies: Object.fromEntries(names.map((n) => [n, { status: "ok" }])) });
});

test("dependencies are asked once in five seconds, for any number of callers", async () => {
  let asked = 0;
  let clock = 0;
  let answers = () => {};
  const send = () => {
    asked += 1;
    return new Promise((resolve) => {
      answers = () => resolve({});
    });
  };
  const app = buildApp({ ...healthy, dynamodb: { send }, now: () => clock } as unknown as Deps);
  const statuses = async (count: number) => {
    const all = Array.from({ length: count }, () => app.request("/health"));
    await eventually(
      () => asked,
      (times) => times > 0,
    );
    answers();
    return new Set((await Promise.all(all)).map(({ status }) => status));
  };
  assert.deepEqual([await statuses(20), asked], [new Set([200]), 1]);
  clock += 4_999;
  assert.deepEqual([await statuses(20), asked], [new Set([200]), 1]);
  clock += 1;
  const next = app.request("/health");
  await eventually(
    () => asked,
    (times) => times === 2,
  );
  answers();
  assert.equal((await next).status, 200);
});

test.run();
