import {
  checkItemVersion,
  corrupt,
  countOf,
  type Item,
  J,
  jOf,
  keysOf,
  longIndexes,
  longTypes,
  N,
  nOf,
  S,
  shortTypes,
  sOf,
  VERSION,
} from "../../domain/codec/fields.ts";
import type { Body } from "../../domain/codec/messages.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Ulid } from "../../domain/ids.ts";
import type { Millis, Seconds } from "../../domain/time.ts";
import { batchKey } from "../keys.ts";

/** A stored batch: one item an accepted request. */
export interface BatchItem {
  readonly tenant: Tenant;
  readonly first: Ulid;
  readonly count: number;
  readonly types: readonly (string | null)[];
  readonly key_id: string;
  readonly body: Body;
  /** What the router decided: offsets of the matching events by subscription id. */
  readonly matched: Readonly<Record<string, readonly number[]>>;
  /** Version of the customer's subscriptions that decided it. */
  readonly snapshot_version: number;
  /** Milliseconds since the epoch. */
  readonly routed_at: Millis;
  /** When its write began, milliseconds; after its neighbours of the invocation were matched too. Items of old have none. */
  readonly stored_at?: Millis;
  readonly acknowledged: Readonly<Record<number, number>>;
  readonly deleted: readonly number[];
  /** Seconds since the epoch, as DynamoDB's expiry needs it. */
  readonly expiry: Seconds;
  /** Name of the key that sent it, where it has one. */
  readonly key_name?: string;
  readonly traceparent?: string;
  /** How often its events came out of webhooks and back in; left out for none. */
  readonly hops?: number;
  /** Of the request's `Idempotency-Key`; gone once its entry was erased. */
  readonly key_hash?: string;
}

const bodyAttributes = (body: Body): Item =>
  "inline" in body ? { body: { B: body.inline } } : { s3_key: S(body.s3_key) };

/** The attributes that grow with what a request has of events, types and matching subscriptions. */
export const encodeHeads = ({ count, types, matched }: Pick<BatchItem, "count" | "types" | "matched">) => ({
  types: J(shortTypes(types)),
  matched: J(Object.entries(matched).map(([id, at]) => (at.length === count ? [id] : [id, at]))),
});

export function encodeBatch(batch: BatchItem): Item {
  return {
    ...batchKey(batch.tenant, batch.first),
    v: N(VERSION),
    count: N(batch.count),
    ...encodeHeads(batch),
    key_id: S(batch.key_id),
    snapshot_version: N(batch.snapshot_version),
    routed_at: N(batch.routed_at),
    ...defined({ stored_at: mapDefined(batch.stored_at, N) }),
    expires_at: N(batch.expiry),
    ...bodyAttributes(batch.body),
    // Acknowledgement is a map from offset to time, deletion a number set: both are changed in place by update expressions.
    acknowledged: { M: Object.fromEntries(Object.entries(batch.acknowledged).map(([at, ms]) => [at, N(ms)])) },
    ...(batch.deleted.length === 0 ? {} : { deleted: { NS: batch.deleted.map(String) } }),
    ...defined({
      key_name: mapDefined(batch.key_name, S),
      traceparent: mapDefined(batch.traceparent, S),
      hops: mapDefined(batch.hops, N),
      key_hash: mapDefined(batch.key_hash, S),
    }),
  };
}

/** What an item says of the subscriptions that match. @param count events of the batch @throws CodecError */
export function decodeMatched(item: Item, count: number): BatchItem["matched"] {
  const what = "batch item";
  const matched = jOf(item, "matched", what);
  if (!Array.isArray(matched) || !matched.every((pair) => Array.isArray(pair) && typeof pair[0] === "string"))
    throw corrupt(what, "matched");
  return Object.fromEntries(
    (matched as [string, unknown?][]).map(([id, at]) => [id, longIndexes(at ?? null, count, what, "matched")]),
  );
}

/**
 * Reads a batch item; with `body` left out by a projection, `body` is an empty inline buffer. Of a batch with items beside it
 * (manyMatched.ts) `matched` is empty: `readBatches` reads them too.
 * @throws CodecError
 */
export function decodeBatch(item: Item): BatchItem {
  const what = "batch item";
  checkItemVersion(item, what);
  const { tenant, parts } = keysOf(item, /^e#([0-9A-Z]{26})$/, what);
  const count = countOf(item, "count", what);
  const key = item.s3_key?.S;
  return {
    tenant,
    first: parts[1]!,
    count,
    types: longTypes(jOf(item, "types", what), count, what),
    key_id: sOf(item, "key_id", what),
    body: key === undefined ? { inline: Buffer.from(item.body?.B ?? []) } : { s3_key: key },
    matched: decodeMatched(item, count),
    snapshot_version: nOf(item, "snapshot_version", what),
    routed_at: nOf(item, "routed_at", what),
    ...defined({ stored_at: mapDefined(item.stored_at, () => nOf(item, "stored_at", what)) }),
    acknowledged: Object.fromEntries(
      Object.entries(item.acknowledged?.M ?? {}).map(([at, ms]) => [Number(at), Number(ms.N)]),
    ),
    deleted: (item.deleted?.NS ?? []).map(Number).sort((a, b) => a - b),
    expiry: nOf(item, "expires_at", what),
    ...defined({
      key_name: item.key_name?.S,
      traceparent: item.traceparent?.S,
      hops: mapDefined(item.hops, () => nOf(item, "hops", what)),
      key_hash: item.key_hash?.S,
    }),
  };
}
