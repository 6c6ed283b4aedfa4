import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { GiveBack } from "../aws/giveBack.ts";
import { errorText, type Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import { type DeliverMessage, decodeDeliver, encodeRetry } from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import { timeOf } from "../domain/ids.ts";
import type { Tracer } from "../domain/trace.ts";
import type { UsageFact } from "../domain/usage/fact.ts";
import type { DeliveryItem } from "../store/deliveries/deliveryItem.ts";
import type { Circuits } from "./circuits.ts";
import { drain, type Held, probe } from "./drain.ts";
import { afterPosts, type EffectPorts } from "./effects.ts";
import { factsOf, movedOf } from "./facts.ts";
import { gate } from "./gate.ts";
import { type GatherPorts, gather, type Received } from "./gather.ts";
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
 * queued, and its state is kept; in this order. If anything fails in between, the message comes again and the delivery is at
 * worst posted twice, never not at all: a retry that is queued while its state is not yet kept acts by what its message says.
 */
export interface DeliverPorts extends GatherPorts, EffectPorts {
  readonly log: Log;
  readonly now: () => number;
  readonly dice: () => number;
  readonly targets: Targets;
  readonly circuits: Circuits;
  readonly posting: Posting;
  readonly held: Held;
  /** Whether the message came from the queue of first attempts. */
  firstLane(record: SQSRecord): boolean;
  /** Puts deliveries that nobody else can be working on. */
  putItems(items: readonly DeliveryItem[]): Promise<void>;
  /** Puts a delivery's new state in place of what was read before (undefined: nothing), merged with what changed since. */
  replaceItem(before: DeliveryItem | undefined, after: DeliveryItem): Promise<void>;
  /** Sends to the queue of retries. @throws Error when not all could be sent */
  retry(messages: readonly Outgoing[]): Promise<void>;
  countUsage(facts: readonly UsageFact[]): Promise<void>;
  readonly giveBack: GiveBack;
  /** Undefined where spans are not exported. */
  readonly tracer?: Tracer | undefined;
}

interface Read {
  readonly record: SQSRecord;
  readonly message: DeliverMessage;
}

/** A delivery's new state. */
interface Kept {
  readonly item: DeliveryItem;
  readonly delivery: Delivery | undefined;
}

/** @returns ids of the messages that have to come again */
export async function deliver(event: SQSEvent, ports: DeliverPorts): Promise<SQSBatchResponse> {
  const failures = new Map<string, unknown>();
  const records = new Map(event.Records.map((record) => [record.messageId, record]));
  const read = event.Records.flatMap((record): Read[] => {
    try {
      return [{ record, message: decodeDeliver(record.body) }];
    } catch (error) {
      failures.set(record.messageId, error);
      return [];
    }
  });
  const probes = await carryOut(read, ports, failures);
  const received = [...(await outdated(read.flatMap(asReceived), ports)), ...probes];
  const keeper = keeperOf(ports, failures);
  const posting: Promise<void>[] = [];
  for (const portion of portions(received)) {
    const { deliveries, ended, errors } = await gather(portion, ports);
    for (const [id, error] of errors) failures.set(id, error);
    const kept: Kept[] = ended.map(({ item, delivery }) => ({ item, delivery }));
    const { toPost, toRetry } = await gateAll(deliveries, records, kept, failures, ports);
    keeper.keep(kept, toRetry);
    posting.push(postAll(toPost, ports.posting, (done) => keeper.settle(done)));
  }
  await Promise.all(posting);
  await keeper.finish();
  await ports.posting.hosts.told();
  for (const [message_id, error] of failures) {
    ports.log("error", "deliver.failed", { message_id, error: errorText(error) });
  }
  return ports.giveBack(event.Records, failures);
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

/** Keeps results as they come, whatever the slowest post of the invocation does. */
interface Keeper {
  /** Takes posts that stand or fall together, once the last of them has ended. */
  settle(done: readonly PostDone[]): void;
  /** Takes what needs no post. */
  keep(kept: readonly Kept[], retries: readonly Retry[]): void;
  /** Writes what is left, and waits for all that was begun. */
  finish(): Promise<void>;
}

function keeperOf(ports: DeliverPorts, failures: Map<string, unknown>): Keeper {
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
      writing = writing.then(() => keepUnits(units, messages, others, failures, ports));
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
    finish: write,
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

/** Never rejects: messages whose deliveries can't be kept are among the failures. */
async function keepUnits(
  settled: readonly Settled[],
  retries: readonly Retry[],
  kept: readonly Kept[],
  failures: Map<string, unknown>,
  ports: DeliverPorts,
): Promise<void> {
  const { unkept, moved } = await keepAll(settled, retries, kept, failures, ports);
  await Promise.all([
    afterPosts(settled, ports),
    count([...factsOf(settled, unkept), ...moved], ports),
    tellProblems(settled, unkept, ports),
    trace(settled, ports),
  ]);
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
  failures: Map<string, unknown>,
): Promise<Received[]> {
  const probes = await Promise.all(
    read.map(async ({ record, message }) => {
      try {
        if (message.kind === "drain") await drain(message, ports);
        if (message.kind === "probe") return await probe(record.messageId, message, ports);
      } catch (error) {
        failures.set(record.messageId, error);
      }
      return undefined;
    }),
  );
  return probes.filter((entry) => entry !== undefined);
}

async function gateAll(
  deliveries: readonly Delivery[],
  records: ReadonlyMap<string, SQSRecord>,
  keep: Kept[],
  failures: Map<string, unknown>,
  ports: DeliverPorts,
): Promise<{ toPost: ToPost[]; toRetry: Retry[] }> {
  const toPost: ToPost[] = [];
  const toRetry: Retry[] = [];
  const targetOf = await ports.targets.get(deliveries);
  await Promise.all(
    [...Map.groupBy(deliveries, ({ tenant }) => tenant)].map(async ([tenant, ofTenant]) => {
      try {
        const bySubscription = Map.groupBy(ofTenant, ({ subscription_id }) => subscription_id);
        const circuits = await ports.circuits.of(tenant);
        for (const [id, group] of bySubscription) {
          const target = targetOf(tenant, id);
          if (target === undefined) {
            for (const { messageId } of group) failures.set(messageId, unknown(id));
            continue;
          }
          const circuit = circuits.get(id);
          const slow = circuit?.slow === true || ports.posting.slow.has(id);
          const posted: Delivery[] = [];
          for (const delivery of group) {
            const lane = { first: ports.firstLane(records.get(delivery.messageId)!), slow };
            const decision = gate(delivery, target, circuit, lane, ports.now(), ports.dice());
            if (decision.kind === "post") posted.push(delivery);
            else if (decision.kind === "cancel")
              keep.push({
                delivery,
                item: { ...baseItem(delivery), status: "cancelled", reason: "subscription_removed" },
              });
            else if (decision.kind === "hold")
              keep.push({
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
        for (const { messageId } of ofTenant) failures.set(messageId, error);
      }
    }),
  );
  return { toPost, toRetry };
}

const forward = (record: SQSRecord, group: string): Outgoing => ({ text: record.body, group });

/** The message that brings these deliveries back. @param attempts made by then */
function retryOf(deliveries: readonly Delivery[], attempts = deliveries[0]!.attempts.length): Outgoing {
  const { tenant, subscription_id, replay_id, retried_by } = deliveries[0]!;
  const batches = [...new Set(deliveries.map(({ first }) => first))].sort();
  const text = encodeRetry({
    tenant,
    subscription_id,
    batches,
    attempts,
    ...defined({ replay_id, retried_by }),
  });
  return { text, group: tenant };
}

/** What became of deliveries: those that could not be kept, and the new states of all others. */
interface KeptAll {
  readonly unkept: ReadonlySet<Delivery>;
  readonly moved: readonly UsageFact[];
}

/** Queues next attempts, then keeps states: see the invariant. */
async function keepAll(
  settled: readonly Settled[],
  toRetry: readonly Retry[],
  kept: readonly Kept[],
  failures: Map<string, unknown>,
  ports: DeliverPorts,
): Promise<KeptAll> {
  const retries = [...toRetry];
  const keep = [...kept];
  for (const { deliveries, items, next, attempts } of settled) {
    for (const [at, item] of items.entries()) keep.push({ item, delivery: deliveries[at]! });
    if ((next.kind === "failed" || next.kind === "postponed") && items[0]?.swept !== true) {
      const message = { ...retryOf(deliveries, attempts), delaySeconds: delaySeconds(next.retry_after_ms) };
      retries.push({ message, deliveries });
    }
  }
  const unkept = new Set<Delivery>();
  const fail = (deliveries: readonly Delivery[], error: unknown) => {
    for (const delivery of deliveries) {
      unkept.add(delivery);
      failures.set(delivery.messageId, error);
    }
  };
  if (retries.length > 0) {
    try {
      await ports.retry(retries.map(({ message }) => message));
    } catch (error) {
      for (const { deliveries } of retries) fail(deliveries, error);
    }
  }
  const fresh = new Map<string, Kept>();
  const others: Kept[] = [];
  for (const entry of keep) {
    const { item, delivery } = entry;
    if (delivery !== undefined && unkept.has(delivery)) continue;
    // A first attempt that succeeded, or wasn't made, is nobody else's business; for all others a retry may be under way.
    const alone = delivery?.item === undefined && (item.status === "delivered" || item.held === true);
    if (alone) fresh.set(`${item.tenant} ${item.first} ${item.subscription_id} ${item.replay_id ?? ""}`, entry);
    else others.push(entry);
  }
  const put = async () => {
    try {
      await ports.putItems([...fresh.values()].map(({ item }) => item));
    } catch (error) {
      for (const { delivery } of fresh.values()) if (delivery !== undefined) fail([delivery], error);
    }
  };
  await Promise.all([
    fresh.size === 0 ? undefined : put(),
    ...others.map(async ({ item, delivery }) => {
      try {
        await ports.replaceItem(delivery?.item, item);
      } catch (error) {
        if (delivery !== undefined) fail([delivery], error);
      }
    }),
  ]);
  const moved = keep.flatMap(({ item, delivery }) =>
    delivery === undefined || unkept.has(delivery) ? [] : movedOf(delivery, item),
  );
  return { unkept, moved };
}

/** A count that can't be written now is written later, not by a second delivery. */
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

/** Nor is a span that can't be exported. */
async function trace(settled: readonly Settled[], { tracer, log }: DeliverPorts): Promise<void> {
  if (tracer === undefined || settled.length === 0) return;
  try {
    await tracer.export(() => spansOf(settled, tracer.ratio));
  } catch (error) {
    log("warn", "deliver.spans_not_exported", { error: errorText(error) });
  }
}
