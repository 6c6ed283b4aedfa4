/**
 * CPU of accepting a request: what the edge and ingest do themselves, step by step; then the bundled ingest function with
 * its calls to Redis and SQS; then the bundles' sizes and their cold import. CPU is that of this thread: the process that answers
 * the calls runs in another.
 */

import { isUtf8 } from "node:buffer";
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { CloudFrontRequest } from "aws-lambda";
import { bundle } from "../../../components/blocks/bundle.ts";
import { gate } from "../../../runtime/aws/gate.ts";
import { readEvents } from "../../../runtime/domain/body/validate.ts";
import { encodeIngest } from "../../../runtime/domain/codec/index.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import {
  formatKey,
  hashSecret,
  type KeyRecord,
  newKeyId,
  newSecret,
  type Peppers,
} from "../../../runtime/domain/identity/apiKey.ts";
import {
  encodeIdentity,
  IDENTITY_HEADER,
  type Identity,
  PATH_HEADER,
  REQUEST_ID_HEADER,
  SEAL_HEADER,
} from "../../../runtime/domain/identity/identity.ts";
import { sealOf } from "../../../runtime/domain/identity/seal.ts";
import { newId, newUlid } from "../../../runtime/domain/ids.ts";
import { authenticate } from "../../../runtime/edge/authenticate.ts";
import { KeyCache } from "../../../runtime/edge/keyCache.ts";
import { authorizationOf, name, prepareBody, sign, strip } from "../../../runtime/edge/request.ts";
import { accept, type Ports } from "../../../runtime/ingest/accept.ts";

const order = (i: number) => ({
  event_type: "order.created",
  id: `ord_${1_000_000 + i}`,
  amount: i * 1.5,
  currency: "EUR",
  customer: { email: `user${i}@example.com`, name: "Zoë Müller", address: { street: "12 Some Street", city: "Paris" } },
  lines: Array.from({ length: 7 }, (_, j) => ({
    sku: `SKU-${i}-${j}`,
    qty: j + 1,
    price: 9.99 * j,
    note: "gift wrap",
  })),
  tags: ["new", "priority", "web"],
  token: createHash("sha256").update(String(i)).digest("hex").repeat(4),
});
const single = Buffer.from(JSON.stringify(order(1)));
const hundred = Buffer.from(JSON.stringify(Array.from({ length: 100 }, (_, i) => order(i))));

const threadMicros = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

/** Microseconds of this thread's CPU for one call. */
async function cost(times: number, work: () => unknown): Promise<number> {
  for (let i = 0; i < times / 4; i += 1) await work();
  const before = threadMicros();
  for (let i = 0; i < times; i += 1) await work();
  return (threadMicros() - before) / times;
}

const row = (what: string, micros: number) => console.log(`${what.padEnd(58)} ${micros.toFixed(1).padStart(8)} µs`);

// ---- the edge, its key in the cache -----------------------------------------------------------------------------------

const peppers: Peppers = { current: "1", versions: { "1": randomBytes(32).toString("base64") } };
const secret = newSecret();
const record: KeyRecord = {
  key_id: newKeyId(),
  customer_id: "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV",
  environment: "live",
  scopes: ["events:write"],
  status: "active",
  versions: [{ hash: hashSecret(secret, peppers.versions["1"]!), pepper_version: "1", created_at: "" }],
  customer_limit_per_second: 1_000,
  created_at: "",
};
const keys = new KeyCache({ read: async () => record, now: Date.now });
const authenticator = { keys, peppers: async () => peppers, now: Date.now };
const bearer = `Bearer ${formatKey("live", record.key_id, secret)}`;

const edgeEvent = (body: Buffer): string =>
  JSON.stringify({
    clientIp: "203.0.113.7",
    method: "POST",
    uri: "/events",
    querystring: "",
    headers: Object.fromEntries(
      ["host", "user-agent", "x-forwarded-for", "via", "accept", "content-length"]
        .map((name) => [name, [{ key: name, value: "something or other" }]])
        .concat([
          ["content-type", [{ key: "Content-Type", value: "application/json" }]],
          ["x-triggers-authorization", [{ key: "x-triggers-authorization", value: bearer }]],
        ]),
    ),
    body: { inputTruncated: false, action: "read-only", encoding: "base64", data: body.toString("base64") },
  });

async function edge(event: string): Promise<string> {
  const request = JSON.parse(event) as CloudFrontRequest;
  const authorization = authorizationOf(request);
  strip(request);
  const id = newId("req");
  name(request, id);
  const caller = await authenticate(authorization, request.clientIp, authenticator);
  sign(request, id, caller, await authenticator.peppers());
  prepareBody(request);
  return JSON.stringify(request);
}

// ---- ingest, its calls answered at once ---------------------------------------------------------------------------------

const identity: Identity = { ...record, limit_per_second: 1_000 };
const allowed = {
  ...{ allowed: true, limit: 1_000, remaining: 900, resetSeconds: 1, retryAfterMs: 0 },
  by: "redis",
} as const;
const ports: Ports = {
  callerOf: gate(async () => JSON.stringify(peppers), Date.now).pass,
  answered: () => {},
  limiter: { take: async () => allowed, takeRequest: async () => allowed },
  idempotency: {
    claim: async ({ first }) => ({ kind: "claimed", first, fresh: true }),
    done: async () => {},
    release: async () => {},
  },
  schemas: async () => () => undefined,
  putPayload: async () => {},
  send: async (message) => {
    encodeIngest(message);
  },
  now: Date.now,
  failed: (what, _, cause) => {
    throw new Error(what, { cause });
  },
};
/** Sealed now: it is good for five minutes. */
function urlEvent(body: Buffer, who: Identity = identity): string {
  const sealed = { requestId: newId("req"), method: "POST", path: "/events", identity: encodeIdentity(who) };
  return JSON.stringify({
    version: "2.0",
    rawPath: "/events",
    rawQueryString: "",
    headers: {
      host: "x.lambda-url.eu-west-1.on.aws",
      "content-type": "application/json",
      "x-forwarded-for": "203.0.113.7",
      [IDENTITY_HEADER]: sealed.identity,
      [REQUEST_ID_HEADER]: sealed.requestId,
      [PATH_HEADER]: sealed.path,
      [SEAL_HEADER]: sealOf(sealed, peppers),
    },
    requestContext: { http: { method: "POST", path: "/events", sourceIp: "203.0.113.7" } },
    body: body.toString("utf8"),
    isBase64Encoded: false,
  });
}

async function ingest(event: string): Promise<void> {
  const { headers, body, rawPath } = JSON.parse(event);
  const answer = await accept({ method: "POST", path: rawPath, headers, body: Buffer.from(body, "utf8") }, ports);
  if (answer.status !== 202) throw new Error(answer.body);
}

for (const [name, body, times] of [
  ["1 event", single, 20_000],
  ["100 events", hundred, 1_000],
] as const) {
  console.log(`\n${name}, ${body.length} bytes`);
  const forEdge = edgeEvent(body);
  const forIngest = urlEvent(body);
  const base64 = body.toString("base64");
  const { events, types } = readEvents(body);
  const packed = pack(events);
  const message = {
    tenant: "cus_1",
    first: newUlid(Date.now(), 100),
    count: events.length,
    types,
    key_id: "key_1",
    body: { inline: packed },
  };
  const inEdge = await cost(times, () => edge(forEdge));
  const inIngest = await cost(times, () => ingest(forIngest));
  row("edge, with parsing and writing its event", inEdge);
  row("  authenticate", await cost(times, () => authenticate(bearer, "203.0.113.7", authenticator)));
  row("  read base64", await cost(times, () => Buffer.from(base64, "base64")));
  row("  check UTF-8", await cost(times, () => isUtf8(body)));
  row("  SHA-256", await cost(times, () => createHash("sha256").update(body).digest("hex")));
  row("ingest, with parsing its event, without calls", inIngest);
  row("  parse the event", await cost(times, () => JSON.parse(forIngest)));
  row("  validate", await cost(times, () => readEvents(body)));
  row(`  pack (zstd, to ${packed.length} bytes)`, await cost(times, () => pack(events)));
  row("  write the message", await cost(times, () => encodeIngest(message)));
  row("edge + ingest, without calls", inEdge + inIngest);
}

// ---- the bundled function with its calls --------------------------------------------------------------------------------

const services = new Worker(new URL("./support/services.worker.ts", import.meta.url), {
  workerData: { folder: mkdtempSync(join(tmpdir(), "bench-")), peppers: JSON.stringify(peppers) },
});
const { redis, endpoint } = await new Promise<{ redis: string; endpoint: string }>((resolve) =>
  services.once("message", resolve),
);
Object.assign(process.env, {
  AWS_REGION: "eu-west-1",
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: "AKID",
  AWS_SECRET_ACCESS_KEY: "secret",
  INGEST_QUEUE_URL: `${endpoint}/1/ingest`,
  PAYLOAD_BUCKET: "payloads",
  PEPPER_SECRET: "pepper",
  REDIS_URL: redis,
  REDIS_AUTH_SECRET: "",
  SUBSCRIPTIONS_FUNCTION: "subscriptions",
});
const built = bundle("runtime/ingest/handler.ts");
const { handler } = (await import(built.code)) as {
  handler(event: object, context: object): Promise<{ statusCode: number; body: string }>;
};
console.log("\nthe bundled function, with its calls to Redis and SQS");
for (const [name, body, times] of [
  ["1 event", single, 3_000],
  ["100 events", hundred, 500],
] as const) {
  const event = JSON.parse(urlEvent(body, { ...identity, limit_per_second: 1e9 }));
  const micros = await cost(times, async () => {
    const answer = await handler(event, { getRemainingTimeInMillis: () => 30_000 });
    if (answer.statusCode !== 202) throw new Error(answer.body);
  });
  row(name, micros);
}
await services.terminate();

// ---- bundles ------------------------------------------------------------------------------------------------------------

console.log("\nbundles");
for (const entry of ["runtime/edge/handler.ts", "runtime/ingest/handler.ts"]) {
  const { code, bytes } = bundle(entry);
  const script = `const t = performance.now(); await import(${JSON.stringify(code)}).catch(() => {}); console.log(performance.now() - t);process.exit()`;
  const times = Array.from({ length: 7 }, () =>
    Number(
      spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        env: { ...process.env, REDIS_URL: "redis://127.0.0.1:1" },
      }).stdout,
    ),
  ).sort((a, b) => a - b);
  console.log(
    `${entry.padEnd(40)} ${(bytes / 1_000).toFixed(0).padStart(6)} KB ${times[3]!.toFixed(0).padStart(6)} ms cold import (median of 7), ${statSync(code).size} bytes`,
  );
}
process.exit(0);
