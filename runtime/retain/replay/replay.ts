import { type Outgoing, sendOrThrow } from "../../aws/queues.ts";
import { encodeDelivery } from "../../domain/codec/index.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import type { Event } from "../../domain/event.ts";
import { timeOf, ulidAt, ulidIn } from "../../domain/ids.ts";
import type { Job, ReplayRequest } from "../../domain/job.ts";
import { DEFAULT_RETENTION_DAYS } from "../../domain/retention.ts";
import type { RoutedSubscription } from "../../domain/subscription.ts";
import { DAY_MS, DAY_SECONDS, type Millis, rfc3339, secondsOf } from "../../domain/time.ts";
import { buildMatcher, type Matcher, wantsType } from "../../matching/index.ts";
import { findEvents } from "../../store/batches/find.ts";
import { readableEvents } from "../../store/batches/payloads.ts";
import { type Scanned, type ScannedBatch, scanEvents } from "../../store/batches/scanEvents.ts";
import { asEvent } from "../../store/inbox/read.ts";
import type { Checkpoint, Slice, SliceWork, Tools } from "../work.ts";
import { retryDeadLetters, wantedOf } from "./deadLetters.ts";
import { type Restored, restoreSlice } from "./fromArchive.ts";
import { Pace } from "./pace.ts";

/**
 * Replays: recorded events matched again with today's subscriptions and delivered under the replay's id. Events that the table
 * has dropped come from the archive first: they are put back into the table for two days, hidden from reads. A delivery is known
 * by batch, subscription and replay, so one that is sent again after a crash is not delivered again.
 */
interface Cursor {
  readonly phase: "archive" | "table";
  /** Events received before this are read from the archive; milliseconds. */
  readonly cutoff: Millis;
  /** In the archive: the object to go on with. In the table: ULID of the last event dealt with. */
  readonly after?: string;
  /** In the table: how much of its rate the replay has spent (`Pace`). */
  readonly spent?: number;
  readonly began: number;
}

/** One slice of a replay. */
interface ReplaySlice {
  readonly job: Job;
  readonly request: ReplayRequest;
  /** Received at or after, before; milliseconds. */
  readonly range: { readonly from: number; readonly to: number };
  readonly tools: Tools;
  readonly until: Millis;
  readonly checkpoint: Checkpoint;
}

/** Today's subscriptions, or those of them that the replay names. */
async function subscriptionsOf({ job, request, tools }: ReplaySlice): Promise<Matcher<RoutedSubscription>> {
  const wanted = request.subscription_ids === undefined ? undefined : new Set(request.subscription_ids);
  const subscriptions: RoutedSubscription[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { answer } = await tools.service({
      op: "snapshot",
      tenant: job.tenant,
      ...defined({ cursor }),
    });
    for (const each of answer.subscriptions) if (wanted?.has(each.subscription_id) ?? true) subscriptions.push(each);
    cursor = answer.next_cursor;
  }
  return buildMatcher(subscriptions);
}

export const replay: SliceWork = async (job, tools, until, checkpoint) => {
  const request = job.request as ReplayRequest;
  const { cursor: reached, progress } = job;
  if (!(await checkpoint({ cursor: reached, progress }))) return { cursor: reached, progress };
  if (request.dead_letters === true) return retryDeadLetters(job, request, tools, until, checkpoint);
  const { days } = (await tools.service({ op: "retention", tenants: [job.tenant] })).answer;
  const now = tools.now();
  const times = (request.event_ids ?? []).map((id) => timeOf(id.slice(4)));
  const from = times.length > 0 ? Math.min(...times) : Date.parse(request.from ?? rfc3339(0));
  const to = times.length > 0 ? Math.max(...times) + 1 : Date.parse(request.to ?? rfc3339(now));
  const fresh = now - (days[job.tenant] ?? DEFAULT_RETENTION_DAYS) * DAY_MS;
  const cursor =
    (reached as Cursor | null) ??
    ({ phase: from < fresh ? "archive" : "table", cutoff: fresh, began: now } satisfies Cursor);
  const slice = { job, request, range: { from, to }, tools, until, checkpoint };
  return cursor.phase === "archive" ? replayArchive(slice, cursor) : replayTable(slice, cursor);
};

async function replayArchive(
  { job, request, range, tools, until, checkpoint }: ReplaySlice,
  cursor: Cursor,
): Promise<Slice> {
  const { after: begun, ...rest } = cursor;
  const standing = (events: number, after: string | undefined) => ({
    cursor: { ...rest, ...defined({ after }) } satisfies Cursor,
    progress: { ...job.progress, restored: (job.progress.restored ?? 0) + events },
  });
  const wanted: Restored = {
    from: range.from,
    to: Math.min(range.to, cursor.cutoff),
    ...defined({ named: mapDefined(request.event_ids, (event_ids) => new Set(event_ids)), after: begun }),
  };
  const { events, next } = await restoreSlice(job, tools, wanted, until, (count, after) =>
    checkpoint(standing(count, after)),
  );
  const { cursor: reached, progress } = standing(events, next);
  return { cursor: next === undefined ? { ...reached, phase: "table" } : reached, progress };
}

async function replayTable(slice: ReplaySlice, cursor: Cursor): Promise<Slice> {
  const { job, request, tools, until, checkpoint } = slice;
  const matcher = await subscriptionsOf(slice);
  const pace = new Pace(request, tools, cursor.spent);
  let { matched = 0, sent = 0, examined = 0 } = job.progress;
  let after = cursor.after;
  let waitMs = 0;
  const standing = () => ({
    cursor: { ...cursor, spent: pace.spent, ...defined({ after }) } satisfies Cursor,
    progress: { ...job.progress, matched, sent, examined },
  });
  const goesOn = () => checkpoint(standing());
  /** @returns whether the slice goes on */
  const deal = async (scanned: ScannedBatch): Promise<boolean> => {
    const messages = messagesOf(job, matcher, scanned, tools.now());
    if (!(await pace.wait(messages.events, goesOn))) {
      waitMs = pace.dueIn(messages.events);
      return false;
    }
    await sendOrThrow(tools.sqs, tools.env.RETRY_QUEUE_URL, messages.outgoing);
    matched += messages.matched;
    sent += messages.events;
    examined += scanned.offsets.length;
    after = ulidAt(scanned.batch.first, scanned.offsets.at(-1) ?? 0);
    return (await goesOn()) && tools.now() < until;
  };
  let over = true;
  const steps = request.event_ids === undefined ? eventsOfRange(slice, after) : namedEvents(slice, after);
  walk: for await (const step of steps) {
    if (step.kind === "paused") {
      after = step.reached ?? after;
      over = false;
      break;
    }
    for (const batch of step.batches) {
      if (await deal(batch)) continue;
      over = false;
      break walk;
    }
  }
  return {
    ...standing(),
    ...(over ? { result: { matched, sent } } : {}),
    ...(waitMs > 0 ? { waitSeconds: waitMs / 1_000 } : {}),
  };
}

/** The events of a time, in order. @param after ULID of the last event dealt with */
function eventsOfRange(
  { job, request, range, tools, until }: ReplaySlice,
  after: string | undefined,
): AsyncIterable<Scanned> {
  const narrowed = { ...wantedOf(request), ...defined({ after }) };
  const isOver = () => tools.now() >= until;
  return scanEvents(tools.store, job.tenant, { order: "asc", ...range, ...narrowed }, tools.now(), isOver);
}

/** The named events, by batch in the order of their ULIDs. @param after ULID of the last event dealt with */
async function* namedEvents({ job, request, tools }: ReplaySlice, after: string | undefined): AsyncGenerator<Scanned> {
  const all = (request.event_ids ?? []).flatMap((id) => ulidIn("evt", id) ?? []);
  const ulids = all.filter((ulid) => after === undefined || ulid > after);
  const found = await findEvents(tools.store, job.tenant, ulids, { now: tools.now(), body: true });
  const types = wantedOf(request);
  const groups = [...Map.groupBy(found.values(), ({ batch }) => batch.first).values()];
  const loaded = await Promise.all(
    groups.map(async (group): Promise<ScannedBatch[]> => {
      const { batch } = group[0]!;
      const raws = await readableEvents(tools.store, batch);
      const offsets = group.map(({ offset }) => offset).sort((a, b) => a - b);
      const wanted = offsets.filter((offset) => wantsType(types, batch.types[offset] ?? null));
      return raws === undefined || wanted.length === 0 ? [] : [{ batch, raws, offsets: wanted }];
    }),
  );
  yield { kind: "batches", batches: loaded.flat().sort((a, b) => (a.batch.first < b.batch.first ? -1 : 1)) };
}

/** One delivery a subscription that matches any of the batch's events. */
function messagesOf(
  job: Job,
  matcher: Matcher<RoutedSubscription>,
  { batch, raws, offsets }: ScannedBatch,
  now: Millis,
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
  const { tenant, first, count, types, key_id, key_name, traceparent, hops } = batch;
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
      expiry: Math.max(batch.expiry, secondsOf(now) + 3 * DAY_SECONDS),
      replay_id: job.job_id,
      key_id,
      ...defined({ key_name, traceparent, hops }),
    });
    return { text, group: tenant };
  });
  return { outgoing, events, matched };
}
