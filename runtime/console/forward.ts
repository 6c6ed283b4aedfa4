import type { LambdaFunctionURLResult } from "aws-lambda";
import type { Dynamodb, Invoke } from "../aws/clients.ts";
import { defined } from "../domain/defined.ts";
import { noSuch, TriggersError } from "../domain/errors/errors.ts";
import {
  BODY_FAULT_HEADER,
  CONTENT_TYPE_HEADER,
  type Environment,
  encodeIdentity,
  environments,
  IDENTITY_HEADER,
  type Identity,
  PATH_HEADER,
  REQUEST_ID_HEADER,
  SEAL_HEADER,
} from "../domain/identity/identity.ts";
import type { PepperCache } from "../domain/identity/pepperCache.ts";
import { sealOf } from "../domain/identity/seal.ts";
import { newId } from "../domain/ids.ts";
import type { Membership } from "../domain/people/person.ts";
import { requirePermission, scopesOf } from "../domain/people/roles.ts";
import type { Millis } from "../domain/time.ts";
import { readKey } from "../keys/keysTable.ts";
import { endsAt, type Session } from "./sessions.ts";

/**
 * What a person asks for is done by the functions that do it for everybody else, asked as the edge asks them: under an identity that
 * this function seals. No rule of the API is written here.
 */

/** A request as it came, apart from where. */
export interface Asked {
  readonly method: string;
  /** As the caller sent it, without what stands before the API's own paths. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly source_ip: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The page says by these what it means; edge and viewer function let them pass for the console alone. */
const ENVIRONMENT_HEADER = "x-triggers-environment";
const KEY_HEADER = "x-triggers-key-id";
const WITHOUT_PAYLOADS_HEADER = "x-triggers-without-payloads";

/** What goes on to the API of what the browser sent. */
const PASSED_ON = [
  "accept",
  "content-type",
  "content-encoding",
  "idempotency-key",
  "if-match",
  BODY_FAULT_HEADER,
  CONTENT_TYPE_HEADER,
];
const TIMEOUT_MS = 29_000;

export interface ForwardPorts {
  readonly invoke: Invoke;
  readonly dynamodb: Dynamodb;
  readonly peppers: Pick<PepperCache, "get">;
  readonly functions: { readonly api: string; readonly ingest: string };
  readonly keysTable: string;
  now(): Millis;
}

function environmentIn(headers: Asked["headers"]): Environment {
  const asked = headers[ENVIRONMENT_HEADER] ?? "live";
  if (environments.includes(asked as Environment)) return asked as Environment;
  throw new TriggersError("invalid_request", `${ENVIRONMENT_HEADER} is live or sandbox, not "${asked.slice(0, 20)}".`);
}

/** Who acts. @param member the session's membership in its customer @param hash what the session is remembered by */
export function identityOf(session: Session, member: Membership, asked: Asked, hash: string): Identity {
  const environment = environmentIn(asked.headers);
  return {
    customer_id: member.customer_id,
    environment,
    key_id: member.person_id,
    key_name: session.name,
    scopes: scopesOf[member.role],
    limit_per_second: member.limit_per_second,
    source_ip: asked.source_ip,
    person: {
      person_id: member.person_id,
      name: session.name,
      role: member.role,
      signed_in_at: session.signed_in_at,
      session: { id: hash, ends_at: endsAt(session) },
      ...(asked.headers[WITHOUT_PAYLOADS_HEADER] === "1" ? { without_payloads: true as const } : {}),
    },
  };
}

/**
 * The identity of a key of the customer, with the person who acts by it: its limits, its scopes, its side.
 * @throws TriggersError `not_found`; `forbidden` for one that may not send
 */
async function withKey(identity: Identity, keyId: string, ports: ForwardPorts): Promise<Identity> {
  const record = await readKey({ dynamodb: ports.dynamodb, name: ports.keysTable }, keyId, "strong");
  const ended = record?.expires_at !== undefined && Date.parse(record.expires_at) <= ports.now();
  if (record?.customer_id !== identity.customer_id) throw noSuch("key", keyId);
  if (record.status !== "active" || ended)
    throw new TriggersError("forbidden", "This key is revoked or expired: choose another.");
  return {
    ...identity,
    environment: record.environment,
    key_id: record.key_id,
    scopes: record.scopes,
    limit_per_second: record.customer_limit_per_second,
    ...defined({
      key_name: record.name ?? identity.key_name,
      key_limit_per_second: record.limit_per_second,
      key_family: record.family,
    }),
  };
}

interface UrlResult {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

const EVENTS = "/events";
const isSend = ({ method, path }: Asked): boolean => method === "POST" && path === EVENTS;

/** Does what `api` or `ingest` does, as this identity. @returns the answer and by whom it was asked in the end */
export async function forward(
  identity: Identity,
  asked: Asked,
  requestId: string,
  ports: ForwardPorts,
): Promise<{ readonly answer: Answered; readonly identity: Identity }> {
  const { method, path } = asked;
  const sends = isSend(asked);
  if (sends) requirePermission(identity.person!.role, "POST /events");
  const keyId = asked.headers[KEY_HEADER];
  const composes = sends || path === "/events/dry-run";
  const acting = keyId === undefined || !composes ? identity : await withKey(identity, keyId, ports);
  const encoded = encodeIdentity(acting);
  const peppers = await ports.peppers.get();
  const headers: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = asked.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  // A call of a function is repeated where its answer is lost: events are taken in once all the same.
  if (sends) headers["idempotency-key"] ??= newId("req", ports.now());
  headers[REQUEST_ID_HEADER] = requestId;
  headers[PATH_HEADER] = path;
  headers[IDENTITY_HEADER] = encoded;
  headers[SEAL_HEADER] = sealOf({ requestId, method, path, identity: encoded }, peppers);
  const event = {
    version: "2.0",
    rawPath: path,
    rawQueryString: asked.query,
    headers,
    requestContext: { domainName: "console", http: { method, path } },
    ...(asked.body.length === 0 ? {} : { body: asked.body.toString("base64") }),
    isBase64Encoded: asked.body.length > 0,
  };
  const target = path === EVENTS ? ports.functions.ingest : ports.functions.api;
  const bytes = await ports.invoke(target, JSON.stringify(event), TIMEOUT_MS);
  const result = JSON.parse(bytes.toString("utf8")) as LambdaFunctionURLResult as UrlResult;
  const answer = {
    status: result.statusCode ?? 200,
    headers: Object.fromEntries(Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)])),
    body: Buffer.from(result.body ?? "", result.isBase64Encoded === true ? "base64" : "utf8"),
  };
  return { answer, identity: acting };
}
