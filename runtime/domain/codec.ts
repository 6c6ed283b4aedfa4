import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { CodecError } from "./codecError.ts";
import type { DeliveryStatus } from "./event.ts";
import type { Tenant } from "./identity.ts";
import { isUlid, shardOf, timeOf } from "./ids.ts";

/**
 * The wire format of every queue message and stored item, in one place. Each carries its version; a reader accepts the
 * versions it knows and refuses others by name, so that old and new functions can run side by side during a deployment.
 */
export { CodecError } from "./codecError.ts";

/** Where the packed events are: inside the message or item, or in the payload bucket when over `INLINE_LIMIT` bytes. */
export type Body = { readonly inline: Buffer } | { readonly s3_key: string };

/** Packed events above this many bytes go to S3: a base64 text of it fits an SQS message, raw a DynamoDB item. */
export const INLINE_LIMIT = 300_000;

/** One accepted request: ingest -> route. */
export interface IngestMessage {
  readonly tenant: Tenant;
  /** ULID of the first event; the others follow consecutively. */
  readonly first: string;
  readonly count: number;
  /** Event type of each event, in order. */
  readonly types: readonly (string | null)[];
  readonly key_id: string;
  readonly body: Body;
  /** W3C trace context of the request, passed on to subscribers. */
  readonly traceparent?: string;
}

/** One (batch, subscription) pair to deliver: route -> deliver, and each retry. */
export interface DeliveryMessage {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  readonly first: string;
  readonly count: number;
  /** Offsets, within the batch, of the events that matched; ascending. */
  readonly indexes: readonly number[];
  /** Attempts made so far; 0 before the first. */
  readonly attempts: number;
  readonly types: readonly (string | null)[];
  /** On the first attempt the packed events may travel along; otherwise they are read from the batch item. */
  readonly body?: Body;
  readonly replay_id?: string;
  readonly traceparent?: string;
}

/** A stored batch: one item an accepted request. */
export interface BatchItem {
  readonly tenant: Tenant;
  readonly first: string;
  readonly count: number;
  readonly types: readonly (string | null)[];
  readonly key_id: string;
  readonly body: Body;
  /** What the router decided: offsets of the matching events by subscription id. */
  readonly matched: Readonly<Record<string, readonly number[]>>;
  /** Version of the customer's subscriptions that decided it. */
  readonly snapshot_version: number;
  /** Milliseconds since the epoch. */
  readonly routed_at: number;
  readonly acknowledged: Readonly<Record<number, number>>;
  readonly deleted: readonly number[];
  /** Seconds since the epoch, as DynamoDB's expiry wants it. */
  readonly expires_at: number;
  readonly traceparent?: string;
}

export interface Attempt {
  /** RFC 3339. */
  readonly at: string;
  readonly status_code: number | null;
  readonly latency_ms: number;
  /** Named failure (`timeout`, `connection_reset`, …) or null on success. */
  readonly error: string | null;
  /** Up to 1 KB of the answer. */
  readonly response_excerpt?: string;
}

/** The state of one (batch, subscription) delivery. A matched pair without this item is pending. */
export interface DeliveryItem {
  readonly tenant: Tenant;
  readonly first: string;
  readonly count: number;
  readonly subscription_id: string;
  readonly indexes: readonly number[];
  readonly status: DeliveryStatus;
  readonly attempts: readonly Attempt[];
  /** Milliseconds since the epoch; only while `failed`. */
  readonly next_attempt_at?: number;
  /** True when the wait exceeds what an SQS delay can hold, so that the sweeper must find it. */
  readonly swept?: boolean;
  readonly reason?: string;
  readonly replay_id?: string;
  readonly expires_at: number;
}

const VERSION = 1;

// ---- queue messages: one JSON header line, then the packed events in base64 ---------------------------------------

const encodeLines = (header: object, body: Body | undefined): string =>
  body !== undefined && "inline" in body
    ? `${JSON.stringify(header)}\n${body.inline.toString("base64")}`
    : `${JSON.stringify(body === undefined ? header : { ...header, s3_key: body.s3_key })}\n`;

type Header = Record<string, unknown>;

function decodeLines(text: string, kind: string): { header: Header; body: Body | undefined } {
  const end = text.indexOf("\n");
  let header: Header;
  try {
    header = JSON.parse(end < 0 ? "" : text.slice(0, end)) as Header;
  } catch (cause) {
    throw new CodecError("corrupt", `the ${kind} message has no readable header`, { cause });
  }
  checkVersion(header.v, `${kind} message`);
  if (header.k !== kind) throw new CodecError("corrupt", `expected a ${kind} message, found ${String(header.k)}`);
  const base64 = text.slice(end + 1);
  if (base64 !== "") return { header, body: { inline: Buffer.from(base64, "base64") } };
  const key = header.s3_key;
  return { header, body: typeof key === "string" ? { s3_key: key } : undefined };
}

function checkVersion(version: unknown, what: string): void {
  if (version === VERSION) return;
  if (typeof version !== "number") throw new CodecError("corrupt", `the ${what} has no version`);
  throw new CodecError("unknown_version", `the ${what} has version ${version}; this code reads version ${VERSION}`);
}

const corrupt = (what: string, member: string): CodecError =>
  new CodecError("corrupt", `the ${what} has no valid "${member}"`);

function text(source: Header, member: string, what: string): string {
  const value = source[member];
  if (typeof value !== "string" || value === "") throw corrupt(what, member);
  return value;
}

function ulid(source: Header, member: string, what: string): string {
  const value = text(source, member, what);
  if (!isUlid(value)) throw corrupt(what, member);
  return value;
}

function whole(source: Header, member: string, what: string): number {
  const value = source[member];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw corrupt(what, member);
  return value;
}

function typesOf(source: Header, count: number, what: string): (string | null)[] {
  const value = source.types;
  if (!Array.isArray(value) || value.length !== count) throw corrupt(what, "types");
  if (!value.every((type) => type === null || typeof type === "string")) throw corrupt(what, "types");
  return value as (string | null)[];
}

function indexesOf(value: unknown, count: number, what: string): number[] {
  const ok =
    Array.isArray(value) &&
    value.every((i, at) => Number.isInteger(i) && i >= 0 && i < count && (at === 0 || i > value[at - 1]));
  if (!ok) throw corrupt(what, "indexes");
  return value as number[];
}

const optional = (source: Header, member: string): Record<string, string> => {
  const value = source[member];
  return typeof value === "string" ? { [member]: value } : {};
};

export const encodeIngest = ({ body, ...rest }: IngestMessage): string =>
  encodeLines({ v: VERSION, k: "ingest", ...rest }, body);

/** @throws CodecError */
export function decodeIngest(message: string): IngestMessage {
  const what = "ingest message";
  const { header, body } = decodeLines(message, "ingest");
  if (body === undefined) throw corrupt(what, "body");
  const count = whole(header, "count", what);
  return {
    tenant: text(header, "tenant", what),
    first: ulid(header, "first", what),
    count,
    types: typesOf(header, count, what),
    key_id: text(header, "key_id", what),
    body,
    ...optional(header, "traceparent"),
  };
}

export const encodeDelivery = ({ body, ...rest }: DeliveryMessage): string =>
  encodeLines({ v: VERSION, k: "delivery", ...rest }, body);

/** @throws CodecError */
export function decodeDelivery(message: string): DeliveryMessage {
  const what = "delivery message";
  const { header, body } = decodeLines(message, "delivery");
  const count = whole(header, "count", what);
  return {
    tenant: text(header, "tenant", what),
    subscription_id: text(header, "subscription_id", what),
    first: ulid(header, "first", what),
    count,
    indexes: indexesOf(header.indexes, count, what),
    attempts: whole(header, "attempts", what),
    types: typesOf(header, count, what),
    ...(body === undefined ? {} : { body }),
    ...optional(header, "replay_id"),
    ...optional(header, "traceparent"),
  };
}

// ---- items of the events table -----------------------------------------------------------------------------------

export type Item = Record<string, AttributeValue>;

/** Partition of a batch and of its deliveries. */
export const partitionOf = (tenant: Tenant, first: string): string => `${tenant}#${shardOf(first)}`;
export const batchSortKey = (first: string): string => `e#${first}`;
export const deliverySortKey = (first: string, subscriptionId: string, replayId?: string): string =>
  `d#${first}#${subscriptionId}${replayId === undefined ? "" : `#${replayId}`}`;

/** The public id of a delivery: `dlv_<batch ulid>_<subscription ulid>[_<replay ulid>]`. */
export const deliveryId = (first: string, subscriptionId: string, replayId?: string): string =>
  `dlv_${[first, subscriptionId.slice(4), ...(replayId === undefined ? [] : [replayId.slice(4)])].join("_")}`;

/** What a delivery id names, or undefined when it is not one. */
export function parseDeliveryId(
  id: string,
): { first: string; subscription_id: string; replay_id?: string } | undefined {
  const [prefix, first, subscription, replay, ...rest] = id.split("_");
  if (
    prefix !== "dlv" ||
    rest.length > 0 ||
    ![first, subscription, replay ?? first].every((p) => p !== undefined && isUlid(p))
  )
    return undefined;
  return {
    first: first!,
    subscription_id: `sub_${subscription!}`,
    ...(replay === undefined ? {} : { replay_id: `rpl_${replay}` }),
  };
}

/** Sparse index `by_state`: failed and dead-lettered deliveries of a tenant, by batch ULID. */
export const statePartition = (tenant: Tenant, status: DeliveryStatus): string => `${tenant}#${status}`;
export const DUE_PARTITIONS = 16;
/** Sparse index `due`: which of its 16 partitions a delivery waits in. */
export function duePartition(first: string): string {
  let hash = 0;
  for (let i = 10; i < first.length; i += 1) hash = (hash * 31 + first.charCodeAt(i)) >>> 0;
  return `due#${hash % DUE_PARTITIONS}`;
}

const S = (value: string): AttributeValue => ({ S: value });
const N = (value: number): AttributeValue => ({ N: String(value) });
const J = (value: unknown): AttributeValue => ({ S: JSON.stringify(value) });

const bodyAttributes = (body: Body): Item =>
  "inline" in body ? { body: { B: body.inline } } : { s3_key: S(body.s3_key) };

export function encodeBatch(batch: BatchItem): Item {
  const distinct = [...new Set(batch.types)];
  return {
    pk: S(partitionOf(batch.tenant, batch.first)),
    sk: S(batchSortKey(batch.first)),
    v: N(VERSION),
    count: N(batch.count),
    types: J(distinct.length === 1 ? distinct : batch.types),
    key_id: S(batch.key_id),
    matched: J(Object.entries(batch.matched).map(([id, at]) => (at.length === batch.count ? [id] : [id, at]))),
    snapshot_version: N(batch.snapshot_version),
    routed_at: N(batch.routed_at),
    expires_at: N(batch.expires_at),
    ...bodyAttributes(batch.body),
    // Acknowledgement is a map from offset to time, deletion a number set: both are changed in place by update expressions.
    acknowledged: { M: Object.fromEntries(Object.entries(batch.acknowledged).map(([at, ms]) => [at, N(ms)])) },
    ...(batch.deleted.length === 0 ? {} : { deleted: { NS: batch.deleted.map(String) } }),
    ...(batch.traceparent === undefined ? {} : { traceparent: S(batch.traceparent) }),
  };
}

const sOf = (item: Item, name: string, what: string): string => {
  const value = item[name]?.S;
  if (value === undefined) throw corrupt(what, name);
  return value;
};
const nOf = (item: Item, name: string, what: string): number => {
  const value = Number(item[name]?.N);
  if (!Number.isFinite(value)) throw corrupt(what, name);
  return value;
};
const jOf = (item: Item, name: string, what: string): unknown => {
  try {
    return JSON.parse(sOf(item, name, what));
  } catch (cause) {
    throw new CodecError("corrupt", `the ${what} has no valid "${name}"`, { cause });
  }
};
const keysOf = (item: Item, sort: RegExp, what: string): { tenant: Tenant; parts: RegExpExecArray } => {
  const pk = sOf(item, "pk", what);
  const parts = sort.exec(sOf(item, "sk", what));
  if (parts === null || !pk.includes("#")) throw corrupt(what, "sk");
  return { tenant: pk.slice(0, pk.lastIndexOf("#")), parts };
};
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Reads a batch item; with `body` left out by a projection, `body` is an empty inline buffer. @throws CodecError */
export function decodeBatch(item: Item): BatchItem {
  const what = "batch item";
  checkVersion(item.v?.N === undefined ? undefined : Number(item.v.N), what);
  const { tenant, parts } = keysOf(item, /^e#([0-9A-Z]{26})$/, what);
  const count = nOf(item, "count", what);
  const types = jOf(item, "types", what) as (string | null)[];
  const matched = jOf(item, "matched", what) as [string, number[]?][];
  const key = item.s3_key?.S;
  return {
    tenant,
    first: parts[1]!,
    count,
    types: types.length === 1 && count > 1 ? range(count).map(() => types[0]!) : typesOf({ types }, count, what),
    key_id: sOf(item, "key_id", what),
    body: key === undefined ? { inline: Buffer.from(item.body?.B ?? []) } : { s3_key: key },
    matched: Object.fromEntries(
      matched.map(([id, at]) => [id, at === undefined ? range(count) : indexesOf(at, count, what)]),
    ),
    snapshot_version: nOf(item, "snapshot_version", what),
    routed_at: nOf(item, "routed_at", what),
    acknowledged: Object.fromEntries(
      Object.entries(item.acknowledged?.M ?? {}).map(([at, ms]) => [Number(at), Number(ms.N)]),
    ),
    deleted: (item.deleted?.NS ?? []).map(Number).sort((a, b) => a - b),
    expires_at: nOf(item, "expires_at", what),
    ...(item.traceparent?.S === undefined ? {} : { traceparent: item.traceparent.S }),
  };
}

export function encodeDeliveryItem(delivery: DeliveryItem): Item {
  const { tenant, first, subscription_id, status } = delivery;
  return {
    pk: S(partitionOf(tenant, first)),
    sk: S(deliverySortKey(first, subscription_id, delivery.replay_id)),
    v: N(VERSION),
    count: N(delivery.count),
    indexes: J(delivery.indexes.length === delivery.count ? null : delivery.indexes),
    status: S(status),
    attempts: J(delivery.attempts),
    expires_at: N(delivery.expires_at),
    ...(status === "failed" || status === "dead_lettered" ? { state_pk: S(statePartition(tenant, status)) } : {}),
    ...(delivery.next_attempt_at === undefined ? {} : { next_attempt_at: N(delivery.next_attempt_at) }),
    ...(delivery.swept === true ? { due_pk: S(duePartition(first)) } : {}),
    ...(delivery.reason === undefined ? {} : { reason: S(delivery.reason) }),
  };
}

/** @throws CodecError */
export function decodeDeliveryItem(item: Item): DeliveryItem {
  const what = "delivery item";
  checkVersion(item.v?.N === undefined ? undefined : Number(item.v.N), what);
  const { tenant, parts } = keysOf(item, /^d#([0-9A-Z]{26})#(sub_[0-9A-Z]{26})(?:#(rpl_[0-9A-Z]{26}))?$/, what);
  const count = nOf(item, "count", what);
  const indexes = jOf(item, "indexes", what);
  const status = sOf(item, "status", what) as DeliveryStatus;
  return {
    tenant,
    first: parts[1]!,
    count,
    subscription_id: parts[2]!,
    indexes: indexes === null ? range(count) : indexesOf(indexes, count, what),
    status,
    attempts: jOf(item, "attempts", what) as Attempt[],
    expires_at: nOf(item, "expires_at", what),
    ...(item.next_attempt_at === undefined ? {} : { next_attempt_at: nOf(item, "next_attempt_at", what) }),
    ...(item.due_pk === undefined ? {} : { swept: true }),
    ...(item.reason?.S === undefined ? {} : { reason: item.reason.S }),
    ...(parts[3] === undefined ? {} : { replay_id: parts[3] }),
  };
}

// ---- archive records ----------------------------------------------------------------------------------------------

/** Firehose accepts 1,000 KiB a record; the line stays below it with room for the envelope. */
export const ARCHIVE_RECORD_LIMIT = 1_000_000;
export const ARCHIVE_PREFIXES = 64;

/** `00` to `3f`: which 64th of the archive a customer's events are in. FNV-1a over the customer id. */
export function archivePrefix(customerId: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < customerId.length; i += 1) hash = Math.imul(hash ^ customerId.charCodeAt(i), 0x01000193) >>> 0;
  return (hash % ARCHIVE_PREFIXES).toString(16).padStart(2, "0");
}

/**
 * One batch as JSON lines of the archive: `{"v","prefix","customer_id","environment","batch","events":[…]}`, split so
 * that each stays within a Firehose record. @param events the spliced JSON texts of the events, in order
 */
export function encodeArchive(
  batch: { tenant: Tenant; first: string },
  customerId: string,
  environment: string,
  events: readonly Uint8Array[],
): Buffer[] {
  const head = Buffer.from(
    `{"v":${VERSION},"prefix":"${archivePrefix(customerId)}","customer_id":${JSON.stringify(customerId)},"environment":"${environment}","batch":"${batch.first}","received_at":"${new Date(timeOf(batch.first)).toISOString()}","events":[`,
  );
  const tail = Buffer.from("]}\n");
  const comma = Buffer.from(",");
  const records: Buffer[] = [];
  let parts: Uint8Array[] = [];
  let size = 0;
  const flush = () => {
    if (parts.length > 0) records.push(Buffer.concat([head, ...parts, tail]));
    parts = [];
    size = 0;
  };
  for (const event of events) {
    if (size > 0 && head.length + size + event.length + 8 > ARCHIVE_RECORD_LIMIT) flush();
    if (parts.length > 0) parts.push(comma);
    parts.push(event);
    size += event.length + 1;
  }
  flush();
  return records;
}
