import { defined, mapDefined } from "../defined.ts";
import type { Tenant } from "../identity/identity.ts";
import { isUlid, type Ulid } from "../ids.ts";
import type { Millis, Seconds } from "../time.ts";
import type { CallFact } from "../usage/fact.ts";
import { CodecError } from "./codecError.ts";
import {
  checkVersion,
  corrupt,
  type Header,
  longIndexes,
  longTypes,
  optional,
  shortIndexes,
  shortTypes,
  text,
  ulid,
  VERSION,
  whole,
} from "./fields.ts";

/** Queue messages: one JSON header line, then the packed events in base64 where they travel along. */

/** Where the packed events are: inside the message or item, or in the payload bucket when over `INLINE_LIMIT` bytes. */
export type Body = { readonly inline: Buffer } | { readonly s3_key: string };

/** Packed events above this many bytes go to S3: a base64 text of it fits an SQS message, raw a DynamoDB item. */
export const INLINE_LIMIT = 300_000;

/** Packed events where they belong by their size. @param put puts what is too large for an item under this key */
export async function placeBody(
  packed: Buffer,
  key: string,
  put: (key: string, packed: Buffer) => Promise<void>,
): Promise<Body> {
  if (packed.length <= INLINE_LIMIT) return { inline: packed };
  await put(key, packed);
  return { s3_key: key };
}

/** One accepted request: ingest -> route. */
export interface IngestMessage {
  readonly tenant: Tenant;
  /** ULID of the first event; the others follow consecutively. */
  readonly first: Ulid;
  readonly count: number;
  /** Event type of each event, in order. */
  readonly types: readonly (string | null)[];
  readonly key_id: string;
  /** Name of that key, where it has one; part of the metadata that subscribers may ask for. */
  readonly key_name?: string;
  /** Where the request came from, for the audit. */
  readonly source_ip?: string;
  readonly body: Body;
  /** W3C trace context of the request, passed on to subscribers. */
  readonly traceparent?: string;
  /** `keyHashOf` its `Idempotency-Key`, under which erasure finds the entry. */
  readonly key_hash?: string;
  /** How often its events came out of webhooks and back in; left out for none. */
  readonly hops?: number;
  /** How often it was put off, because matching its events, or others of its customer, took too much work. */
  readonly part?: number;
  /** It is the rest of a request whose first events are stored and counted. */
  readonly rest?: boolean;
  /** When the edge received the request, milliseconds. */
  readonly arrived?: Millis;
  /** From then until the queue had it, milliseconds: where it was sent on since. */
  readonly accept_ms?: Millis;
}

/** The first attempt of one (batch, subscription) pair: route -> deliver, or a replay -> deliver. */
export interface DeliveryMessage {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly first: Ulid;
  readonly count: number;
  /** Offsets, within the batch, of the events that matched; ascending. */
  readonly indexes: readonly number[];
  /** Attempts made so far; 0 before the first. */
  readonly attempts: number;
  readonly types: readonly (string | null)[];
  /** On the first attempt the packed events may travel along; otherwise they are read from the batch item. */
  readonly body?: Body;
  /** True when it may have been sent before: its item is looked at before anything is posted. */
  readonly repeated?: boolean;
  /** Seconds since the epoch at which the batch expires, and its deliveries with it. Left out: 90 days after the events. */
  readonly expiry?: Seconds;
  /** As its request had them. */
  readonly hops?: number;
  readonly replay_id?: string;
  readonly key_id?: string;
  readonly key_name?: string;
  readonly traceparent?: string;
}

/**
 * A further attempt at deliveries that have an item already: those of one post, so that a retry presents the same events
 * under the same `webhook-id`. The events that are still to be delivered are read from the items.
 */
export interface RetryMessage {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  /** First ULIDs of the batches, ascending; 1 to 100. */
  readonly batches: readonly string[];
  /** Attempts made when this was sent. An item that has gone on since leaves this message without effect. */
  readonly attempts: number;
  readonly replay_id?: string;
  /** Somebody asked for it: it makes an attempt in every state of the item, also for one delivered or dead-lettered. */
  readonly manual?: boolean;
  /** The replay of dead letters that asked: the delivery stays itself, and its posts name that replay. */
  readonly retried_by?: string;
}

/** Release a subscription's held deliveries, at a bounded rate: sent when it is enabled or its circuit closes. */
export interface DrainMessage {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  /** 1, then 2: a second look, after every cached state is stale, finds the deliveries that were held meanwhile. */
  readonly pass: 1 | 2;
  /** The owner has enabled the subscription: its endpoint begins anew, with its earlier failures forgotten. */
  readonly reset?: boolean;
  /** How far the failed deliveries of a removed subscription are looked through. */
  readonly reached?: Reached;
}

/** A place among a tenant's failed deliveries, which are in several partitions. */
export interface Reached {
  readonly partition: number;
  /** Sort key of the last that was looked at in it. */
  readonly after?: string;
  /** Whether this look has found any, so that another follows. */
  readonly found?: boolean;
}

/** Try an endpoint whose circuit is open with one waiting delivery. */
export interface ProbeMessage {
  readonly tenant: Tenant;
  readonly subscription_id: string;
}

/** How calls of the API that made no batch were answered: ingest -> route, which counts them. */
export interface CallsMessage {
  readonly tenant: Tenant;
  readonly calls: readonly Omit<CallFact, "kind" | "tenant">[];
}

export type DeliverMessage =
  | ({ readonly kind: "delivery" } & DeliveryMessage)
  | ({ readonly kind: "retry" } & RetryMessage)
  | ({ readonly kind: "drain" } & DrainMessage)
  | ({ readonly kind: "probe" } & ProbeMessage);

const CALLS = /^\{"v":\d+,"k":"calls",/;

const encodeLines = (header: object, body: Body | undefined): string =>
  body !== undefined && "inline" in body
    ? `${JSON.stringify(header)}\n${body.inline.toString("base64")}`
    : `${JSON.stringify(body === undefined ? header : { ...header, s3_key: body.s3_key })}\n`;

function decodeLines(message: string, what: string): { header: Header; body: Body | undefined } {
  const end = message.indexOf("\n");
  let header: unknown;
  try {
    header = JSON.parse(end < 0 ? "" : message.slice(0, end));
  } catch (cause) {
    throw new CodecError("corrupt", `the ${what} has no readable header`, { cause });
  }
  if (typeof header !== "object" || header === null) throw new CodecError("corrupt", `the ${what} has no header`);
  checkVersion((header as Header).v, what);
  const inline = message.length > end + 1 ? { inline: Buffer.from(message.slice(end + 1), "base64") } : undefined;
  const key = (header as Header).s3_key;
  return { header: header as Header, body: inline ?? (typeof key === "string" ? { s3_key: key } : undefined) };
}

function checkKind(header: Header, kinds: readonly string[]): void {
  if (kinds.includes(header.k as string)) return;
  throw new CodecError("corrupt", `expected a ${kinds.join(" or ")} message, found ${String(header.k)}`);
}

export const encodeIngest = ({ body, types, ...rest }: IngestMessage): string =>
  encodeLines({ v: VERSION, k: "ingest", ...rest, types: shortTypes(types) }, body);

/** @throws CodecError */
export function decodeIngest(message: string): IngestMessage {
  const what = "ingest message";
  const { header, body } = decodeLines(message, what);
  checkKind(header, ["ingest"]);
  if (body === undefined) throw corrupt(what, "body");
  const count = whole(header, "count", what);
  return {
    tenant: text(header, "tenant", what),
    first: ulid(header, "first", what),
    count,
    types: longTypes(header.types, count, what),
    key_id: text(header, "key_id", what),
    body,
    ...optional(header, "key_name"),
    ...optional(header, "source_ip"),
    ...optional(header, "traceparent"),
    ...optional(header, "key_hash"),
    ...defined({
      hops: mapDefined(header.hops, () => whole(header, "hops", what)),
      part: mapDefined(header.part, () => whole(header, "part", what)),
      arrived: mapDefined(header.arrived, () => whole(header, "arrived", what)),
      accept_ms: mapDefined(header.accept_ms, () => whole(header, "accept_ms", what)),
    }),
    ...(header.rest === true ? { rest: true } : {}),
  };
}

export const encodeCalls = (message: CallsMessage): string =>
  encodeLines({ v: VERSION, k: "calls", ...message }, undefined);

/** The message where it is one, else undefined: the ingest queue carries accepted requests too. @throws CodecError */
export function decodeCalls(message: string): CallsMessage | undefined {
  const what = "calls message";
  if (!CALLS.test(message)) return undefined;
  const { header } = decodeLines(message, what);
  checkKind(header, ["calls"]);
  const { calls } = header;
  if (!Array.isArray(calls)) throw corrupt(what, "calls");
  return {
    tenant: text(header, "tenant", what),
    calls: (calls as Header[]).map((call) => ({
      at: whole(call, "at", what),
      key_id: text(call, "key_id", what),
      ...optional(call, "source_ip"),
      call: text(call, "call", what),
      outcome: text(call, "outcome", what),
      requests: whole(call, "requests", what),
      events: whole(call, "events", what),
      bytes: whole(call, "bytes", what),
    })),
  };
}

export const encodeDelivery = ({ body, types, indexes, expiry, ...rest }: DeliveryMessage): string =>
  encodeLines(
    {
      v: VERSION,
      k: "delivery",
      ...rest,
      ...defined({ expires_at: expiry }),
      indexes: shortIndexes(indexes, rest.count),
      types: shortTypes(types),
    },
    body,
  );
export const encodeRetry = (message: RetryMessage): string =>
  encodeLines({ v: VERSION, k: "retry", ...message }, undefined);
export const encodeDrain = (message: DrainMessage): string =>
  encodeLines({ v: VERSION, k: "drain", ...message }, undefined);
export const encodeProbe = (message: ProbeMessage): string =>
  encodeLines({ v: VERSION, k: "probe", ...message }, undefined);

function reachedIn(header: Header, what: string): Reached {
  return {
    partition: whole(header, "partition", what),
    ...defined({ after: mapDefined(header.after, () => text(header, "after", what)) }),
    ...(header.found === true ? { found: true } : {}),
  };
}

/** Reads any message of the delivery and retry queues. @throws CodecError */
export function decodeDeliver(message: string): DeliverMessage {
  const { header, body } = decodeLines(message, "delivery message");
  checkKind(header, ["delivery", "retry", "drain", "probe"]);
  const kind = header.k as DeliverMessage["kind"];
  const what = `${kind} message`;
  const whom = { tenant: text(header, "tenant", what), subscription_id: text(header, "subscription_id", what) };
  switch (kind) {
    case "delivery": {
      const count = whole(header, "count", what);
      return {
        kind,
        ...whom,
        first: ulid(header, "first", what),
        count,
        indexes: longIndexes(header.indexes, count, what),
        attempts: whole(header, "attempts", what),
        types: longTypes(header.types, count, what),
        ...defined({ body }),
        ...(header.repeated === true ? { repeated: true } : {}),
        ...defined({
          hops: mapDefined(header.hops, () => whole(header, "hops", what)),
          expiry: mapDefined(header.expires_at, () => whole(header, "expires_at", what)),
        }),
        ...optional(header, "replay_id"),
        ...optional(header, "key_id"),
        ...optional(header, "key_name"),
        ...optional(header, "traceparent"),
      };
    }
    case "retry": {
      const batches = header.batches;
      if (
        !Array.isArray(batches) ||
        batches.length === 0 ||
        !batches.every((at) => typeof at === "string" && isUlid(at))
      )
        throw corrupt(what, "batches");
      return {
        kind,
        ...whom,
        batches: batches as string[],
        attempts: whole(header, "attempts", what),
        ...optional(header, "replay_id"),
        ...(header.manual === true ? { manual: true } : {}),
        ...optional(header, "retried_by"),
      };
    }
    case "drain": {
      if (header.pass !== 1 && header.pass !== 2) throw corrupt(what, "pass");
      return {
        kind,
        ...whom,
        pass: header.pass,
        ...(header.reset === true ? { reset: true } : {}),
        ...defined({ reached: mapDefined(header.reached, (reached) => reachedIn(reached as Header, what)) }),
      };
    }
    case "probe":
      return { kind, ...whom };
  }
}
