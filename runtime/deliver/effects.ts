import { errorText, type Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import type { Service } from "../aws/service.ts";
import { encodeDrain, encodeProbe } from "../domain/codec/index.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { deliveryId, timeOf } from "../domain/ids.ts";
import type { Millis } from "../domain/time.ts";
import type { Circuit } from "../store/circuits/circuitItem.ts";
import type { Problems } from "../store/problems.ts";
import { alertLevel, type Circuits, OPEN_AFTER, probeWaitMs } from "./circuits.ts";
import { type PlannedPost, toldReplay } from "./plan.ts";
import { SLOW_MS } from "./postAll.ts";
import { delaySeconds } from "./schedule.ts";
import type { Settled } from "./settle.ts";
import type { Targets } from "./targets.ts";

/** What posts mean for their subscription: its circuit, its removal, its owner's warnings; and how they are told. */

/** By then the circuit of an endpoint that is well is removed. */
const DRAIN_SECONDS = 2;

export interface EffectPorts {
  readonly log: Log;
  now(): Millis;
  readonly service: Service;
  readonly circuits: Circuits;
  readonly problems: Problems;
  readonly targets: Pick<Targets, "removed">;
  /** Tells all other environments to stop posting to a subscription. */
  stop(tenant: Tenant, subscriptionId: string): Promise<void>;
  /** Sends to the queue of retries. */
  retry(messages: readonly Outgoing[]): Promise<void>;
  /** Tells the owner in an event of its own: `subscription.failing` or `subscription.disabled`. */
  tellOwner(circuit: Circuit, level: number): Promise<void>;
}

/** Carries them out; what fails is logged, for it never changes what became of a delivery. */
export async function afterPosts(settled: readonly Settled[], ports: EffectPorts): Promise<void> {
  for (const unit of settled) logAttempts(unit, ports.log, ports.now());
  const bySubscription = Map.groupBy(settled, ({ deliveries }) => deliveries[0]!.subscription_id);
  await Promise.all(
    [...bySubscription].map(async ([subscription_id, units]) => {
      const { tenant } = units[0]!.deliveries[0]!;
      try {
        await afterSubscription(tenant, subscription_id, units, ports);
      } catch (error) {
        ports.log("error", "deliver.effects_failed", { tenant, subscription_id, error: errorText(error) });
      }
    }),
  );
}

/** What a 410 means: the subscription is removed, everybody hears of it, and what waits is cancelled. */
export async function afterGone(
  tenant: Tenant,
  subscription_id: string,
  ports: Pick<EffectPorts, "targets" | "service" | "stop" | "circuits" | "retry">,
): Promise<void> {
  ports.targets.removed(tenant, subscription_id);
  await ports.service({ op: "remove", tenant, subscription_id, reason: "webhook_gone" });
  // Only after it is removed: a stage that learns of the change asks for the new state.
  await ports.stop(tenant, subscription_id);
  await ports.circuits.succeeded(tenant, subscription_id);
  await ports.retry([{ text: encodeDrain({ tenant, subscription_id, pass: 1 }), group: tenant }]);
}

async function afterSubscription(
  tenant: Tenant,
  subscription_id: string,
  units: readonly Settled[],
  ports: EffectPorts,
): Promise<void> {
  if (units.some(({ next }) => next.kind === "gone")) return await afterGone(tenant, subscription_id, ports);
  const results = units.flatMap(({ posts }) =>
    posts.flatMap(({ result }) => (result === undefined || result.unmade !== undefined ? [] : [result])),
  );
  const failures = results.filter(({ error }) => error !== null);
  const known = (await ports.circuits.of(tenant)).get(subscription_id);
  if (failures.length < results.length) {
    if (known === undefined) return;
    // One that answers, but late, has nothing to be forgotten: it is served apart until it answers soon.
    if (known.failures === 0 && results.every(({ latency_ms }) => latency_ms >= SLOW_MS)) return;
    const drain = { text: encodeDrain({ tenant, subscription_id, pass: 1 }), group: tenant };
    // Sent before the circuit goes, and looked at after: once it is gone, nothing else finds what is held.
    if (known.opened_at !== undefined) await ports.retry([{ ...drain, delaySeconds: DRAIN_SECONDS }]);
    const closed = await ports.circuits.succeeded(tenant, subscription_id);
    if (closed?.opened_at !== undefined) {
      // Another has opened it since it was read here.
      if (known.opened_at === undefined) await ports.retry([drain]);
      ports.log("info", "deliver.circuit_closed", { tenant, subscription_id, open_ms: ports.now() - closed.opened_at });
    }
    await ports.problems.well(tenant, subscription_id);
  } else if (failures.length > 0) {
    const slow = failures.some(({ latency_ms }) => latency_ms >= SLOW_MS);
    const circuit = await ports.circuits.failed(tenant, subscription_id, failures.length, slow);
    if (circuit === undefined) return;
    await afterFailure(
      circuit,
      units.some(({ deliveries }) => deliveries.some(({ probe }) => probe)),
      ports,
    );
  }
}

/** Opens the circuit or plans its next probe, and warns or disables where failing has lasted. */
async function afterFailure(circuit: Circuit, probed: boolean, ports: EffectPorts): Promise<void> {
  const { tenant, subscription_id } = circuit;
  const open = circuit.opened_at !== undefined;
  if (open ? probed : circuit.failures >= OPEN_AFTER) {
    const wait = probeWaitMs(open ? (circuit.probes ?? 0) + 1 : 0);
    if (await ports.circuits.open(circuit, ports.now() + wait)) {
      ports.log("warn", "deliver.circuit_open", {
        tenant,
        subscription_id,
        failures: circuit.failures,
        probe_in_ms: wait,
      });
      await ports.retry([
        { text: encodeProbe({ tenant, subscription_id }), group: tenant, delaySeconds: delaySeconds(wait) },
      ]);
    }
  }
  const level = alertLevel(circuit.failing_since, ports.now());
  if (level <= circuit.alerted) return;
  // Told first, and again if disabling fails: once it is disabled, no failure follows that would tell.
  await ports.tellOwner(circuit, level);
  if (level === 100) await ports.service({ op: "disable", tenant, subscription_id, reason: "endpoint_failing" });
  await ports.circuits.alerted(circuit, level);
  ports.log("warn", level === 100 ? "deliver.subscription_disabled" : "deliver.subscription_failing", {
    tenant,
    subscription_id,
    percent: level,
    failing_for_ms: ports.now() - circuit.failing_since,
  });
}

const eventsOf = ({ parts }: PlannedPost): number => parts.reduce((sum, { offsets }) => sum + offsets.length, 0);

/** Ids in one log line; the rest are counted. */
const MAX_IDS = 10;

function logAttempts({ posts, next, attempts }: Settled, log: Log, now: Millis): void {
  for (const { post, id, result } of posts) {
    if (result === undefined) continue;
    const { parts, target } = post;
    log(result.error === null ? "info" : "warn", "deliver.attempted", {
      tenant: target.tenant,
      subscription_id: target.subscription_id,
      webhook_id: id,
      delivery_ids: parts
        .slice(0, MAX_IDS)
        .map(({ delivery }) => deliveryId(delivery.first, delivery.subscription_id, delivery.replay_id)),
      deliveries: parts.length,
      events: eventsOf(post),
      attempt: attempts,
      status_code: result.status,
      error: result.error,
      ...defined({ error_detail: mapDefined(result.unmade, (unmade) => unmade.text) }),
      latency_ms: result.latency_ms,
      // What the promise on delivery is measured by; a replay answers to its own rate instead.
      ...(parts.every(({ delivery }) => toldReplay(delivery) === undefined)
        ? { since_accepted_ms: now - Math.min(...parts.map(({ delivery }) => timeOf(delivery.first))) }
        : {}),
      next: result.error === null ? "delivered" : next.kind,
      ...("retry_after_ms" in next && result.error !== null ? { retry_after_ms: next.retry_after_ms } : {}),
    });
  }
}
