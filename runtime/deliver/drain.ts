import type { Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import { type DrainMessage, encodeDrain, encodeRetry, type ProbeMessage, type Reached } from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import type { Millis, Seconds } from "../domain/time.ts";
import type { DeliveryItem } from "../store/deliveries/deliveryItem.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import type { Held } from "../store/deliveries/waiting.ts";
import { type Circuits, OPEN_AFTER } from "./circuits.ts";
import type { Received } from "./gather.ts";
import { EARLY_MS } from "./schedule.ts";
import { type Targets, targetOf } from "./targets.ts";

/**
 * Held deliveries: released at a bounded rate, or tried one at a time. Invariant: a held delivery is looked at again once
 * its subscription is enabled or its circuit closes. A drain looks twice, the second time after every state that an
 * invocation may have remembered is stale, so that it also finds deliveries that were held a moment too late.
 */
interface DrainPorts {
  readonly log: Log;
  now(): Millis;
  readonly targets: Targets;
  readonly circuits: Circuits;
  readonly held: Held;
  retry(messages: readonly Outgoing[]): Promise<void>;
}

/** Deliveries released in one step, and the pause before the next. */
const DRAIN_STEP = 100;
const STEP_SECONDS = 1;
const SECOND_LOOK_SECONDS = 60;
/** Milliseconds after which the sweeper finds a released delivery whose message is lost. */
const RELEASE_GRACE_MS = 900_000;

/** One step of a drain; it sends itself again until nothing is left. */
export async function drain(message: DrainMessage, ports: DrainPorts): Promise<void> {
  const { tenant, subscription_id } = message;
  const target = await targetOf(ports.targets, tenant, subscription_id);
  // The one that disabled it, or opened its circuit, is followed by another drain.
  if (target !== null && target.status !== "active") return;
  if (message.reset === true) await ports.circuits.succeeded(tenant, subscription_id);
  if (target !== null && (await ports.circuits.read(tenant, subscription_id))?.opened_at !== undefined) return;
  const again = (pass: 1 | 2, delaySeconds: Seconds, reached?: Reached): Outgoing => ({
    text: encodeDrain({ tenant, subscription_id, pass, ...defined({ reached }) }),
    group: tenant,
    delaySeconds,
  });
  const held = await ports.held.page(tenant, subscription_id, DRAIN_STEP);
  if (target === null) {
    const { reached } = message;
    const { deliveries, next } = await ports.held.failed(tenant, subscription_id, DRAIN_STEP, reached);
    const waiting = [...held, ...deliveries];
    await ports.held.cancel(waiting, "subscription_removed");
    const found = waiting.length > 0 || reached?.found === true;
    if (next !== undefined)
      await ports.retry([again(message.pass, STEP_SECONDS, { ...next, ...(found ? { found } : {}) })]);
    else if (found) await ports.retry([again(message.pass, STEP_SECONDS)]);
    else if (message.pass === 1) await ports.retry([again(2, SECOND_LOOK_SECONDS)]);
    return;
  }
  if (held.length > 0) {
    const released = await ports.held.release(held, ports.now() + RELEASE_GRACE_MS);
    await ports.retry([...releases(released, target.max_batch), again(message.pass, STEP_SECONDS)]);
    ports.log("info", "deliver.drained", { tenant, subscription_id, deliveries: released.length });
  } else if (message.pass === 1) await ports.retry([again(2, SECOND_LOOK_SECONDS)]);
}

/** Messages that bring deliveries back, those of small ones together as far as a post holds them. */
function releases(items: readonly DeliveryItem[], maxBatch: number): Outgoing[] {
  const groups: { items: DeliveryItem[]; events: number }[] = [];
  for (const item of items) {
    const events = (item.remaining ?? item.indexes).length;
    const last = groups.at(-1);
    const like = last?.items[0];
    const same = like !== undefined && like.replay_id === item.replay_id && attemptsMade(like) === attemptsMade(item);
    if (last !== undefined && same && last.events + events <= maxBatch) {
      last.items.push(item);
      last.events += events;
    } else groups.push({ items: [item], events });
  }
  return groups.map((group) => {
    const { tenant, subscription_id, replay_id } = group.items[0]!;
    const batches = group.items.map(({ first }) => first);
    const retry = { tenant, subscription_id, batches, attempts: attemptsMade(group.items[0]!) };
    return { text: encodeRetry({ ...retry, ...defined({ replay_id }) }), group: tenant };
  });
}

/** What an open circuit is tried with: the oldest delivery that it holds. */
export async function probe(
  messageId: string,
  message: ProbeMessage,
  ports: DrainPorts,
): Promise<Received | undefined> {
  const { tenant, subscription_id } = message;
  const circuit = await ports.circuits.read(tenant, subscription_id);
  // Closed meanwhile, or another invocation has planned the next probe already.
  if (circuit?.opened_at === undefined || (circuit.next_probe_at ?? 0) > ports.now() + EARLY_MS.probe) return undefined;
  const [oldest] = await ports.held.page(tenant, subscription_id, 1);
  if (oldest === undefined) {
    await ports.circuits.halfOpen(circuit);
    ports.log("info", "deliver.circuit_half_open", { tenant, subscription_id, failures: OPEN_AFTER - 1 });
    await ports.retry([{ text: encodeDrain({ tenant, subscription_id, pass: 2 }), group: tenant, delaySeconds: 10 }]);
    return undefined;
  }
  return {
    messageId,
    again: true,
    probe: true,
    message: {
      kind: "retry",
      tenant,
      subscription_id,
      batches: [oldest.first],
      attempts: attemptsMade(oldest),
      ...defined({ replay_id: oldest.replay_id }),
    },
  };
}
