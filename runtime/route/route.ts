import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { GiveBack } from "../aws/giveBack.ts";
import { errorText, type Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import {
  type BatchItem,
  type Body,
  CodecError,
  type DeliveryMessage,
  decodeIngest,
  encodeArchive,
  encodeDelivery,
  type IngestMessage,
} from "../domain/codec.ts";
import { eventHeads } from "../domain/event.ts";
import { splitTenant, type Tenant } from "../domain/identity.ts";
import { timeOf } from "../domain/ids.ts";
import { unpack } from "../domain/pack.ts";
import type { Tracer } from "../domain/trace.ts";
import type { UsageFact } from "../domain/usage.ts";
import { storedLate } from "../store/lateBatch.ts";
import type { ArchiveEntry } from "./archive.ts";
import { countCalls } from "./calls.ts";
import { allErased, offsetsErased, removeErased, restOf } from "./erased.ts";
import { matchBatch } from "./match.ts";
import type { Snapshots } from "./snapshots.ts";
import { spansOf } from "./spans.ts";
import type { Stored } from "./store.ts";

/**
 * Routes an invocation's messages: match, store, fan out, archive.
 *
 * Invariant: a message counts as done only when its batch is stored, its deliveries are queued and its archive records are
 * taken, in this order of beginning; whatever step fails, the message comes again, and each step is safe to repeat.
 */

/** What routing does to the world. Outcomes by position: undefined where it succeeded. */
export interface RoutePorts {
  readonly snapshots: Snapshots;
  readonly log: Log;
  /** Milliseconds. */
  readonly now: () => number;
  /** Packed events that are not in the message; undefined when they are gone. */
  fetchBody(key: string): Promise<Uint8Array | undefined>;
  putPayload(key: string, packed: Buffer): Promise<void>;
  removePayload(key: string): Promise<void>;
  storeNew(batches: readonly BatchItem[]): Promise<void>;
  storeAgain(batch: BatchItem): Promise<Stored | undefined>;
  queue(messages: readonly Outgoing[]): Promise<(Error | undefined)[]>;
  archive(entries: readonly ArchiveEntry[]): Promise<(Error | undefined)[]>;
  /** Forgets where the tenant's inbox is known to be read: something was stored behind. */
  removeLowWater(tenant: Tenant): Promise<void>;
  countUsage(facts: readonly UsageFact[]): Promise<void>;
  readonly giveBack: GiveBack;
  /** Undefined where spans are not exported. */
  readonly tracer?: Tracer | undefined;
}

/** Packed events up to this many bytes go along with a delivery: in base64 they fit one 64 KB unit of SQS's bill. */
const INLINE_DELIVERY = 47_000;
/** More subscribers than this, and each delivery reads the batch instead of carrying it. */
const MAX_INLINE_COPIES = 16;
/** Older messages may come out of a dead-letter queue, which forgets how often they were received. */
const FIRST_RECEIVE_MS = 300_000;
const DAY_SECONDS = 86_400;

interface Work {
  readonly record: SQSRecord;
  readonly message: IngestMessage;
  readonly again: boolean;
  readonly events: readonly Buffer[];
  batch: BatchItem;
  /** What to deliver: as decided now, or as it was decided when the batch was first stored. */
  matched: BatchItem["matched"];
  deleted: readonly number[];
  stored: "now" | "before";
  /** Holds events that were erased before they came here: it goes when all else is done. */
  readonly remove?: string | undefined;
  error?: unknown;
}

/** @returns ids of the messages that have to come again */
export async function route(event: SQSEvent, ports: RoutePorts): Promise<SQSBatchResponse> {
  const started = ports.now();
  const failures = new Map<string, unknown>();
  const requests = await countCalls(event.Records, ports, failures);
  const prepared = await Promise.all(
    requests.map(async (record) => {
      try {
        return await prepare(record, ports);
      } catch (error) {
        failures.set(record.messageId, error);
        return undefined;
      }
    }),
  );
  const works = prepared.filter((work) => work !== undefined);
  await store(works, ports);
  await reopen(alive(works), ports);
  await Promise.all([fanOut(alive(works), ports), archive(alive(works), ports)]);
  await removeErased(alive(works), ports.removePayload);
  for (const { record, error } of works) if (error !== undefined) failures.set(record.messageId, error);
  const { tracer } = ports;
  await Promise.all([
    count(alive(works), ports),
    tracer?.export(() => spansOf(works, tracer.ratio, started, ports.now())),
  ]);
  for (const [message_id, error] of failures) {
    const fault = error instanceof CodecError ? error.fault : undefined;
    ports.log("error", "route.failed", { message_id, error: errorText(error), ...(fault && { fault }) });
  }
  const done = alive(works);
  ports.log("info", "route.routed", {
    batches: done.length,
    events: done.reduce((sum, work) => sum + work.batch.count, 0),
    deliveries: done.reduce((sum, work) => sum + Object.keys(work.matched).length, 0),
    failed: failures.size,
    duration_ms: ports.now() - started,
    oldest_ms: started - Math.min(started, ...done.map((work) => timeOf(work.batch.first))),
  });
  return ports.giveBack(event.Records, failures);
}

const alive = (works: readonly Work[]): Work[] => works.filter(({ error }) => error === undefined);

/** @returns undefined when nothing is left to do: all of it was erased meanwhile */
async function prepare(record: SQSRecord, ports: RoutePorts): Promise<Work | undefined> {
  const message = decodeIngest(record.body);
  const { tenant, first, count } = message;
  const acceptedAt = timeOf(first);
  const key = "inline" in message.body ? undefined : message.body.s3_key;
  const [snapshot, packed] = await Promise.all([
    ports.snapshots.get(tenant, acceptedAt),
    "inline" in message.body ? message.body.inline : ports.fetchBody(message.body.s3_key),
  ]);
  const { erasures } = snapshot;
  if (allErased(erasures, acceptedAt)) {
    if (key !== undefined) await ports.removePayload(key);
    return undefined;
  }
  if (packed === undefined) {
    if (erasures.some(({ until }) => until >= acceptedAt)) return undefined;
    throw new Error(`the payload ${key} is gone`);
  }
  const sent = unpack(packed);
  if (sent.length !== count) throw new CodecError("corrupt", `the pack holds ${sent.length} events, not ${count}`);
  const erased = offsetsErased(erasures, acceptedAt, sent);
  const all = { events: sent, types: message.types, matched: matchBatch(snapshot, first, message.types, sent) };
  const { events, types, matched, body } =
    erased.length === 0 ? { ...all, body: message.body } : await restOf(all, erased, message, ports.putPayload);
  const again = Number(record.attributes.ApproximateReceiveCount) > 1 || ports.now() - acceptedAt > FIRST_RECEIVE_MS;
  const batch: BatchItem = {
    tenant,
    first,
    count,
    types,
    key_id: message.key_id,
    body,
    matched,
    snapshot_version: snapshot.version,
    routed_at: ports.now(),
    acknowledged: {},
    deleted: erased,
    expires_at: Math.floor(acceptedAt / 1_000) + snapshot.retention_days * DAY_SECONDS,
    ...(message.key_name === undefined ? {} : { key_name: message.key_name }),
    ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    ...(message.key_hash === undefined ? {} : { key_hash: message.key_hash }),
  };
  const remove = erased.length === 0 ? undefined : key;
  return { record, message, again, events, batch, matched, deleted: erased, stored: "now", remove };
}

async function store(works: readonly Work[], ports: RoutePorts): Promise<void> {
  // One call refuses two items with the same key: a message received twice in one invocation counts as a repeat.
  const seen = new Set<string>();
  for (const work of works) work.batch = { ...work.batch, stored_at: ports.now() };
  const fresh: Work[] = [];
  const repeated: Work[] = [];
  for (const work of works) {
    const id = `${work.batch.tenant} ${work.batch.first}`;
    (work.again || seen.has(id) ? repeated : fresh).push(work);
    seen.add(id);
  }
  if (fresh.length > 0) {
    try {
      await ports.storeNew(fresh.map(({ batch }) => batch));
    } catch (error) {
      for (const work of fresh) work.error = error;
    }
  }
  await Promise.all(
    repeated.map(async (work) => {
      try {
        const before = await ports.storeAgain(work.batch);
        if (before === undefined) return;
        work.stored = "before";
        work.matched = before.matched;
        work.deleted = [...new Set([...before.deleted, ...work.deleted])];
      } catch (error) {
        work.error = error;
      }
    }),
  );
}

/** A batch that comes so late that readers may have been past it: their next reading begins below it again. */
async function reopen(works: readonly Work[], ports: RoutePorts): Promise<void> {
  const late = works.filter(({ batch }) => storedLate(timeOf(batch.first), batch.stored_at ?? batch.routed_at));
  await Promise.all(
    [...Map.groupBy(late, ({ batch }) => batch.tenant)].map(async ([tenant, own]) => {
      try {
        await ports.removeLowWater(tenant);
      } catch (error) {
        for (const work of own) work.error = error;
      }
    }),
  );
}

async function fanOut(works: readonly Work[], ports: RoutePorts): Promise<void> {
  const messages: { work: Work; message: Outgoing }[] = [];
  for (const work of works) {
    const pairs = Object.entries(work.matched);
    const body = bodyFor(work, pairs.length);
    for (const [subscription_id, all] of pairs) {
      const indexes = work.deleted.length === 0 ? all : all.filter((offset) => !work.deleted.includes(offset));
      if (indexes.length === 0) continue;
      const { tenant, first, count, types, key_name, traceparent, expires_at } = work.batch;
      const delivery: DeliveryMessage = {
        tenant,
        subscription_id,
        first,
        count,
        indexes,
        attempts: 0,
        types,
        expires_at,
        ...(body === undefined ? {} : { body }),
        ...(work.stored === "before" ? { repeated: true } : {}),
        ...(key_name === undefined ? {} : { key_name }),
        ...(traceparent === undefined ? {} : { traceparent }),
      };
      messages.push({ work, message: { text: encodeDelivery(delivery), group: tenant } });
    }
  }
  if (messages.length === 0) return;
  const outcomes = await ports.queue(messages.map(({ message }) => message));
  for (const [at, error] of outcomes.entries()) if (error !== undefined) messages[at]!.work.error = error;
}

/** The packed events where they go along with each delivery. Deleted ones must not: they are read from the batch then. */
function bodyFor({ batch, deleted }: Work, copies: number): Body | undefined {
  if (!("inline" in batch.body)) return batch.body;
  const fits = batch.body.inline.length <= INLINE_DELIVERY && copies <= MAX_INLINE_COPIES && deleted.length === 0;
  return fits ? batch.body : undefined;
}

async function archive(works: readonly Work[], ports: RoutePorts): Promise<void> {
  if (works.length === 0) return;
  const entries = works.map(({ batch, events, deleted }) => {
    const head = eventHeads(batch.first, batch.types);
    const texts = events.map((raw, offset) => ({ head: head(offset), raw }));
    const kept = deleted.length === 0 ? texts : texts.filter((_, offset) => !deleted.includes(offset));
    const { customer_id, environment } = splitTenant(batch.tenant);
    return { records: kept.length === 0 ? [] : encodeArchive(batch, customer_id, environment, kept) };
  });
  const outcomes = await ports.archive(entries);
  for (const [at, error] of outcomes.entries()) if (error !== undefined) works[at]!.error ??= error;
}

/** Counts each request once: when it was stored. A count that can't be written now is written later, not by a second delivery. */
async function count(works: readonly Work[], ports: RoutePorts): Promise<void> {
  const facts = works
    .filter(({ stored }) => stored === "now")
    .map(
      ({ batch, events, message: { source_ip } }): UsageFact => ({
        kind: "accepted",
        tenant: batch.tenant,
        at: timeOf(batch.first),
        routed_at: batch.routed_at,
        key_id: batch.key_id,
        ...(source_ip === undefined ? {} : { source_ip }),
        events: events.map((raw, offset) => ({ type: batch.types[offset]!, bytes: raw.length })),
        matched: Object.fromEntries(Object.entries(batch.matched).map(([id, offsets]) => [id, offsets.length])),
      }),
    );
  if (facts.length === 0) return;
  try {
    await ports.countUsage(facts);
  } catch (error) {
    ports.log("warn", "route.usage_not_counted_yet", { error: errorText(error) });
  }
}
