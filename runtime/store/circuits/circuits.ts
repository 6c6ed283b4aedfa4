import { addOnce, deleteItem, getItem, queryAll, type Table, updateItem, updateOnce } from "../../aws/tables.ts";
import { N, S, VERSION } from "../../domain/codec/fields.ts";
import { defined, mapDefined } from "../../domain/defined.ts";
import type { Tenant } from "../../domain/identity/identity.ts";
import type { Millis, Seconds } from "../../domain/time.ts";
import { circuitKey, circuitPartition, duePartition } from "../keys.ts";
import { readable } from "../readable.ts";
import { type Circuit, decodeCircuit } from "./circuitItem.ts";

/** Circuits in the events table. Each change is made to the stored item, so that those of several invocations add up. */

/** Whose circuit. */
export type Endpoint = Pick<Circuit, "tenant" | "subscription_id">;

const keyOf = ({ tenant, subscription_id }: Endpoint) => circuitKey(tenant, subscription_id);

/** The circuits of a tenant's failing endpoints by subscription id. */
export async function readCircuits(events: Table, tenant: Tenant): Promise<Map<string, Circuit>> {
  const items = await queryAll(events, {
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": S(circuitPartition(tenant)) },
    consistency: "strong",
  });
  return new Map(readable(items, decodeCircuit).map((circuit) => [circuit.subscription_id, circuit]));
}

export async function readCircuit(events: Table, endpoint: Endpoint): Promise<Circuit | undefined> {
  return mapDefined(await getItem(events, keyOf(endpoint), "strong"), decodeCircuit);
}

/** Adds failures in a row. @returns the circuit after it; undefined where another has removed it since */
export async function addFailures(
  events: Table,
  endpoint: Endpoint,
  {
    failures,
    slow,
    now,
    expiry,
  }: { readonly failures: number; readonly slow: boolean; readonly now: Millis; readonly expiry: Seconds },
): Promise<Circuit | undefined> {
  const item = await addOnce(events, keyOf(endpoint), {
    UpdateExpression:
      "SET v = :v, slow = :slow, expires_at = :x, failing_since = if_not_exists(failing_since, :now) ADD failures :n",
    ExpressionAttributeValues: {
      ":v": N(VERSION),
      ":n": N(failures),
      ":slow": { BOOL: slow },
      ":now": N(now),
      ":x": N(expiry),
    },
    ReturnValues: "ALL_NEW",
  });
  return item === undefined ? await readCircuit(events, endpoint) : decodeCircuit(item);
}

/** Marks an endpoint as slow though it has not failed yet. @returns the circuit after it */
export async function markSlow(events: Table, endpoint: Endpoint, expiry: Seconds): Promise<Circuit> {
  const item = await updateItem(events, keyOf(endpoint), {
    UpdateExpression: "SET v = :v, slow = :slow, expires_at = :x, failures = if_not_exists(failures, :none)",
    ExpressionAttributeValues: { ":v": N(VERSION), ":slow": { BOOL: true }, ":x": N(expiry), ":none": N(0) },
    ReturnValues: "ALL_NEW",
  });
  return decodeCircuit(item!);
}

/** @returns the circuit as it was last; undefined where there was none, or none that can be read */
export async function removeCircuit(events: Table, endpoint: Endpoint): Promise<Circuit | undefined> {
  const old = await deleteItem(events, keyOf(endpoint), { ReturnValues: "ALL_OLD" });
  return old?.pk === undefined ? undefined : readable([old], decodeCircuit)[0];
}

/**
 * Opens the circuit, or sets its next probe, unless another invocation has done so since it was read.
 * @param times milliseconds: now, of the next probe, and from when on the sweeper sends it if its own message got lost
 * @returns the circuit after it; undefined where another has done so
 */
export async function openCircuit(
  events: Table,
  circuit: Circuit,
  { now, next_probe_at, due_at }: { readonly now: Millis; readonly next_probe_at: Millis; readonly due_at: Millis },
): Promise<Circuit | undefined> {
  const was = circuit.next_probe_at;
  const item = await updateOnce(events, keyOf(circuit), {
    UpdateExpression:
      "SET opened_at = if_not_exists(opened_at, :now), next_probe_at = :at, next_attempt_at = :due, due_pk = :pk, probes = :n",
    ConditionExpression:
      was === undefined ? "attribute_exists(pk) AND attribute_not_exists(next_probe_at)" : "next_probe_at = :was",
    ExpressionAttributeValues: {
      ":now": N(now),
      ":at": N(next_probe_at),
      ":due": N(due_at),
      ":pk": S(duePartition(circuit.subscription_id)),
      ":n": N((circuit.probes ?? -1) + 1),
      ...defined({ ":was": mapDefined(was, N) }),
    },
    ReturnValues: "ALL_NEW",
  });
  return mapDefined(item, decodeCircuit);
}

/** Closes a circuit that is still there, and leaves it this many failures. */
export const closeCircuit = (events: Table, circuit: Circuit, failures: number): Promise<void> =>
  changeExisting(
    events,
    circuit,
    "SET failures = :n REMOVE opened_at, next_probe_at, next_attempt_at, due_pk",
    failures,
  );

/** Remembers of a circuit that is still there that its owner was warned at this percentage. */
export const setAlerted = (events: Table, circuit: Circuit, level: number): Promise<void> =>
  changeExisting(events, circuit, "SET alerted = :n", level);

async function changeExisting(events: Table, endpoint: Endpoint, expression: string, n: number): Promise<void> {
  await updateItem(events, keyOf(endpoint), {
    UpdateExpression: expression,
    ConditionExpression: "attribute_exists(pk)",
    ExpressionAttributeValues: { ":n": N(n) },
  });
}
