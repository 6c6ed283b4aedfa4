import { DeleteItemCommand, GetItemCommand, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Dynamodb } from "../aws/clients.ts";
import { type Circuit, circuitPartition, circuitSortKey, decodeCircuit, duePartition } from "../domain/codec/index.ts";
import { FreshCache, type Freshness } from "../domain/freshCache.ts";
import type { Tenant } from "../domain/identity/identity.ts";

/**
 * Circuits of failing endpoints, shared by all invocations through one item each. Invariant: an endpoint that is well has no
 * item, so success costs nothing; what an invocation knows of the others is at most 5 s old.
 */
const FRESHNESS: Freshness = { refreshAfter: 2_000, waitAfter: 5_000, serveUntil: 5_000 };
const MAX_TENANTS = 5_000;
/** A circuit that nobody touches any more is forgotten. */
const KEEP_SECONDS = 30 * 86_400;

/** Posts that fail in a row before an endpoint's circuit opens. */
export const OPEN_AFTER = 10;
/** Waits before each probe of an open circuit; the last one repeats. */
export const PROBE_WAITS_MS: readonly number[] = [5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000];
/** After this long without a success the subscription is disabled. */
export const DISABLE_AFTER_MS = 5 * 86_400_000;
/** Percent of that time at which the owner is warned. */
const ALERTS = [50, 70, 90, 100] as const;
/** The sweeper sends the probe if its own message got lost. */
const PROBE_GRACE_MS = 120_000;

export const probeWaitMs = (probes: number): number => PROBE_WAITS_MS[Math.min(probes, PROBE_WAITS_MS.length - 1)] ?? 0;

/** Percent of the way to being disabled, in the steps that are announced; 0 before the first. */
export function alertLevel(failingSince: number, now: number): number {
  const percent = ((now - failingSince) / DISABLE_AFTER_MS) * 100;
  return ALERTS.findLast((level) => percent >= level) ?? 0;
}

export interface Circuits {
  /** Circuits of a tenant's failing endpoints by subscription id. */
  of(tenant: Tenant): Promise<ReadonlyMap<string, Circuit>>;
  /** What is stored now, whatever is remembered. */
  read(tenant: Tenant, subscriptionId: string): Promise<Circuit | undefined>;
  /** Adds failures in a row. @returns the circuit after it */
  failed(tenant: Tenant, subscriptionId: string, failures: number, slow: boolean): Promise<Circuit>;
  /** Marks an endpoint that has not answered for long, though it still may, so that all serve it apart from others. */
  suspect(tenant: Tenant, subscriptionId: string): Promise<void>;
  /** The endpoint is well: forget its circuit. */
  succeeded(tenant: Tenant, subscriptionId: string): Promise<void>;
  /** Opens the circuit, or sets its next probe. @returns false when another invocation did so */
  open(circuit: Circuit, nextProbeAt: number): Promise<boolean>;
  /** Closes the circuit so far that the next failure opens it again: there was nothing to probe it with. */
  halfOpen(circuit: Circuit): Promise<void>;
  /** Remembers that the owner was warned at this percentage. */
  alerted(circuit: Circuit, level: number): Promise<void>;
}

export function circuitStore(dynamodb: Dynamodb, table: string, now: () => number): Circuits {
  const known = new FreshCache<Tenant, Map<string, Circuit>>({
    freshness: FRESHNESS,
    now,
    max: MAX_TENANTS,
    ask: async (asked) => {
      const { key } = asked[0]!;
      return new Map([[key, await readAll(key)]]);
    },
  });
  const keyOf = (tenant: Tenant, id: string) => ({
    pk: { S: circuitPartition(tenant) },
    sk: { S: circuitSortKey(id) },
  });
  const remember = (circuit: Circuit) =>
    known.peek(circuit.tenant)?.set(circuit.subscription_id, circuit) !== undefined;

  async function readAll(tenant: Tenant): Promise<Map<string, Circuit>> {
    const circuits = new Map<string, Circuit>();
    let from: Record<string, never> | undefined;
    do {
      const page: { Items?: never[]; LastEvaluatedKey?: Record<string, never> } = (await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: circuitPartition(tenant) } },
          ConsistentRead: true,
          ...(from && { ExclusiveStartKey: from }),
        }),
      )) as never;
      for (const item of page.Items ?? []) {
        const circuit = decodeCircuit(item);
        circuits.set(circuit.subscription_id, circuit);
      }
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return circuits;
  }

  const expiry = () => ({ N: String(Math.floor(now() / 1_000) + KEEP_SECONDS) });

  /** Changes a circuit unless it is gone by now. */
  async function change({ tenant, subscription_id }: Circuit, expression: string, n: number): Promise<void> {
    try {
      await dynamodb.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyOf(tenant, subscription_id),
          UpdateExpression: expression,
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeValues: { ":n": { N: String(n) } },
        }),
      );
    } catch (error) {
      if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
    }
  }

  return {
    of: async (tenant) => (await known.get(tenant))!,

    async read(tenant, id) {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: table, Key: keyOf(tenant, id), ConsistentRead: true }),
      );
      return Item === undefined ? undefined : decodeCircuit(Item);
    },

    async failed(tenant, id, failures, slow) {
      const { Attributes } = await dynamodb.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyOf(tenant, id),
          UpdateExpression:
            "SET v = :v, slow = :slow, expires_at = :x, failing_since = if_not_exists(failing_since, :now) ADD failures :n",
          ExpressionAttributeValues: {
            ":v": { N: "1" },
            ":n": { N: String(failures) },
            ":slow": { BOOL: slow },
            ":now": { N: String(now()) },
            ":x": expiry(),
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      const circuit = decodeCircuit(Attributes!);
      remember(circuit);
      return circuit;
    },

    async suspect(tenant, id) {
      if (known.peek(tenant)?.get(id)?.slow === true) return;
      const { Attributes } = await dynamodb.send(
        new UpdateItemCommand({
          TableName: table,
          Key: keyOf(tenant, id),
          UpdateExpression: "SET v = :v, slow = :slow, expires_at = :x, failures = if_not_exists(failures, :none)",
          ExpressionAttributeValues: {
            ":v": { N: "1" },
            ":slow": { BOOL: true },
            ":x": expiry(),
            ":none": { N: "0" },
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      remember(decodeCircuit(Attributes!));
    },

    async succeeded(tenant, id) {
      known.peek(tenant)?.delete(id);
      await dynamodb.send(new DeleteItemCommand({ TableName: table, Key: keyOf(tenant, id) }));
    },

    async open(circuit, nextProbeAt) {
      const first = circuit.next_probe_at === undefined;
      try {
        const { Attributes } = await dynamodb.send(
          new UpdateItemCommand({
            TableName: table,
            Key: keyOf(circuit.tenant, circuit.subscription_id),
            UpdateExpression:
              "SET opened_at = if_not_exists(opened_at, :now), next_probe_at = :at, next_attempt_at = :due, due_pk = :pk, probes = :n",
            ConditionExpression: first
              ? "attribute_exists(pk) AND attribute_not_exists(next_probe_at)"
              : "next_probe_at = :was",
            ExpressionAttributeValues: {
              ":now": { N: String(now()) },
              ":at": { N: String(nextProbeAt) },
              ":due": { N: String(nextProbeAt + PROBE_GRACE_MS) },
              ":pk": { S: duePartition(circuit.subscription_id) },
              ":n": { N: String((circuit.probes ?? -1) + 1) },
              ...(first ? {} : { ":was": { N: String(circuit.next_probe_at) } }),
            },
            ReturnValues: "ALL_NEW",
          }),
        );
        remember(decodeCircuit(Attributes!));
        return true;
      } catch (error) {
        if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
        return false;
      }
    },

    async halfOpen(circuit) {
      known.peek(circuit.tenant)?.delete(circuit.subscription_id);
      await change(
        circuit,
        "SET failures = :n REMOVE opened_at, next_probe_at, next_attempt_at, due_pk",
        OPEN_AFTER - 1,
      );
    },

    alerted: (circuit, level) => change(circuit, "SET alerted = :n", level),
  };
}
