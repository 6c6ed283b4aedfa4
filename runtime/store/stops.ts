import { putItem, queryAll, type Table } from "../aws/tables.ts";
import { S } from "../domain/codec/fields.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { type Millis, secondsOf } from "../domain/time.ts";
import { STOPS, stopKey, stopSortKey } from "./keys.ts";

/**
 * Subscriptions whose posts must stop at once: a stage that disables or removes a subscription writes it here before
 * answering, and a stage that posts reads the stops of the last seconds, once for all customers. So no post begins later
 * than a second after the answer, while definitions themselves are remembered for longer. One partition of the events
 * table holds all of them, for they are few, and short-lived: a query finds nothing most of the time, and costs one read unit.
 */
export interface Stop {
  readonly tenant: Tenant;
  /** Undefined: all of the tenant's. */
  readonly subscription_id: string | undefined;
  /** Tells it from others. */
  readonly key: string;
}

/** Nobody asks for older ones; the table's expiry takes them away. */
const KEEP_SECONDS = 3_600;
/** How far back readers look: clocks of two machines differ by less. */
const LOOK_BACK_MS = 10_000;

/** Tells that a subscription's definition has changed so that posts must stop, or, without an id, all of a tenant's. */
export async function tellStop(
  events: Table,
  tenant: Tenant,
  subscription_id: string | undefined,
  now: Millis,
): Promise<void> {
  await putItem(events, {
    ...stopKey(now, tenant, subscription_id),
    tenant: { S: tenant },
    ...defined({ subscription_id: mapDefined(subscription_id, S) }),
    expires_at: { N: String(secondsOf(now) + KEEP_SECONDS) },
  });
}

/** The stops of the last seconds. */
export async function recentStops(events: Table, now: Millis): Promise<Stop[]> {
  const items = await queryAll(events, {
    KeyConditionExpression: "pk = :pk AND sk >= :from",
    ExpressionAttributeValues: { ":pk": { S: STOPS }, ":from": { S: stopSortKey(now - LOOK_BACK_MS) } },
    consistency: "strong",
  });
  return items.map(({ tenant, subscription_id, sk }) => ({
    tenant: tenant!.S as Tenant,
    subscription_id: subscription_id?.S,
    key: sk!.S!,
  }));
}
