import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect } from "kysely";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import type { Deps } from "../../../runtime/api/deps.ts";

const test = suite("health");
let pglite: PGlite;
let redis: Server;
let healthy: Deps;
test.before(async () => {
  pglite = await PGlite.create();
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
      DEAD_LETTER_QUEUE_URLS: "https://sqs/1/ingest-dead https://sqs/1/retry-dead",
    },
    sqs: { send: async () => ({ Attributes: { ApproximateNumberOfMessages: "0" } }) },
    db: new Kysely({ dialect: new PGliteDialect({ pglite }) }),
    dynamodb: { send: async () => ({}) },
    s3: { send: () => Promise.reject(missing) },
    lambda: { send: async () => ({}) },
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

test("what lies in dead-letter queues is told by queue, and no reason to be unavailable", async () => {
  const counts = new Map([
    ["https://sqs/1/ingest-dead", "19"],
    ["https://sqs/1/retry-dead", "0"],
  ]);
  const send = async ({ input }: { input: { QueueUrl: string } }) => ({
    Attributes: { ApproximateNumberOfMessages: counts.get(input.QueueUrl) },
  });
  const response = await buildApp({ ...healthy, sqs: { send } } as unknown as Deps).request("/health");
  const body = (await response.json()) as { status: string; dead_messages?: object };
  assert.deepEqual([response.status, body.status, body.dead_messages], [200, "ok", { "ingest-dead": 19 }]);
});

test.run();
