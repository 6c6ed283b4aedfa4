import { randomUUID } from "node:crypto";
import { checkMediaType, decodeBody, tooLarge } from "../domain/body/requestBody.ts";
import { checkTypes, readEvents, type Schemas, type ValidBody } from "../domain/body/validate.ts";
import { type IngestMessage, placeBody } from "../domain/codec/index.ts";
import { pack } from "../domain/codec/pack.ts";
import { defined } from "../domain/defined.ts";
import {
  asTriggersError,
  type ErrorCode,
  errorCatalog,
  errorResponse,
  TriggersError,
  unauthorized,
} from "../domain/errors/errors.ts";
import { bodyHashOf, idempotencyKeyIn, keyHashOf } from "../domain/idempotency.ts";
import { originHeaders, preflightHeaders } from "../domain/identity/browser.ts";
import {
  BODY_FAULT_HEADER,
  CONTENT_TYPE_HEADER,
  decodeIdentity,
  IDENTITY_HEADER,
  type Identity,
  REQUEST_ID_HEADER,
  requireScope,
  type Tenant,
  tenantOf,
} from "../domain/identity/identity.ts";
import { eventId, newId, newUlid, timeOf, type Ulid, ulidAt, ulidIn } from "../domain/ids.ts";
import type { Millis } from "../domain/time.ts";
import { hopsIn } from "../domain/webhook/hops.ts";
import { type ClaimRequest, claimed, type IdempotencyStore } from "../redis/idempotency.ts";
import { type Limiter, limitHeaders, overLimit, tooManyRequests, type Verdict } from "../redis/limiter.ts";

/**
 * What `POST /events` does with one request.
 *
 * Invariant: 202 is answered only after the queue has the whole request, or under a key whose first request did so. With any
 * other answer nothing was accepted. The one exception is a queue that gave no answer: a repeat with the same key repairs that.
 */

export interface IngestRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface IngestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A send that failed; `sent` when the queue may have taken the message all the same. */
export interface SendFailure extends Error {
  readonly sent: boolean;
}

export interface Ports {
  /** The headers. An identity without the edge's seal is removed. @throws TriggersError while seals can't be checked */
  callerOf(method: string, headers: IngestRequest["headers"]): Promise<IngestRequest["headers"]>;
  readonly limiter: Pick<Limiter, "take" | "takeRequest">;
  readonly idempotency: Pick<IdempotencyStore, "claim" | "done" | "release">;
  /** The schemas of these event types of a tenant, at most 5 s old as far as they can be reached. */
  schemas(tenant: Tenant, types: readonly (string | null)[]): Promise<Schemas>;
  /** Puts packed events that are too large for a message. */
  putPayload(key: string, packed: Buffer): Promise<void>;
  /** Resolves once the message is durable. @throws SendFailure */
  send(message: IngestMessage): Promise<void>;
  now(): Millis;
  /** The request was answered without making a batch, which route would count. */
  answered(identity: Identity, outcome: string): void;
  /** Something failed that the answer doesn't show, or shows as 5xx only. */
  failed(what: string, requestId: string, cause: unknown): void;
}

const EVENTS = "/events";
/** Seconds after which a repeat is worth trying: the queue or Redis was away, or the first request is in flight. */
const SOON = { "retry-after": "1" };

/** Answers a request. Never throws. */
export async function accept(request: IngestRequest, ports: Ports): Promise<IngestAnswer> {
  const requestId = request.headers[REQUEST_ID_HEADER] ?? newId("req", ports.now());
  const arrived = arrivalIn(requestId);
  const { origin } = request.headers;
  if (request.method === "OPTIONS" && request.path === EVENTS) {
    return {
      status: 204,
      headers: { ...preflightHeaders(EVENTS, ["POST"], origin), "x-request-id": requestId },
      body: "",
    };
  }
  let readable: Record<string, string> = {};
  let identity: Identity | undefined;
  let verdict: Verdict | undefined;
  try {
    const headers = await ports.callerOf(request.method, request.headers);
    identity = decodeIdentity(headers[IDENTITY_HEADER]);
    readable = originHeaders(identity, origin);
    checkRoute(request);
    requireScope(identity, "events:write");
    const key = idempotencyKeyIn(request.headers["idempotency-key"]);
    const tenant = tenantOf(identity);
    const body = readBody(request);
    const valid = readEvents(body);
    const batch: Batch = {
      tenant,
      key_id: identity.key_id,
      key_name: identity.key_name,
      source_ip: identity.source_ip,
      valid,
      traceparent: traceparentIn(request),
      hops: hopsIn(request.headers),
      key_hash: key === undefined ? undefined : keyHashOf(key),
      arrived,
    };
    // In this order, so that requests refused for a schema have counted: checking costs more than anything else here.
    const applyLimits = async () => {
      verdict = await ports.limiter.take(identity!, valid.events.length, arrived);
      if (verdict.ended === true) throw unauthorized();
      if (!verdict.allowed) throw overLimit(verdict, valid.events.length);
      checkTypes(valid, await ports.schemas(tenant, valid.types));
    };
    let answer: string;
    let replayed: Record<string, string> = {};
    if (batch.key_hash === undefined) {
      await applyLimits();
      answer = await sendBatch(batch, firstUlid(valid, ports), ports);
    } else {
      const keyed = { keyHash: batch.key_hash, bodyHash: bodyHashOf(body), requestId };
      const outcome = await acceptWithKey(keyed, batch, applyLimits, ports);
      answer = outcome.answer;
      if (outcome.replayed) {
        replayed = { "idempotency-replayed": "true" };
        ports.answered(identity, "replayed");
      }
    }
    verdict ??= await ports.limiter.take(identity, 0, arrived);
    if (verdict.ended === true) throw unauthorized();
    return {
      status: 202,
      headers: {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-request-id": requestId,
        ...limitHeaders(verdict),
        ...readable,
        ...replayed,
      },
      body: answer,
    };
  } catch (thrown) {
    // Every known caller learns how much of the limit remains, also from a refusal.
    let refusal = asTriggersError(thrown);
    if (identity !== undefined && verdict === undefined) {
      // A request that is refused before its events count, counts among the key's requests.
      const [events, requests] = await Promise.all([
        ports.limiter.take(identity, 0, arrived),
        ports.limiter.takeRequest(identity, arrived),
      ]);
      verdict = events;
      if (!requests.allowed && refusal.status < 500) refusal = tooManyRequests(requests);
    }
    const error = verdict?.ended === true ? unauthorized() : refusal;
    if (error.status >= 500) ports.failed("ingest.failed", requestId, error.cause ?? error);
    const { status, headers, body } = errorResponse(error, requestId);
    if (identity !== undefined) ports.answered(identity, error.code);
    return { status, headers: { ...headers, ...(verdict && limitHeaders(verdict)), ...readable }, body };
  }
}

/** When the request came to the edge, which made its id then. */
function arrivalIn(requestId: string): number | undefined {
  const ulid = ulidIn("req", requestId);
  return ulid === undefined ? undefined : timeOf(ulid);
}

function checkRoute({ path, method }: IngestRequest): void {
  if (path !== EVENTS) throw new TriggersError("not_found", "There is no such route.");
  if (method !== "POST") {
    throw new TriggersError("method_not_allowed", "Only POST is possible here.", {
      headers: { allow: "OPTIONS, POST" },
    });
  }
}

function readBody({ headers, body }: IngestRequest): Buffer {
  const fault = headers[BODY_FAULT_HEADER];
  if (fault === "payload_too_large") throw tooLarge();
  if (fault !== undefined && fault in errorCatalog) {
    throw new TriggersError(fault as ErrorCode, "The body is not valid JSON: the text is not UTF-8.");
  }
  checkMediaType(headers[CONTENT_TYPE_HEADER] ?? headers["content-type"]);
  return decodeBody(body, headers["content-encoding"]);
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const traceparentIn = ({ headers: { traceparent } }: IngestRequest): string | undefined =>
  traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : undefined;

/** The events of one request on their way to the queue. */
interface Batch {
  readonly tenant: Tenant;
  readonly key_id: string;
  readonly key_name: string | undefined;
  readonly source_ip: string | undefined;
  readonly valid: ValidBody;
  readonly traceparent: string | undefined;
  readonly hops: number;
  /** Of its `Idempotency-Key`. */
  readonly key_hash: string | undefined;
  /** When the edge received it, where that is known; milliseconds. */
  readonly arrived: Millis | undefined;
}

const firstUlid = ({ events }: ValidBody, { now }: Ports): string => newUlid(now(), events.length);

/** Sends the batch under these ids and tells the body of its 202. */
async function sendBatch(batch: Batch, first: Ulid, ports: Ports): Promise<string> {
  const { tenant, key_id, key_name, source_ip, valid, traceparent, hops, key_hash, arrived } = batch;
  const packed = pack(valid.events);
  try {
    const body = await placeBody(packed, `${tenant}/${first}`, ports.putPayload);
    const { types } = valid;
    const told = {
      ...defined({ key_name, source_ip, traceparent, arrived }),
      ...(hops === 0 ? {} : { hops }),
      ...defined({ key_hash }),
    };
    await ports.send({ tenant, first, count: valid.events.length, types, key_id, body, ...told });
  } catch (cause) {
    // A queue that fell silent may have them.
    const message =
      (cause as Partial<SendFailure>).sent === true
        ? "Whether the events could be stored is not known; the same `Idempotency-Key` makes a repeat safe."
        : "The events could not be stored; none was accepted.";
    throw new TriggersError("unavailable", message, { headers: SOON, cause });
  }
  return answerOf(valid, first);
}

function answerOf({ array, events }: ValidBody, first: Ulid): string {
  const one = (offset: number) => `{"event_id":"${eventId(ulidAt(first, offset))}","status":"accepted"}`;
  if (!array) return one(0);
  let list = one(0);
  for (let i = 1; i < events.length; i += 1) list += `,${one(i)}`;
  return `{"events":[${list}]}`;
}

/** A request with an `Idempotency-Key`: replayed, refused, or carried out under the ids its key was first given. */
async function acceptWithKey(
  { requestId, ...keyed }: Pick<ClaimRequest, "keyHash" | "bodyHash"> & { readonly requestId: string },
  batch: Batch,
  applyLimits: () => Promise<void>,
  ports: Ports,
): Promise<{ answer: string; replayed: boolean }> {
  const request: ClaimRequest = {
    tenant: batch.tenant,
    ...keyed,
    first: firstUlid(batch.valid, ports),
    token: randomUUID(),
    now: ports.now(),
  };
  const claim = await claimed(ports.idempotency, request);
  // The same body was sent then, so the answer follows from its ids: it need not be kept.
  if (claim.kind === "replay") return { answer: answerOf(batch.valid, claim.first), replayed: true };
  // If settling fails, time settles it: the lease ends, and a repeat carries on under the same ids.
  const settle = (work: Promise<void>) =>
    work.catch((cause: unknown) => ports.failed("ingest.unsettled", requestId, cause));
  let answer: string;
  try {
    await applyLimits();
    answer = await sendBatch(batch, claim.first, ports);
  } catch (thrown) {
    const cause = (thrown as Error).cause as Partial<SendFailure> | undefined;
    const nothingSent = thrown instanceof TriggersError && (thrown.status < 500 || cause?.sent === false);
    await settle(ports.idempotency.release(request, claim.fresh && nothingSent ? "drop" : "free"));
    throw thrown;
  }
  await settle(ports.idempotency.done(request, claim.first, ""));
  return { answer, replayed: false };
}
