import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { type RunTime, withinTime } from "../aws/deadline.ts";
import { gate } from "../aws/gate.ts";
import { settingsHere } from "../aws/signed.ts";
import { encodeCalls, encodeIngest } from "../domain/codec/index.ts";
import { readEnvironment } from "../domain/environment.ts";
import { errorResponse } from "../domain/errors/errors.ts";
import { REQUEST_ID_HEADER } from "../domain/identity/identity.ts";
import { newId } from "../domain/ids.ts";
import type { ServiceAnswers } from "../domain/service.ts";
import { redisOf } from "../redis/connect.ts";
import { CLAIM_SCRIPT, IdempotencyStore, SETTLE_SCRIPT } from "../redis/idempotency.ts";
import { Limiter } from "../redis/limiter.ts";
import { roomIn } from "../redis/room.ts";
import { schemaNotesIn } from "../redis/schemaNotes.ts";
import { WINDOW_SCRIPT } from "../redis/window.ts";
import { accept, type Ports } from "./accept.ts";
import { connectAws } from "./aws.ts";
import { CallLog } from "./callLog.ts";
import { ingestVariables } from "./environment.ts";
import { reportFailure, reportLimiterAway } from "./report.ts";
import { SchemaCache } from "./schemaCache.ts";

const env = readEnvironment(ingestVariables);
const now = () => Date.now();

const settings = settingsHere(2_500);
const aws = connectAws(settings);

const redis = redisOf(env, aws.getSecret, { window: WINDOW_SCRIPT, claim: CLAIM_SCRIPT, settle: SETTLE_SCRIPT });

const schemas = new SchemaCache({
  fetch: async (known) =>
    ((await aws.invoke(env.SUBSCRIPTIONS_FUNCTION, { op: "schemas", known })) as ServiceAnswers["schemas"]).tenants,
  notes: schemaNotesIn(redis),
  now,
  failed: (what, cause) => reportFailure(what, undefined, cause),
});

const callLog = new CallLog({
  send: (message) => aws.sendMessage(env.INGEST_QUEUE_URL, encodeCalls(message), message.tenant),
  now,
  after: (ms, run) => void setTimeout(run, ms).unref(),
  failed: (cause) => reportFailure("ingest.calls_not_told", undefined, cause),
});

const entrance = gate(() => aws.getSecret(env.PEPPER_SECRET), now);

const ports: Ports = {
  callerOf: entrance.pass,
  limiter: new Limiter({ redis, now, failedOpen: reportLimiterAway }),
  idempotency: new IdempotencyStore(redis, roomIn(redis, now)),
  schemas: (tenant, types) => schemas.of(tenant, types),
  putPayload: (key, packed) => aws.putObject(env.PAYLOAD_BUCKET, key, packed),
  send: (message) => aws.sendMessage(env.INGEST_QUEUE_URL, encodeIngest(message), message.tenant),
  now,
  answered: (identity, outcome) => callLog.add(identity, outcome),
  failed: reportFailure,
};

// The first request finds the connection made and the peppers read; if they can't be, that request says so.
await Promise.all([redis.ready(1_000), entrance.ready()]);

/** Whether this region takes events in: asked by a standby region, never through the distribution. */
async function health(): Promise<LambdaFunctionURLResult> {
  try {
    await aws.seeQueue(env.INGEST_QUEUE_URL);
    return { statusCode: 200 };
  } catch (cause) {
    reportFailure("ingest.unhealthy", undefined, cause);
    return { statusCode: 503 };
  }
}

/** `POST /events` behind its Function URL, payload format 2.0. */
export const handler = (event: LambdaFunctionURLEvent, context: RunTime): Promise<LambdaFunctionURLResult> =>
  withinTime<LambdaFunctionURLResult>(context, answerTo(event), (late) => {
    const requestId = event.headers[REQUEST_ID_HEADER] ?? newId("req", now());
    reportFailure("ingest.late", requestId, late);
    const { status, ...answer } = errorResponse(late, requestId);
    return { statusCode: status, ...answer };
  });

async function answerTo(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  if (event.rawPath === "/health") return health();
  const { status, headers, body } = await accept(
    {
      method: event.requestContext.http.method,
      path: event.rawPath,
      headers: event.headers,
      body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
    },
    ports,
  );
  await callLog.tell();
  // The region that the events are in; a standby region relays them later.
  return { statusCode: status, headers: { ...headers, "triggers-region": settings.region }, body };
}
