import { type Outgoing, sendOrThrow } from "../aws/queues.ts";
import { encodeDelivery, encodeRetry, parseDeliveryId } from "../domain/codec.ts";
import type { Event } from "../domain/event.ts";
import { rfc3339, timeOf, ulidAt, ulidIn } from "../domain/ids.ts";
import type { ReplayRequest } from "../domain/job.ts";
import type { Job } from "../domain/service.ts";
import type { RoutedSubscription } from "../domain/subscription.ts";
import { buildMatcher, type Matcher } from "../matching/index.ts";
import { findEvents } from "../store/find.ts";
import { rawEvents } from "../store/payloads.ts";
import { asEvent } from "../store/read.ts";
import { readDeliveries } from "../store/readDeliveries.ts";
import { type ScannedBatch, scanEvents } from "../store/scanEvents.ts";
import { restoreSlice } from "./restore.ts";
import type { Slice, SliceWork, Tools } from "./work.ts";

/**
 * Replays: recorded events matched again with today's subscriptions and delivered under the replay's id. What the table no
 * longer holds comes from the archive first: it is put back into the table for two days, where reads don't show it.
 * A delivery is known by batch, subscription and replay, so one that is sent again after a crash is not delivered again.
 */
interface Cursor {
  readonly phase: "archive" | "table";
  /** Events received before this are read from the archive; milliseconds. */
  readonly cutoff: number;
  /** In the archive: the object to go on with. In the table: ULID of the last event dealt with. */
  readonly after?: string;
  /** Dead letters: sort key of the last delivery. */
  readonly delivery?: string;
  readonly began: number;
}

const DAY_MS = 86_400_000;
/** Without a rate of its own a replay leaves room for what arrives meanwhile. */
const DEFAULT_RATE = 5_000;
const PAGE = 500;

/** Hands on events at a rate, in events per second. */
class Pace {
  readonly #rate: number;
  readonly #tools: Tools;
  readonly #started: number;
  #sent = 0;
  constructor(rate: number, tools: Tools) {
    this.#rate = rate;
    this.#tools = tools;
    this.#started = tools.now();
  }
  /** Waits until these many more events are due. */
  async spend(events: number): Promise<void> {
    const due = this.#started + (this.#sent / this.#rate) * 1_000;
    this.#sent += events;
    const wait = due - this.#tools.now();
    if (wait > 0) await this.#tools.sleep(wait);
  }
}

/** Today's subscriptions, or those of them that the replay names. */
async function subscriptionsOf(job: Job, request: ReplayRequest, tools: Tools): Promise<Matcher<RoutedSubscription>> {
  const wanted = request.subscription_ids === undefined ? undefined : new Set(request.subscription_ids);
  const subscriptions: RoutedSubscription[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { answer } = await tools.service({
      op: "snapshot",
      tenant: job.tenant,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const each of answer.subscriptions) if (wanted?.has(each.subscription_id) ?? true) subscriptions.push(each);
    cursor = answer.next_cursor;
  }
  return buildMatcher(subscriptions);
}

const typesOf = ({ event_type }: ReplayRequest): readonly string[] | undefined =>
  typeof event_type === "string" ? [event_type] : event_type;

export const replay: SliceWork = async (job, tools, until) => {
  const request = job.request as ReplayRequest;
  if (request.dead_letters === true) return retryDeadLetters(job, request, tools, until);
  const { days } = (await tools.service({ op: "retention", tenants: [job.tenant] })).answer;
  const now = tools.now();
  const times = (request.event_ids ?? []).map((id) => timeOf(id.slice(4)));
  const from = times.length > 0 ? Math.min(...times) : Date.parse(request.from ?? rfc3339(0));
  const to = times.length > 0 ? Math.max(...times) + 1 : Date.parse(request.to ?? rfc3339(now));
  const fresh = now - (days[job.tenant] ?? 90) * DAY_MS;
  const cursor =
    (job.cursor as Cursor | null) ??
    ({ phase: from < fresh ? "archive" : "table", cutoff: fresh, began: now } as Cursor);
  if (cursor.phase === "archive") {
    const range = { from, to: Math.min(to, cursor.cutoff) };
    const named = request.event_ids === undefined ? undefined : new Set(request.event_ids);
    const restored = await restoreSlice(job, tools, range, named, cursor.after, until);
    const progress = { ...job.progress, restored: (job.progress.restored ?? 0) + restored.events };
    const { after: _, ...rest } = cursor;
    const next: Cursor = restored.next === undefined ? { ...rest, phase: "table" } : { ...rest, after: restored.next };
    return { cursor: next, progress };
  }
  return replayTable(job, request, cursor, { from, to }, tools, until);
};

async function replayTable(
  job: Job,
  request: ReplayRequest,
  cursor: Cursor,
  range: { from: number; to: number },
  tools: Tools,
  until: number,
): Promise<Slice> {
  const matcher = await subscriptionsOf(job, request, tools);
  const rate = request.rate_per_second ?? DEFAULT_RATE;
  const pace = new Pace(rate, tools);
  let { matched = 0, sent = 0, examined = 0 } = job.progress;
  let after = cursor.after;
  let over = true;
  const deal = async (scanned: ScannedBatch): Promise<void> => {
    const messages = messagesOf(job, matcher, scanned, tools.now());
    // What is slow by wish is queued as slowly: at most a second's worth at once.
    await pace.spend(messages.events);
    await sendOrThrow(tools.sqs, tools.env.RETRY_QUEUE_URL, messages.outgoing);
    matched += messages.matched;
    sent += messages.events;
    examined += scanned.offsets.length;
    after = ulidAt(scanned.batch.first, scanned.offsets.at(-1) ?? 0);
  };
  if (request.event_ids !== undefined) {
    for (const scanned of await named(job, request, tools)) {
      if (after === undefined || scanned.batch.first > after) await deal(scanned);
    }
  } else {
    const types = typesOf(request);
    const steps = scanEvents(
      tools.store,
      job.tenant,
      { order: "asc", ...range, ...(types && { types }), ...(after === undefined ? {} : { after }) },
      tools.now(),
      () => tools.now() >= until,
    );
    walk: for await (const step of steps) {
      if (step.kind === "paused") {
        after = step.reached ?? after;
        over = false;
        break;
      }
      for (const scanned of step.batches) {
        await deal(scanned);
        if (tools.now() >= until) {
          over = false;
          break walk;
        }
      }
    }
  }
  const progress = { ...job.progress, matched, sent, examined };
  const next: Cursor = { ...cursor, ...(after === undefined ? {} : { after }) };
  return { cursor: next, progress, ...(over ? { result: { matched, sent } } : {}) };
}

/** The named events, by batch in the order of their ULIDs. */
async function named(job: Job, request: ReplayRequest, tools: Tools): Promise<ScannedBatch[]> {
  const ulids = (request.event_ids ?? []).flatMap((id) => ulidIn("evt", id) ?? []);
  const found = await findEvents(tools.store, job.tenant, ulids, { now: tools.now(), body: true });
  const types = typesOf(request);
  const groups = [...Map.groupBy(found.values(), ({ batch }) => batch.first).values()];
  const scanned = await Promise.all(
    groups.map(async (group): Promise<ScannedBatch[]> => {
      const { batch } = group[0]!;
      const raws = await rawEvents(tools.store, batch);
      const offsets = group.map(({ offset }) => offset).sort((a, b) => a - b);
      const wanted = offsets.filter((offset) => types?.includes(batch.types[offset] ?? "") ?? true);
      return raws === undefined || wanted.length === 0 ? [] : [{ batch, raws, offsets: wanted }];
    }),
  );
  return scanned.flat().sort((a, b) => (a.batch.first < b.batch.first ? -1 : 1));
}

/** One delivery a subscription that wants any of the batch's events. */
function messagesOf(
  job: Job,
  matcher: Matcher<RoutedSubscription>,
  { batch, raws, offsets }: ScannedBatch,
  now: number,
): { outgoing: Outgoing[]; events: number; matched: number } {
  const wanted = new Map<string, number[]>();
  let matched = 0;
  for (const offset of offsets) {
    const event: Event = asEvent(batch, offset, raws[offset]!);
    const takers = matcher.match(event);
    if (takers.length > 0) matched += 1;
    for (const { subscription_id } of takers) {
      const list = wanted.get(subscription_id);
      if (list === undefined) wanted.set(subscription_id, [offset]);
      else list.push(offset);
    }
  }
  const { tenant, first, count, types, key_name, traceparent } = batch;
  let events = 0;
  const outgoing = [...wanted].map(([subscription_id, indexes]): Outgoing => {
    events += indexes.length;
    const text = encodeDelivery({
      tenant,
      subscription_id,
      first,
      count,
      indexes: indexes.sort((a, b) => a - b),
      attempts: 0,
      types,
      // After a crash it may be sent a second time: its item tells whether it was delivered.
      repeated: true,
      expires_at: Math.max(batch.expires_at, Math.floor(now / 1_000) + 3 * 86_400),
      replay_id: job.job_id,
      ...(key_name === undefined ? {} : { key_name }),
      ...(traceparent === undefined ? {} : { traceparent }),
    });
    return { text, group: tenant };
  });
  return { outgoing, events, matched };
}

/** Dead letters are tried again as themselves: same id, schedule anew; their posts name this replay. */
async function retryDeadLetters(job: Job, request: ReplayRequest, tools: Tools, until: number): Promise<Slice> {
  const cursor = (job.cursor as Cursor | null) ?? { phase: "table", cutoff: 0, began: tools.now() };
  const pace = new Pace(request.rate_per_second ?? DEFAULT_RATE, tools);
  const types = typesOf(request);
  const [subscriptionId] = request.subscription_ids ?? [];
  const ids = request.delivery_ids === undefined ? undefined : new Set(request.delivery_ids);
  const events = request.event_ids === undefined ? undefined : new Set(request.event_ids);
  let { matched = 0, sent = 0 } = job.progress;
  let after = cursor.delivery;
  for (;;) {
    const page = await readDeliveries(
      tools.store,
      job.tenant,
      {
        statuses: ["dead_lettered"],
        ...(subscriptionId === undefined ? {} : { subscriptionId }),
        ...(request.from === undefined ? {} : { from: Date.parse(request.from) }),
        ...(request.to === undefined ? {} : { to: Date.parse(request.to) }),
      },
      { began: cursor.began, ...(after === undefined ? {} : { after }) },
      { limit: PAGE, now: tools.now, removed: removedOf(job, tools) },
    );
    const wanted = page.deliveries.filter(
      ({ delivery_id, event_ids }) =>
        (ids?.has(delivery_id) ?? true) && (events === undefined || event_ids.some((id) => events.has(id))),
    );
    const kept = types === undefined ? wanted : await ofTypes(job, wanted, types, tools);
    for (const { delivery_id, event_ids, attempts } of kept) {
      const { first, subscription_id, replay_id } = parseDeliveryId(delivery_id)!;
      await pace.spend(event_ids.length);
      const text = encodeRetry({
        tenant: job.tenant,
        subscription_id,
        batches: [first],
        attempts: attempts.length,
        manual: true,
        retried_by: job.job_id,
        ...(replay_id === undefined ? {} : { replay_id }),
      });
      await sendOrThrow(tools.sqs, tools.env.RETRY_QUEUE_URL, [{ text, group: job.tenant }]);
      matched += event_ids.length;
      sent += event_ids.length;
    }
    after = page.next?.after ?? after;
    const progress = { ...job.progress, matched, sent };
    const next: Cursor = { ...cursor, ...(after === undefined ? {} : { delivery: after }) };
    if (page.next === null) return { cursor: next, progress, result: { matched, sent } };
    if (tools.now() >= until) return { cursor: next, progress };
  }
}

/** Deliveries with an event of one of these types. */
async function ofTypes<D extends { readonly event_ids: readonly string[] }>(
  job: Job,
  deliveries: readonly D[],
  types: readonly string[],
  tools: Tools,
): Promise<D[]> {
  const ulids = deliveries.flatMap(({ event_ids }) => event_ids.flatMap((id) => ulidIn("evt", id) ?? []));
  const found = await findEvents(tools.store, job.tenant, ulids, { now: tools.now(), body: false });
  return deliveries.filter(({ event_ids }) =>
    event_ids.some((id) => {
      const place = found.get(id.slice(4));
      return place !== undefined && types.includes(place.batch.types[place.offset] ?? "");
    }),
  );
}

const removedOf = (job: Job, tools: Tools) => async (ids: readonly string[]) => {
  const wanted = ids.map((subscription_id) => ({ tenant: job.tenant, subscription_id }));
  const { targets } = (await tools.service({ op: "targets", wanted })).answer;
  const removed = new Set(targets.filter(({ status }) => status === "removed").map((each) => each.subscription_id));
  return (id: string) => removed.has(id);
};
