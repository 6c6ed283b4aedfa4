import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import type { SQSRecord } from "aws-lambda";
import { FairQueue } from "../../../local/sqs/fair.ts";
import { givingBack } from "../../../runtime/aws/giveBack.ts";
import type { Outgoing } from "../../../runtime/aws/queues.ts";
import type { Circuits } from "../../../runtime/deliver/circuits.ts";
import { type DeliverPorts, deliver } from "../../../runtime/deliver/deliver.ts";
import { hostsOver } from "../../../runtime/deliver/hosts.ts";
import type { PostRequest, PostResult } from "../../../runtime/deliver/post.ts";
import { slowEndpoints } from "../../../runtime/deliver/postAll.ts";
import { sweep } from "../../../runtime/deliver/sweep.ts";
import type { Item } from "../../../runtime/domain/codec/fields.ts";
import { decodeDeliver, encodeDelivery } from "../../../runtime/domain/codec/index.ts";
import { pack } from "../../../runtime/domain/codec/pack.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import type { News } from "../../../runtime/domain/live.ts";
import type { DeliveryTarget } from "../../../runtime/domain/subscription.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { type BatchItem, encodeBatch } from "../../../runtime/store/batches/batchItem.ts";
import { type Circuit, encodeCircuit } from "../../../runtime/store/circuits/circuitItem.ts";
import { merge, moveOf } from "../../../runtime/store/deliveries/changeDelivery.ts";
import {
  type DeliveryItem,
  decodeDeliveryItem,
  encodeDeliveryItem,
} from "../../../runtime/store/deliveries/deliveryItem.ts";
import { readStored } from "../../../runtime/store/deliveries/stored.ts";
import { batchKey, deliveryKey, heldPartitions, keyText, statePartitions } from "../../../runtime/store/keys.ts";
import type { Failures } from "../../../runtime/store/problems.ts";

/**
 * A small world around deliver and sweep: queues with delays, a table, one endpoint a subscription, and a clock that only
 * moves when told. Everything that deliver decides runs for real; what it does to AWS happens in these maps.
 */
export const TENANT = "cus_01JDGXS7G0ABCDEFGHJKMNPQRS";
export const SUB = "sub_01JDGXS7G0ABCDEFGHJKMNPQRT";
export const START = Date.parse("2026-11-25T00:00:00Z");
const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;

interface Queued {
  id: string;
  group: string;
  queue: "delivery" | "retry";
  text: string;
  visibleAt: number;
  receives: number;
}

export interface Received {
  readonly at: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the endpoint answers: a status, or a named failure with the time it took. */
export type Answer =
  | number
  | {
      readonly status?: number;
      readonly error?: string;
      readonly retryAfter?: string;
      readonly excerpt?: string;
      readonly ms?: number;
    };

/** The counters of hosts, of as many environments as share it: `ADD` as DynamoDB does it. */
export function hostCounters() {
  const items = new Map<string, Item>();
  const writes: string[] = [];
  return {
    items,
    writes,
    dynamodb: {
      async send({ input }: { input: UpdateItemCommandInput }) {
        const key = keyText(input.Key!);
        const item = items.get(key) ?? {};
        for (const [, name] of input.UpdateExpression!.matchAll(/:([a-z]+\d*)(?=,|$)/g)) {
          const before = Number(item[name!]?.N ?? 0);
          item[name!] = { N: String(before + Number(input.ExpressionAttributeValues![`:${name}`]!.N)) };
        }
        items.set(key, item);
        writes.push(key);
        return { Attributes: item };
      },
    } as never,
  };
}

export function makeWorld(
  options: { dice?(): number; hostLimit?: number; counters?: ReturnType<typeof hostCounters> } = {},
) {
  let clock = START;
  let ids = 0;
  const queue: Queued[] = [];
  const items = new Map<string, Item>();
  const circuits = new Map<string, Circuit>();
  /** Undefined for one that the service could not be asked for. */
  const targets = new Map<string, DeliveryTarget | null | undefined>();
  const posts: Received[] = [];
  const logs: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  const notices: number[] = [];
  const stopped: string[] = [];
  const dead: string[] = [];
  const service: unknown[] = [];
  /** What is remembered of circuits, where it is not what they are. */
  let circuitsSeen: ReadonlyMap<string, Circuit> | undefined;
  /** Thrown by the named step the next time it runs. */
  const faults = new Map<string, Error>();
  let answer: (request: PostRequest, nth: number) => Answer | Promise<Answer> = () => 200;

  const strike = (step: string) => {
    const fault = faults.get(step);
    faults.delete(step);
    if (fault !== undefined) throw fault;
  };
  const send = (name: Queued["queue"], messages: readonly Outgoing[]) => {
    for (const { text, group, delaySeconds = 0 } of messages) {
      ids += 1;
      queue.push({
        id: `m${ids}`,
        group: group ?? "",
        queue: name,
        text,
        visibleAt: clock + delaySeconds * 1_000,
        receives: 0,
      });
    }
  };
  const put = (item: DeliveryItem) => {
    const encoded = encodeDeliveryItem(item);
    items.set(keyText(encoded), encoded);
  };
  const keyOf = (item: DeliveryItem) => keyText(deliveryKey(item));
  const inState = (partitions: readonly string[]) =>
    [...items.values()]
      .filter((item) => partitions.includes(item.state_pk?.S ?? ""))
      .sort((a, b) => (a.sk!.S! < b.sk!.S! ? -1 : 1))
      .map(decodeDeliveryItem);

  const circuitPorts: Circuits = {
    of: async (tenant) =>
      circuitsSeen ??
      new Map([...circuits].filter(([, c]) => c.tenant === tenant).map(([id, circuit]) => [id, circuit])),
    read: async (_, id) => circuits.get(id),
    async failed(tenant, subscription_id, failures, slow) {
      const before = circuits.get(subscription_id);
      const circuit: Circuit = {
        ...(before ?? { tenant, subscription_id, alerted: 0, expiry: 0 }),
        failing_since: Math.min(before?.failing_since ?? Number.POSITIVE_INFINITY, clock),
        failures: (before?.failures ?? 0) + failures,
        slow,
      };
      circuits.set(subscription_id, circuit);
      return circuit;
    },
    async suspect(tenant, subscription_id) {
      const before = circuits.get(subscription_id);
      const none = { tenant, subscription_id, failures: 0, failing_since: Number.POSITIVE_INFINITY, alerted: 0 };
      circuits.set(subscription_id, { ...none, expiry: 0, ...before, slow: true });
    },
    async succeeded(_, id) {
      const last = circuits.get(id);
      circuits.delete(id);
      return last;
    },
    async open(circuit, next_probe_at) {
      const now = circuits.get(circuit.subscription_id);
      if (now === undefined || now.next_probe_at !== circuit.next_probe_at) return false;
      const opened = { opened_at: clock, ...now, next_probe_at, probes: (now.probes ?? -1) + 1 };
      circuits.set(circuit.subscription_id, opened);
      return true;
    },
    async halfOpen({ subscription_id }) {
      const { opened_at: _, next_probe_at: __, ...rest } = circuits.get(subscription_id)!;
      circuits.set(subscription_id, { ...rest, failures: 9 });
    },
    async alerted({ subscription_id }, level) {
      circuits.set(subscription_id, { ...circuits.get(subscription_id)!, alerted: level });
    },
  };

  /** What was counted. */
  const facts: UsageFact[] = [];
  /** Reports of problems: failures, and subscriptions that are well again. */
  const failures: Failures[] = [];
  /** What those who watch were told, a list for each call. */
  const told: (readonly News[])[] = [];
  const well: string[] = [];
  const slow = slowEndpoints(() => clock);
  const ports: DeliverPorts = {
    log: (level, message, fields = {}) => logs.push({ level, message, fields }),
    now: () => clock,
    dice: options.dice ?? (() => 0.999),
    targets: {
      get: async () => (_, id) => (targets.has(id) ? targets.get(id) : null),
      latest: async ({ subscription_id }) => targets.get(subscription_id) ?? null,
      removed: (_, id) => void targets.set(id, null),
      standing: async ({ subscription_id }) => targets.get(subscription_id)?.status ?? "removed",
    },
    circuits: circuitPorts,
    problems: {
      async failed(told) {
        strike("problem");
        failures.push(told);
      },
      async well(_, id) {
        strike("well");
        well.push(id);
      },
    },
    held: {
      page: async (tenant, id, limit) => inState(heldPartitions(tenant, id)).slice(0, limit),
      failed: async (tenant, id) => ({
        deliveries: inState(statePartitions(tenant, "failed")).filter((item) => item.subscription_id === id),
        next: undefined,
      }),
      async release(held, next_attempt_at) {
        for (const { held: _, reason: __, ...item } of held) put({ ...item, next_attempt_at, swept: true });
        return [...held];
      },
      async cancel(waiting, reason) {
        for (const { held: _, swept: __, next_attempt_at: ___, ...item } of waiting)
          put({ ...item, status: "cancelled", reason });
      },
    },
    posting: {
      rules: { allowLoopback: false },
      now: () => clock,
      slow,
      hosts: hostsOver(
        { dynamodb: (options.counters ?? hostCounters()).dynamodb, name: "events" },
        options.hostLimit ?? 2_000,
        {
          log: (level, message, fields = {}) => logs.push({ level, message, fields }),
          now: () => clock,
          dice: options.dice ?? (() => 0.999),
        },
      ),
      async post(request): Promise<PostResult> {
        posts.push({
          at: clock,
          url: request.url.href,
          headers: request.headers,
          body: request.body.toString("utf8"),
        });
        const given = await answer(request, posts.length);
        const {
          status = null,
          error,
          retryAfter,
          ms = 5,
          excerpt,
        } = typeof given === "number" ? { status: given } : given;
        const failed = status === null || status < 200 || status > 299;
        return {
          status,
          error: error ?? (failed ? "http_error" : null),
          latency_ms: ms,
          retryAfter,
          ...(excerpt && { excerpt }),
        };
      },
      standing: async ({ subscription_id }) => targets.get(subscription_id)?.status ?? "removed",
      suspect: ({ tenant, subscription_id }) => void circuitPorts.suspect(tenant, subscription_id),
      payloads: async (_, delivery) => (offset) => delivery.events[offset]!,
    },
    firstLane: (record) => record.eventSourceARN === "delivery",
    async read(wanted) {
      strike("read");
      return readStored(wanted, async (keys) =>
        keys.map((key) => items.get(keyText(key))).filter((item) => item !== undefined),
      );
    },
    fetchBody: async () => undefined,
    async putItems(all) {
      const fault = faults.get("record") ?? faults.get("record all but the first");
      const done = fault === undefined ? all.length : faults.delete("record all but the first") ? 1 : 0;
      faults.delete("record");
      for (const item of all.slice(0, done)) put(item);
      return all.map((_, at) => (at < done ? undefined : fault));
    },
    async replaceItem(before, after) {
      strike("record");
      const current = items.get(keyOf(after));
      const unchanged = JSON.stringify(current) === JSON.stringify(before && encodeDeliveryItem(before));
      const replaced = current === undefined ? undefined : decodeDeliveryItem(current);
      const wanted = unchanged || replaced === undefined ? after : merge(before, after, replaced);
      put(wanted);
      return moveOf(replaced, wanted);
    },
    async retry(messages) {
      strike("retry");
      send("retry", messages);
    },
    countUsage: async (all) => void facts.push(...all),
    stop: async (_, id) => void stopped.push(id),
    tell: async (news) => void told.push(news),
    giveBack: givingBack({
      log: () => {},
      dice: options.dice ?? (() => 0.999),
      async hide(entries) {
        for (const { record, seconds } of entries)
          queue.find(({ id }) => id === record.messageId)!.visibleAt = clock + seconds * 1_000;
      },
      async bury(damaged) {
        dead.push(...damaged.map(({ messageId }) => messageId));
        return damaged.map(() => undefined);
      },
    }),
    service: (async (request: { op: string; subscription_id: string }) => {
      service.push(request);
      if (request.op === "remove") targets.set(request.subscription_id, null);
      if (request.op === "disable")
        targets.set(request.subscription_id, { ...targets.get(request.subscription_id)!, status: "disabled" });
      return { answer: { done: true }, bytes: 0 };
    }) as never,
    async tellOwner(_, level) {
      strike("tell");
      notices.push(level);
    },
  };

  /** Hands what is visible to deliver, at most ten messages of one queue, customers in turns. @returns false when nothing was */
  async function step(from?: Queued["queue"]): Promise<boolean> {
    const ready = queue.filter((entry) => entry.visibleAt <= clock && (from === undefined || entry.queue === from));
    const lane = ready[0]?.queue;
    const turns = new FairQueue<Queued>();
    for (const entry of ready) if (entry.queue === lane) turns.push(entry.group, entry);
    const batch = Array.from({ length: Math.min(10, turns.size) }, () => turns.shift()!);
    if (batch.length === 0) return false;
    for (const entry of batch) {
      entry.receives += 1;
      entry.visibleAt = clock + VISIBILITY_MS;
    }
    const Records = batch.map(
      ({ id, text, queue: source, receives }) =>
        ({
          messageId: id,
          body: text,
          eventSourceARN: source,
          attributes: { ApproximateReceiveCount: String(receives) },
        }) as SQSRecord,
    );
    const { batchItemFailures } = await deliver({ Records }, ports);
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    if (faults.has("delete")) {
      faults.delete("delete");
      return true;
    }
    for (const entry of batch) if (!failed.has(entry.id)) queue.splice(queue.indexOf(entry), 1);
    return true;
  }

  const world = {
    posts,
    logs,
    notices,
    stopped,
    /** Ids of the messages that went to the dead-letter queue. */
    dead,
    service,
    queue,
    items,
    circuits,
    facts,
    failures,
    told,
    well,
    targets,
    faults,
    /** What is remembered of circuits from now on; undefined: what they are. */
    remember: (seen: ReadonlyMap<string, Circuit> | undefined) => {
      circuitsSeen = seen;
    },
    ports,
    step,
    now: () => clock,
    answers(next: (request: PostRequest, nth: number) => Answer | Promise<Answer>) {
      answer = next;
    },
    subscribe(more: Partial<DeliveryTarget> = {}): DeliveryTarget {
      const target: DeliveryTarget = {
        subscription_id: SUB,
        version: 1,
        event_selector: "*",
        tenant: TENANT,
        environment: "live",
        webhook_url: "https://hooks.example.com/in",
        format: "event",
        max_batch: 100,
        headers: {},
        status: "active",
        secrets: [{ secret: SECRET }],
        ...more,
      };
      targets.set(target.subscription_id, target);
      return target;
    },
    /** Stores a batch and queues its delivery, as route does. @returns its first ULID */
    accept(
      payloads: readonly object[],
      more: {
        subscription_id?: string;
        inline?: boolean;
        traceparent?: string;
        hops?: number;
        indexes?: number[];
      } = {},
    ): string {
      const { subscription_id = SUB, inline = true, indexes = payloads.map((_, at) => at) } = more;
      const count = payloads.length;
      const first = newUlid(clock, count);
      const body = { inline: pack(payloads.map((payload) => Buffer.from(JSON.stringify(payload)))) };
      const types = payloads.map((payload) => (payload as { event_type?: string }).event_type ?? null);
      const trace = {
        ...defined({ traceparent: more.traceparent, hops: more.hops }),
      };
      const batch: BatchItem = {
        ...{ tenant: TENANT, first, count, types, key_id: "key_1", body, matched: { [subscription_id]: indexes } },
        ...{ snapshot_version: 1, routed_at: clock, acknowledged: {}, deleted: [], expiry: 2_000_000_000 },
        ...trace,
      };
      items.set(keyText(batchKey(TENANT, first)), encodeBatch(batch));
      const text = encodeDelivery({
        ...{ tenant: TENANT, subscription_id, first, count, indexes, attempts: 0, types, ...trace },
        ...(inline ? { body } : {}),
      });
      send("delivery", [{ text, group: TENANT }]);
      return first;
    },
    send,
    delivery(first: string, subscription_id = SUB): DeliveryItem | undefined {
      const item = items.get(keyText(deliveryKey({ tenant: TENANT, first, subscription_id })));
      return item === undefined ? undefined : decodeDeliveryItem(item);
    },
    /** Works off all that is visible, without moving the clock. */
    async settle(): Promise<void> {
      for (let more = true; more; ) more = await step();
    },
    advance(ms: number) {
      clock += ms;
    },
    /** Moves the clock from event to event until `until`, sweeping every minute where told to. */
    async run(until: number, sweepEvery = 60_000): Promise<void> {
      let nextSweep = clock + sweepEvery;
      for (;;) {
        await world.settle();
        const next = Math.min(nextSweep, ...queue.map(({ visibleAt }) => visibleAt).filter((at) => at > clock));
        if (next > until) break;
        clock = next;
        if (clock === nextSweep) {
          await world.sweep();
          nextSweep += sweepEvery;
        }
      }
      clock = Math.max(clock, until);
    },
    sweep: (faulty: Partial<Parameters<typeof sweep>[0]> = {}) =>
      sweep({
        log: ports.log,
        now: () => clock,
        async *due(partition, until) {
          const all = [...items.values(), ...[...circuits.values()].map(encodeCircuit)];
          yield all
            .filter((item) => item.due_pk?.S === partition && Number(item.next_attempt_at?.N) <= until)
            .sort((a, b) => Number(a.next_attempt_at!.N) - Number(b.next_attempt_at!.N));
        },
        async claim(item, until) {
          if (item.sk!.S!.startsWith("c#")) return true;
          const key = keyText(item);
          const current = items.get(key);
          if (current?.next_attempt_at?.N !== item.next_attempt_at?.N || current?.due_pk === undefined) return false;
          items.set(key, { ...current, next_attempt_at: { N: String(until) } });
          return true;
        },
        retry: async (messages) => send("retry", messages),
        ...faulty,
      }),
    /** The messages that wait, as deliver reads them. */
    waiting: () => queue.map(({ text, visibleAt }) => ({ ...decodeDeliver(text), in_ms: visibleAt - clock })),
  };
  return world;
}
const VISIBILITY_MS = 360_000;
