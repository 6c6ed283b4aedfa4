import type { Tenant } from "../domain/identity/identity.ts";
import { isUlid, timeOf } from "../domain/ids.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import { removeObjects } from "./removeObjects.ts";
import type { Tools } from "./work.ts";

/**
 * Removing payload objects whose events have expired. DynamoDB removes expired items by itself; what they point at has to be looked for. A
 * key begins with the tenant and the first ULID of the batch, so a listing gives the oldest first.
 */

/** Beyond the retention: a reader that finds an item just before it expires finds its payload too. */
const LONGER_MS = DAY_MS;
/** Time for one tenant; the rest is removed on the next day. */
const TENANT_MS = 60_000;

/** When the request of a payload object was accepted, milliseconds; undefined for a foreign key. */
function acceptedAt(tenant: Tenant, key: string): Millis | undefined {
  const first = key.slice(tenant.length + 1, tenant.length + 27);
  return isUlid(first) ? timeOf(first) : undefined;
}

/** @param days of the customer's retention @returns how many were removed */
export async function removeExpiredPayloads(tools: Tools, tenant: Tenant, days: number): Promise<number> {
  const { s3, payloadBucket } = tools.store;
  const [until, expired] = [tools.now() + TENANT_MS, tools.now() - days * DAY_MS - LONGER_MS];
  const isOld = (key: string) => (acceptedAt(tenant, key) ?? Number.POSITIVE_INFINITY) < expired;
  // Pages after one with a young object hold later requests.
  const goesOn = (kept: number) => kept === 0 && tools.now() < until;
  const removed = await removeObjects(s3, payloadBucket, `${tenant}/`, isOld, goesOn);
  if (removed > 0) tools.log("info", "retain.payloads_removed", { tenant, removed, retention_days: days });
  return removed;
}
