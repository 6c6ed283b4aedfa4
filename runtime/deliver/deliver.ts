import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { GiveBack } from "../aws/giveBack.ts";
import { errorText, type Log } from "../aws/log.ts";
import type { Tell } from "../aws/publisher.ts";
import type { Outgoing } from "../aws/queues.ts";
import { type DeliverMessage, decodeDeliver, encodeRetry } from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import { type Failure as FailureAt, failuresAt } from "../domain/failure.ts";
import { timeOf } from "../domain/ids.ts";
import { newsOf } from "../domain/live.ts";
import type { Millis } from "../domain/time.ts";
import type { Tracer } from "../domain/trace.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import { type Move, moveOf } from "../store/deliveries/changeDelivery.ts";
import type { DeliveryItem } from "../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import type { Held } from "../store/deliveries/waiting.ts";
import { liveDelivery } from "../store/live.ts";
import type { Circuits } from "./circuits.ts";
import { drain, probe } from "./drain.ts";
import { afterPosts, type EffectPorts } from "./effects.ts";
import { factsOf, movedOf } from "./facts.ts";
import { gate } from "./gate.ts";
import { type GatherPorts, gather, type Received } from "./gather.ts";
import type { Phase } from "./phase.ts";
import type { Delivery } from "./plan.ts";
import { type Posting, postAll, type ToPost } from "./postAll.ts";
import { failuresOf } from "./problems.ts";
import { delaySeconds } from "./schedule.ts";
import { baseItem, type PostDone, type Settled, settle, settleFailed } from "./settle.ts";
import { spansOf } from "./spans.ts";
import { type Targets, unknown } from "./targets.ts";

/**
 * Delivers an invocation's messages: read what they need, gate, post, settle.
 *
 * Invariant: a message counts as done only after every delivery it names has been attempted or put aside, the next attempt is
 * queued, and its state is kept; in this order. If anything fails in between, the message comes again, and at worst the delivery is posted
 * twice. A retry whose state is not stored yet follows its message.
 */
export interface DeliverPorts extends GatherPorts, EffectPorts {
  readonly log: Log;
  now(): Millis;
  dice(): number;
  readonly targets: Targets;
  readonly circuits: Circuits;
  readonly posting: Posting;
  readonly held: Held;
  /** Whether the message came from the queue of first attempts. */
  firstLane(record: SQSRecord): boolean;
  /** Puts deliveries that nobody else can be working on. @returns by position, why it was not put; undefined where it was */
  putItems(items: readonly DeliveryItem[]): Promise<(Error | undefined)[]>;
  /** Replaces the delivery that was read before (undefined for a new one) by its new state, merged with the changes since. */
  replaceItem(before: DeliveryItem | undefined, after: DeliveryItem): Promise<Move>;
  /** Sends to the queue of retries. @throws Error when not all could be sent */
  retry(messages: readonly Outgoing[]): Promise<void>;
  countUsage(facts: readonly UsageFact[]): Promise<void>;
  /** Tells those who watch what became of deliveries. Never rejects. */
  readonly tell: Tell;
  readonly giveBack: GiveBack;
  /** Undefined where spans are not exported. */
  readonly tracer?: Tracer | undefined;
}

interface Read {
  readonly record: SQSRecord;
  readonly message: DeliverMessage;
}

type Failure = FailureAt<Phase>;

/** A delivery's new state. */
interface Kept {
  readonly item: DeliveryItem;
  readonly delivery: Delivery;
}

/** @returns ids of the messages that have to come again */
export async function deliver(event: SQSEvent, ports: DeliverPorts): Promise<SQSBatchResponse> {
  const records = new Map(event.Records.map((record) => [record.messageId, record]));
  const { read, failed: undecoded } = decodeAll(event.Records);
  const { probes, failed: undrained } = await carryOut(read, ports);
  const failed = [...undecoded, ...undrained];
  const received = [...(await outdated(read.flatMap(asReceived), ports)), ...probes];
  const keeper = keeperOf(ports);
  const posting: Promise<void>[] = [];
  for (const portion of portions(received)) {
    const { deliveries, ended, failed: unread } = await gather(portion, ports);
    const { toPost, toRetry, toKeep, failed: ungated } = await gateAll(deliveries, records, ports);
    failed.push(...unread, ...ungated);
    keeper.keep([...ended, ...toKeep], toRetry);
    posting.push(postAll(toPost, ports.posting, (done) => keeper.settle(done)));
  }
  await Promise.all(posting);
  failed.push(...(await keeper.finish()));
  await ports.posting.hosts.told();
  const failures = new Map(failed.map((failure) => [failure.message_id, failure]));
  for (const { message_id, phase, error } of failures.values())
    ports.log("error", "deliver.failed", { message_id, phase, error: errorText(error) });
  return ports.giveBack(event.Records, new Map([...failures].map(([id, { error }]) => [id, error])));
}

function decodeAll(records: readonly SQSRecord[]): { readonly read: Read[]; readonly failed: Failure[] } {
  const read: Read[] = [];
  const failed: Failure[] = [];
  for (const record of records) {
    try {
      read.push({ record, message: decodeDeliver(record.body) });
    } catch (error) {
      failed.push(...failuresAt("decode", [record], error));
    }
  }
  return { read, failed };
}

/** Batches read at a time: at 1 MB each, unpacked, the memory of an invocation has room for them. */
const BATCHES_READ = 50;

/** Messages that are read together, so that those with many large batches are not all in memory at once. */
function portions(received: readonly Received[]): Received[][] {
  const all: Received[][] = [];
  let room = 0;
  for (const entry of received) {
    const batches = entry.message.kind === "retry" ? entry.message.batches.length : 1;
    if (batches > room) {
      all.push([]);
      room = BATCHES_READ;
    }
    room -= batches;
    all.at(-1)!.push(entry);
  }
  return all;
}

/** Results that come within this time are written together: so that quick endpoints cost no more calls. */
const GATHER_RESULTS_MS = 50;

interface Retry {
  readonly message: Outgoing;
  readonly deliveries: readonly Delivery[];
}

/** Stores results as they come, without a wait for the slowest post of the invocation. */
interface Keeper {
  /** Takes posts that stand or fall together, once the last of them has ended. */
  settle(done: readonly PostDone[]): void;
  /** Takes what needs no post. */
  keep(kept: readonly Kept[], retries: readonly Retry[]): void;
  /** Writes the rest, and waits for all that was begun. @returns the deliveries whose state is not kept */
  finish(): Promise<readonly Failure[]>;
}

function keeperOf(ports: DeliverPorts): Keeper {
  const failed: Failure[] = [];
  let settled: Settled[] = [];
  let kept: Kept[] = [];
  let retries: Retry[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const [units, others, messages] = [settled, kept, retries];
    [settled, kept, retries] = [[], [], []];
    if (units.length + others.length + messages.length > 0)
      writing = writing.then(async () => void failed.push(...(await keepUnits(units, messages, others, ports))));
    return writing;
  }

  return {
    settle(done) {
      settled.push(settleSafely(done, ports));
      timer ??= setTimeout(write, GATHER_RESULTS_MS);
    },
    keep(more, messages) {
      kept.push(...more);
      retries.push(...messages);
      if (kept.length + retries.length > 0) timer ??= setTimeout(write, GATHER_RESULTS_MS);
    },
    async finish() {
      await write();
      return failed;
    },
  };
}

function settleSafely(done: readonly PostDone[], ports: DeliverPorts): Settled {
  try {
    return settle(done, ports.dice());
  } catch (error) {
    ports.log("error", "deliver.settle_failed", { error: errorText(error) });
    return settleFailed(done, error);
  }
}

/** Never rejects. @returns the messages whose deliveries failed to be written */
async function keepUnits(
  settled: readonly Settled[],
  retries: readonly Retry[],
  kept: readonly Kept[],
  ports: DeliverPorts,
): Promise<readonly Failure[]> {
  const { unkept, moved, failed } = await keepAll(settled, retries, kept, ports);
  await Promise.all([
    afterPosts(settled, ports),
    count([...factsOf(settled, unkept), ...moved], ports),
    tellProblems(settled, unkept, ports),
    trace(settled, ports),
  ]);
  await tellWatchers(settled, unkept, ports);
  return failed;
}

const receivedBefore = (record: SQSRecord): boolean => Number(record.attributes.ApproximateReceiveCount) > 1;

const asReceived = ({ record, message }: Read): Received[] =>
  message.kind === "delivery" || message.kind === "retry"
    ? [
        {
          messageId: record.messageId,
          message,
          again: receivedBefore(record) || (message.kind === "delivery" && message.repeated === true),
        },
      ]
    : [];

/** A first attempt carries its events. Where any of them may have been erased since, they are read again. */
async function outdated(received: readonly Received[], ports: DeliverPorts): Promise<Received[]> {
  const targetOf = await ports.targets.get(received.map(({ message }) => message));
  return received.map((each) => {
    const { message } = each;
    if (message.kind !== "delivery") return each;
    const { erased_until = 0 } = targetOf(message.tenant, message.subscription_id) ?? {};
    return erased_until < timeOf(message.first) ? each : { ...each, again: true };
  });
}

/** Drains and probes. @returns the deliveries that probes try their endpoints with */
async function carryOut(
  read: readonly Read[],
  ports: DeliverPorts,
): Promise<{ readonly probes: Received[]; readonly failed: Failure[] }> {
  const failed: Failure[] = [];
  const probes = await Promise.all(
    read.map(async ({ record, message }) => {
      try {
        if (message.kind === "drain") await drain(message, ports);
        if (message.kind === "probe") return await probe(record.messageId, message, ports);
      } catch (error) {
        failed.push(...failuresAt("drain", [record], error));
      }
      return undefined;
    }),
  );
  return { probes: probes.filter((entry) => entry !== undefined), failed };
}

/** What becomes of deliveries before anything is posted. */
interface Gated {
  readonly toPost: readonly ToPost[];
  readonly toRetry: readonly Retry[];
  /** Put aside, or over. */
  readonly toKeep: readonly Kept[];
  readonly failed: readonly Failure[];
}

async function gateAll(
  deliveries: readonly Delivery[],
  records: ReadonlyMap<string, SQSRecord>,
  ports: DeliverPorts,
): Promise<Gated> {
  const toPost: ToPost[] = [];
  const toRetry: Retry[] = [];
  const toKeep: Kept[] = [];
  const failed: Failure[] = [];
  const targetOf = await ports.targets.get(deliveries);
  await Promise.all(
    [...Map.groupBy(deliveries, ({ tenant }) => tenant)].map(async ([tenant, ofTenant]) => {
      try {
        const bySubscription = Map.groupBy(ofTenant, ({ subscription_id }) => subscription_id);
        const circuits = await ports.circuits.of(tenant);
        for (const [id, group] of bySubscription) {
          const target = targetOf(tenant, id);
          if (target === undefined) {
            failed.push(...failuresAt("gate", group, unknown(id)));
            continue;
          }
          const circuit = circuits.get(id);
          const slow = circuit?.slow === true || ports.posting.slow.has(id);
          const posted: Delivery[] = [];
          for (const delivery of group) {
            const firstLane = ports.firstLane(records.get(delivery.messageId)!);
            const decision = gate(delivery, { target, circuit, slow }, firstLane, ports.now(), ports.dice());
            if (decision.kind === "post") posted.push(delivery);
            else if (decision.kind === "cancel")
              toKeep.push({
                delivery,
                item: { ...baseItem(delivery), status: "cancelled", reason: "subscription_removed" },
              });
            else if (decision.kind === "hold")
              toKeep.push({
                delivery,
                item: { ...baseItem(delivery), status: "pending", held: true, reason: decision.reason },
              });
            else if (decision.kind === "postpone")
              toRetry.push({
                message: { ...retryOf([delivery]), delaySeconds: delaySeconds(decision.retry_after_ms) },
                deliveries: [delivery],
              });
            else toRetry.push({ message: forward(records.get(delivery.messageId)!, tenant), deliveries: [delivery] });
          }
          const first = posted.some((delivery) => ports.firstLane(records.get(delivery.messageId)!));
          if (target !== null && posted.length > 0) toPost.push({ target, first, deliveries: posted });
        }
      } catch (error) {
        failed.push(...failuresAt("gate", ofTenant, error));
      }
    }),
  );
  return { toPost, toRetry, toKeep, failed };
}

const forward = (record: SQSRecord, group: string): Outgoing => ({ text: record.body, group });

/**
 * The message that brings these deliveries back.
 * @param attempts made by then
 * @param manual whether they are tried in any state
 */
function retryOf(deliveries: readonly Delivery[], attempts = attemptsMade(deliveries[0]!), manual = false): Outgoing {
  const { tenant, subscription_id, replay_id, retried_by } = deliveries[0]!;
  const batches = [...new Set(deliveries.map(({ first }) => first))].sort();
  const text = encodeRetry({
    tenant,
    subscription_id,
    batches,
    attempts,
    ...(manual ? { manual } : {}),
    ...defined({ replay_id, retried_by }),
  });
  return { text, group: tenant };
}

/** What became of deliveries: those that could not be kept, and the new states of all others. */
interface KeptAll {
  readonly unkept: ReadonlySet<Delivery>;
  readonly moved: readonly UsageFact[];
  readonly failed: readonly Failure[];
}

/** Queues next attempts, then keeps states: see the invariant. */
async function keepAll(
  settled: readonly Settled[],
  toRetry: readonly Retry[],
  kept: readonly Kept[],
  ports: DeliverPorts,
): Promise<KeptAll> {
  const retries = [...toRetry];
  const keep = [...kept];
  for (const { deliveries, items, next, attempts } of settled) {
    for (const [at, item] of items.entries()) keep.push({ item, delivery: deliveries[at]! });
    if ((next.kind === "failed" || next.kind === "postponed") && items[0]?.swept !== true) {
      // Where nothing was attempted, what was asked for by hand still is: its item says that it has ended.
      const asked = Map.groupBy(deliveries, ({ manual }) => manual && items.length === 0);
      for (const [manual, own] of asked)
        retries.push({
          message: { ...retryOf(own, attempts, manual), delaySeconds: delaySeconds(next.retry_after_ms) },
          deliveries: own,
        });
    }
  }
  const unkept = new Set<Delivery>();
  const failed: Failure[] = [];
  const fail = (phase: "queue" | "keep", deliveries: readonly Delivery[], error: unknown) => {
    for (const delivery of deliveries) unkept.add(delivery);
    failed.push(...failuresAt(phase, deliveries, error));
  };
  if (retries.length > 0) {
    try {
      await ports.retry(retries.map(({ message }) => message));
    } catch (error) {
      for (const { deliveries } of retries) fail("queue", deliveries, error);
    }
  }
  const fresh = new Map<string, Kept>();
  const others: Kept[] = [];
  const moved: UsageFact[] = [];
  for (const entry of keep) {
    const { item, delivery } = entry;
    if (unkept.has(delivery)) continue;
    // Nobody else works on the delivery of a first attempt that succeeded or was put off. Every other may be changed meanwhile.
    const alone = delivery.only && (item.status === "delivered" || item.held === true);
    if (alone) fresh.set(`${item.tenant} ${item.first} ${item.subscription_id} ${item.replay_id ?? ""}`, entry);
    else others.push(entry);
  }
  const put = async () => {
    const all = [...fresh.values()];
    const errors = await ports.putItems(all.map(({ item }) => item));
    for (const [at, { item, delivery }] of all.entries()) {
      if (errors[at] === undefined) moved.push(...movedOf(delivery, moveOf(undefined, item)));
      else fail("keep", [delivery], errors[at]);
    }
  };
  await Promise.all([
    fresh.size === 0 ? undefined : put(),
    ...others.map(async ({ item, delivery }) => {
      try {
        moved.push(...movedOf(delivery, await ports.replaceItem(delivery.item, item)));
      } catch (error) {
        fail("keep", [delivery], error);
      }
    }),
  ]);
  return { unkept, moved, failed };
}

/** A count that fails is written later, and causes no second delivery. */
async function count(facts: readonly UsageFact[], ports: DeliverPorts): Promise<void> {
  try {
    if (facts.length > 0) await ports.countUsage(facts);
  } catch (error) {
    ports.log("warn", "deliver.usage_not_counted_yet", { error: errorText(error) });
  }
}

/** What failed is told of beside the deliveries: where that can't be written, they are what they are all the same. */
async function tellProblems(
  settled: readonly Settled[],
  unkept: ReadonlySet<Delivery>,
  { problems, log }: DeliverPorts,
): Promise<void> {
  await Promise.all(
    failuresOf(settled, unkept).map(async (failures) => {
      try {
        await problems.failed(failures);
      } catch (error) {
        const { tenant, subscription_id } = failures;
        log("warn", "deliver.problem_not_told", { tenant, subscription_id, error: errorText(error) });
      }
    }),
  );
}

/** Tells what became of the deliveries of tenants that are watched; of all others there is no call. */
async function tellWatchers(
  settled: readonly Settled[],
  unkept: ReadonlySet<Delivery>,
  { tell }: DeliverPorts,
): Promise<void> {
  const shown = settled.flatMap(({ deliveries, items, posts }) =>
    posts[0]?.post.target.watched === true
      ? items.flatMap((item, at) => (unkept.has(deliveries[at]!) ? [] : [{ item, types: deliveries[at]!.types }]))
      : [],
  );
  if (shown.length === 0) return;
  const byTenant = Map.groupBy(shown, ({ item }) => item.tenant);
  await tell(
    [...byTenant].map(([tenant, own]) =>
      newsOf(tenant, { deliveries: own.map(({ item, types }) => liveDelivery(item, types)) }),
    ),
  );
}

/** Nor is a span that can't be exported. */
async function trace(settled: readonly Settled[], { tracer, log }: DeliverPorts): Promise<void> {
  if (tracer === undefined || settled.length === 0) return;
  try {
    await tracer.export(() => spansOf(settled, tracer.ratio));
  } catch (error) {
    log("warn", "deliver.spans_not_exported", { error: errorText(error) });
  }
}
