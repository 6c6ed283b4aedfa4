import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { GiveBack } from "../aws/giveBack.ts";
import { errorText, type Log } from "../aws/log.ts";
import type { Tell } from "../aws/publisher.ts";
import type { Outgoing } from "../aws/queues.ts";
import {
  type Body,
  CodecError,
  type DeliveryMessage,
  decodeIngest,
  encodeArchive,
  encodeDelivery,
  encodeIngest,
  type IngestMessage,
  placeBody,
} from "../domain/codec/index.ts";
import { pack, unpack } from "../domain/codec/pack.ts";
import { defined } from "../domain/defined.ts";
import { eventHeads } from "../domain/event.ts";
import { type Failure, failuresAt } from "../domain/failure.ts";
import { splitTenant, type Tenant } from "../domain/identity/identity.ts";
import { timeOf, type Ulid, ulidAt } from "../domain/ids.ts";
import { newsOf } from "../domain/live.ts";
import { DAY_SECONDS, type Millis, secondsOf } from "../domain/time.ts";
import type { Tracer } from "../domain/trace.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import { Budget, CUSTOMER_BUDGET } from "../matching/index.ts";
import type { BatchItem } from "../store/batches/batchItem.ts";
import { firstOf, fitting, hasRoom } from "../store/batches/room.ts";
import type { Stored } from "../store/batches/storeBatches.ts";
import { storedLate } from "../store/inbox/lateBatch.ts";
import { liveEvents } from "../store/live.ts";
import type { ArchiveEntry } from "./archive.ts";
import { countCalls } from "./calls.ts";
import { allErased, offsetsErased, removeErased, restOf } from "./erased.ts";
import { matchBatch } from "./match.ts";
import type { Fault, Phase } from "./phase.ts";
import type { Snapshot, Snapshots } from "./snapshots.ts";
import { spansOf } from "./spans.ts";

/**
 * Routes an invocation's messages: match, store, fan out, archive.
 *
 * Invariant: a message counts as done only when its batch is stored, its deliveries are queued and its archive records are
 * taken, in this order of beginning; if a step fails, the message comes again, and each step is safe to repeat.
 */

/** What routing does to the world. Outcomes by position: undefined where it succeeded. */
export interface RoutePorts {
  readonly snapshots: Snapshots;
  readonly log: Log;
  /** Milliseconds. */
  now(): Millis;
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
  /** Sends the stored batches to those who watch. Never rejects. */
  readonly tell: Tell;
  /** Events of a request that are stored under its first id; undefined where none are. */
  storedCount(tenant: Tenant, first: Ulid): Promise<number | undefined>;
  /** Sends to the queue that the requests came from. */
  sendBack(messages: readonly Outgoing[]): Promise<(Error | undefined)[]>;
  /**
   * Told of a tenant of which events took all the work that one may.
   * @param units by subscription of its customer, what costly selectors took
   */
  tellCostly(tenant: Tenant, events: number, units: readonly (readonly [id: string, units: number])[]): Promise<void>;
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

/** Time that storing, queueing and archiving may take: no further event is matched when less is left of an invocation. */
const LEFT_MS = 8_000;
/** Units that the rests of requests may take of an invocation together, once all others are done: about a second and a half. */
const RESTS_BUDGET = 3 * CUSTOMER_BUDGET;
/** Longest wait of a rest before its next part; it doubles from a second. */
const MAX_REST_SECONDS = 30;

interface Work {
  readonly record: SQSRecord;
  readonly message: IngestMessage;
  readonly again: boolean;
  /** Whether somebody watches the tenant. */
  readonly watched: boolean;
  readonly events: readonly Buffer[];
  batch: BatchItem;
  /** What to deliver: as decided now, or as it was decided when the batch was first stored. */
  matched: BatchItem["matched"];
  deleted: readonly number[];
  stored: "now" | "before" | undefined;
  /**
   * Holds events that were erased before they came here, or are stored elsewhere now: it goes when all else is done. Where the batch was
   * stored with this very object before an erasure, it stays: the erasure finds the batch, and writes the rest anew.
   */
  remove?: string | undefined;
  /** The message for the events that there was no time to match. */
  readonly rest?: Outgoing | undefined;
  fault?: Fault;
}

/** A request as it came, with what it takes to decide it. */
interface Loaded {
  readonly record: SQSRecord;
  readonly message: IngestMessage;
  readonly snapshot: Snapshot;
  readonly events: readonly Buffer[];
  readonly erased: readonly number[];
  readonly again: boolean;
  /** Events of it that are stored already, from the first: nothing is decided about them again. */
  readonly before: number | undefined;
}

/** What an invocation has for its customers, and what it has learnt of them. */
interface Spending {
  /** By customer, for requests as they come, and for rests of requests. */
  readonly customers: Map<string, Budget>;
  readonly rests: Map<string, Budget>;
  /** Events by tenant that took all that one may. */
  readonly exhausted: Map<Tenant, number>;
  isOver(): boolean;
}

/**
 * One customer's work is bounded: what is matched within its budget is stored and delivered now; the rest of its request is a
 * message of its own, which comes after a growing pause and is worked at only when everybody else's are done.
 * @param deadline milliseconds: when the invocation has to be over
 * @returns ids of the messages that have to come again
 */
export async function route(
  event: SQSEvent,
  ports: RoutePorts,
  deadline = Number.POSITIVE_INFINITY,
): Promise<SQSBatchResponse> {
  const started = ports.now();
  const { requests, failed: uncounted } = await countCalls(event.Records, ports);
  const { loaded, failed: unread } = await loadAll(requests, ports);
  const failed = [...uncounted, ...unread];
  const spending: Spending = {
    customers: new Map(),
    rests: new Map(),
    exhausted: new Map(),
    isOver: () => ports.now() > deadline - LEFT_MS,
  };
  const [rests, fresh] = [loaded.filter(isRest), loaded.filter((one) => !isRest(one))];
  const works: Work[] = [];
  for (const some of [fresh, ...rests.map((one) => [one])]) {
    const { decided, failed: undecided } = await decideAll(some, spending, ports);
    works.push(...decided);
    failed.push(...undecided, ...(await carryOut(decided, ports)));
  }
  const { tracer } = ports;
  await Promise.all([
    count(works, ports),
    tracer?.export(() => spansOf(works, tracer.ratio, started, ports.now())),
    tellCostly(spending, ports),
  ]);
  // After counting, so that who is told of figures finds them counted.
  await tellWatchers(works, ports);
  for (const { message_id, phase, error } of failed) {
    const fault = error instanceof CodecError ? error.fault : undefined;
    ports.log("error", "route.failed", { message_id, phase, error: errorText(error), ...(fault && { fault }) });
  }
  const done = alive(works);
  ports.log("info", "route.routed", {
    batches: done.length,
    events: done.reduce((sum, work) => sum + work.batch.count, 0),
    deliveries: done.reduce((sum, work) => sum + Object.keys(work.matched).length, 0),
    failed: failed.length,
    duration_ms: ports.now() - started,
    oldest_ms: started - Math.min(started, ...done.map((work) => timeOf(work.batch.first))),
  });
  return ports.giveBack(event.Records, new Map(failed.map(({ message_id, error }) => [message_id, error])));
}

const alive = (works: readonly Work[]): Work[] => works.filter(({ fault }) => fault === undefined);
const isRest = ({ message }: Loaded): boolean => message.part !== undefined;
const spentOn = (budgets: ReadonlyMap<string, Budget>): number =>
  [...budgets.values()].reduce((sum, { spent }) => sum + spent, 0);

/** Stores, continues, fans out and archives what was decided. */
async function carryOut(works: readonly Work[], ports: RoutePorts): Promise<Failure<Phase>[]> {
  await store(works, ports);
  await reopen(alive(works), ports);
  await continueRests(alive(works), ports);
  await Promise.all([fanOut(alive(works), ports), archive(alive(works), ports)]);
  await removeErased(alive(works), ports.removePayload);
  return works.flatMap(({ record, fault }) =>
    fault === undefined ? [] : [{ message_id: record.messageId, ...fault }],
  );
}

async function loadAll(
  records: readonly SQSRecord[],
  ports: RoutePorts,
): Promise<{ readonly loaded: readonly Loaded[]; readonly failed: readonly Failure<Phase>[] }> {
  const failed: Failure<Phase>[] = [];
  const loaded = await Promise.all(
    records.map(async (record) => {
      let phase: Phase = "decode";
      try {
        const message = decodeIngest(record.body);
        phase = "read";
        return await load(record, message, ports);
      } catch (error) {
        failed.push(...failuresAt(phase, [record], error));
        return undefined;
      }
    }),
  );
  return { loaded: loaded.filter((one) => one !== undefined), failed };
}

/** @returns undefined when nothing is left to do: all of it was erased, or is stored, meanwhile */
async function load(record: SQSRecord, message: IngestMessage, ports: RoutePorts): Promise<Loaded | undefined> {
  const { tenant, first, count } = message;
  const acceptedAt = timeOf(first);
  const again =
    message.part !== undefined ||
    Number(record.attributes.ApproximateReceiveCount) > 1 ||
    ports.now() - acceptedAt > FIRST_RECEIVE_MS;
  const key = "inline" in message.body ? undefined : message.body.s3_key;
  const [snapshot, packed, storedCount] = await Promise.all([
    ports.snapshots.get(tenant, acceptedAt),
    "inline" in message.body ? message.body.inline : ports.fetchBody(message.body.s3_key),
    again ? ports.storedCount(tenant, first) : undefined,
  ]);
  const { erasures } = snapshot;
  if (allErased(erasures, acceptedAt)) {
    if (key !== undefined) await ports.removePayload(key);
    return undefined;
  }
  if (packed === undefined) {
    // What it was cut into has gone its way: the object goes last.
    if (storedCount !== undefined && storedCount < count) return undefined;
    if (erasures.some(({ until }) => until >= acceptedAt)) return undefined;
    throw new Error(`the payload ${key} is gone`);
  }
  const events = unpack(packed);
  if (events.length !== count) throw new CodecError("corrupt", `the pack holds ${events.length} events, not ${count}`);
  const erased = offsetsErased(erasures, acceptedAt, events);
  return { record, message, snapshot, events, erased, again, before: storedCount };
}

/** Decides one after the other, each customer's out of its own budget. What there is nothing left for is sent on as it is. */
async function decideAll(
  loaded: readonly Loaded[],
  spending: Spending,
  ports: RoutePorts,
): Promise<{ readonly decided: readonly Work[]; readonly failed: readonly Failure<Phase>[] }> {
  const decided: Work[] = [];
  const failed: Failure<Phase>[] = [];
  const later: { one: Loaded; message: Outgoing }[] = [];
  for (const one of loaded) {
    try {
      const budget = budgetOf(isRest(one) ? spending.rests : spending.customers, one.message.tenant);
      const over = spending.isOver() || spentOn(spending.rests) >= RESTS_BUDGET;
      if (budget.usedUp || over) later.push({ one, message: restMessage({ ...one.message, ...acceptLatency(one) }) });
      else decided.push(await decide(one, budget, spending, ports));
    } catch (error) {
      failed.push(...failuresAt("match", [one.record], error));
    }
  }
  if (later.length > 0) {
    const outcomes = await ports.sendBack(later.map(({ message }) => message));
    for (const [at, error] of outcomes.entries())
      if (error !== undefined) failed.push(...failuresAt("match", [later[at]!.one.record], error));
  }
  return { decided, failed };
}

function budgetOf(budgets: Map<string, Budget>, tenant: Tenant): Budget {
  const { customer_id } = splitTenant(tenant);
  const known = budgets.get(customer_id);
  if (known !== undefined) return known;
  const made = new Budget(CUSTOMER_BUDGET);
  budgets.set(customer_id, made);
  return made;
}

/** A message that comes back later than this one did. */
function restMessage(message: IngestMessage): Outgoing {
  const part = (message.part ?? 0) + 1;
  return {
    text: encodeIngest({ ...message, part }),
    group: message.tenant,
    delaySeconds: Math.min(2 ** (part - 1), MAX_REST_SECONDS),
  };
}

/** Matches a request, or as much of it as the budget goes. */
async function decide(one: Loaded, budget: Budget, spending: Spending, ports: RoutePorts): Promise<Work> {
  const { record, message, snapshot, again } = one;
  const { tenant, first } = message;
  const acceptedAt = timeOf(first);
  const key = "inline" in message.body ? undefined : message.body.s3_key;
  // Its stored events were decided when they were stored, and the rest was sent on then, or is now.
  const decided =
    one.before === undefined
      ? await matchBatch(snapshot, { first, types: message.types, events: one.events }, budget, spending.isOver)
      : { matched: {}, done: one.before, exhausted: 0 };
  const { exhausted } = decided;
  const whole = { count: decided.done, types: message.types.slice(0, decided.done), matched: decided.matched };
  const done = one.before ?? fitting(whole);
  const heads = firstOf(whole, done);
  if (exhausted > 0) spending.exhausted.set(tenant, (spending.exhausted.get(tenant) ?? 0) + exhausted);
  const cut = done < one.events.length;
  const erased = one.erased.filter((offset) => offset < done);
  const all = { events: one.events.slice(0, done), types: heads.types, matched: heads.matched };
  const {
    events,
    types,
    matched: left,
    body: placed,
  } = erased.length === 0
    ? {
        ...all,
        body: cut ? await placeBody(pack(all.events), `${tenant}/${first}-${done}`, ports.putPayload) : message.body,
      }
    : await restOf(all, erased, message, ports.putPayload);
  let body = placed;
  if ("inline" in body && !hasRoom({ count: done, types, matched: left }, body)) {
    const s3_key = `${tenant}/${first}-${done}`;
    await ports.putPayload(s3_key, body.inline);
    body = { s3_key };
  }
  const batch: BatchItem = {
    tenant,
    first,
    count: done,
    types,
    key_id: message.key_id,
    body,
    matched: left,
    snapshot_version: snapshot.version,
    routed_at: ports.now(),
    acknowledged: {},
    deleted: erased,
    expiry: secondsOf(acceptedAt) + snapshot.retention_days * DAY_SECONDS,
    ...defined({
      key_name: message.key_name,
      traceparent: message.traceparent,
      hops: message.hops,
      key_hash: message.key_hash,
    }),
  };
  const remove = erased.length === 0 && !cut ? undefined : key;
  const rest = cut ? await restAfter(one, done, ports) : undefined;
  const { watched } = snapshot;
  return {
    record,
    message,
    again,
    watched,
    events,
    batch,
    matched: left,
    deleted: erased,
    stored: undefined,
    remove,
    rest,
  };
}

/** The events from an offset on, as a request of their own: ids of a request follow one another. */
async function restAfter({ message, events }: Loaded, from: number, ports: RoutePorts): Promise<Outgoing> {
  const first = ulidAt(message.first, from);
  const body = await placeBody(pack(events.slice(from)), `${message.tenant}/${first}-rest`, ports.putPayload);
  const count = message.count - from;
  return restMessage({ ...message, first, count, types: message.types.slice(from), body, rest: true });
}

/** Sends the rest of requests on, once the events before it are stored: a repeated message finds where it was cut. */
async function continueRests(works: readonly Work[], ports: RoutePorts): Promise<void> {
  const cut = works.filter((work) => work.rest !== undefined);
  if (cut.length === 0) return;
  const outcomes = await ports.sendBack(cut.map(({ rest }) => rest!));
  for (const [at, error] of outcomes.entries()) {
    const work = cut[at]!;
    if (error !== undefined) work.fault = { phase: "continue", error };
    else {
      const { tenant, first, count } = work.batch;
      ports.log("info", "route.cut", { tenant, first, done: count, left: work.message.count - count });
    }
  }
}

/** Tells of selectors that took a large part of what one event may, where events took all of it. */
async function tellCostly({ customers, rests, exhausted }: Spending, ports: RoutePorts): Promise<void> {
  for (const [tenant, events] of exhausted) {
    const { customer_id } = splitTenant(tenant);
    const units = [customers, rests].flatMap((budgets) => [...(budgets.get(customer_id)?.costly ?? [])]);
    try {
      await ports.tellCostly(tenant, events, units);
    } catch (error) {
      ports.log("warn", "route.costly_not_told", { tenant, error: errorText(error) });
    }
  }
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
      for (const work of fresh) work.stored = "now";
    } catch (error) {
      for (const work of fresh) work.fault = { phase: "store", error };
    }
  }
  await Promise.all(
    repeated.map(async (work) => {
      try {
        const before = await ports.storeAgain(work.batch);
        work.stored = before === undefined ? "now" : "before";
        if (before === undefined) return;
        work.matched = before.matched;
        work.deleted = [...new Set([...before.deleted, ...work.deleted])];
        const { body } = before;
        if (body !== undefined && "s3_key" in body && body.s3_key === work.remove) work.remove = undefined;
      } catch (error) {
        work.fault = { phase: "store", error };
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
        for (const work of own) work.fault = { phase: "store", error };
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
      const { tenant, first, count, types, key_id, key_name, traceparent, hops, expiry } = work.batch;
      const delivery: DeliveryMessage = {
        tenant,
        subscription_id,
        first,
        count,
        indexes,
        attempts: 0,
        types,
        expiry,
        ...defined({ body }),
        ...(work.stored === "before" ? { repeated: true } : {}),
        key_id,
        ...defined({ key_name, traceparent, hops }),
      };
      messages.push({ work, message: { text: encodeDelivery(delivery), group: tenant } });
    }
  }
  if (messages.length === 0) return;
  const outcomes = await ports.queue(messages.map(({ message }) => message));
  for (const [at, error] of outcomes.entries())
    if (error !== undefined) messages[at]!.work.fault = { phase: "queue", error };
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
  for (const [at, error] of outcomes.entries())
    if (error !== undefined) works[at]!.fault ??= { phase: "archive", error };
}

/** Lambda@Edge and CloudFront wait no longer for an answer: a message that says more was put back by hand. */
const MAX_ACCEPT_MS = 60_000;

/**
 * From the edge's receipt until the queue had the request, which is when it is answered: the queue itself tells, so that each
 * request has its own, and ingest has nothing to do for it.
 */
function acceptLatency({ record, message }: Pick<Loaded, "record" | "message">): { accept_ms?: Millis } {
  const { arrived, accept_ms, rest } = message;
  if (rest === true || arrived === undefined) return {};
  if (accept_ms !== undefined) return { accept_ms };
  const ms = Number(record.attributes.SentTimestamp) - arrived;
  // Clocks of two machines may differ by a little.
  return ms <= MAX_ACCEPT_MS && ms > -1_000 ? { accept_ms: Math.max(0, ms) } : {};
}

/** Sends the stored batches of watched tenants; the others cost no call. */
async function tellWatchers(works: readonly Work[], { tell }: RoutePorts): Promise<void> {
  const shown = works.filter(({ watched, stored }) => watched && stored === "now");
  if (shown.length === 0) return;
  const byTenant = Map.groupBy(shown, ({ batch }) => batch.tenant);
  await tell(
    [...byTenant].map(([tenant, own]) => newsOf(tenant, { events: own.flatMap(({ batch }) => liveEvents(batch)) })),
  );
}

/** Counts each request once: when it was stored. A count that fails is written later, and causes no second delivery. */
async function count(works: readonly Work[], ports: RoutePorts): Promise<void> {
  const facts = works
    .filter(({ stored }) => stored === "now")
    .map(
      ({ batch, events, record, message }): UsageFact => ({
        kind: "accepted",
        tenant: batch.tenant,
        at: timeOf(batch.first),
        routed_at: batch.routed_at,
        key_id: batch.key_id,
        ...defined({ source_ip: message.source_ip, rest: message.rest === true ? (true as const) : undefined }),
        events: events.map((raw, offset) => ({ type: batch.types[offset]!, bytes: raw.length })),
        matched: batch.matched,
        ...acceptLatency({ record, message }),
      }),
    );
  if (facts.length === 0) return;
  try {
    await ports.countUsage(facts);
  } catch (error) {
    ports.log("warn", "route.usage_not_counted_yet", { error: errorText(error) });
  }
}
