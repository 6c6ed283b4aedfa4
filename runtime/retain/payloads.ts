import { DeleteObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { mapConcurrently } from "../domain/concurrently.ts";
import { defined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { isUlid, timeOf } from "../domain/ids.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import type { Tools } from "./work.ts";

/**
 * Removing payload objects whose events have expired. DynamoDB removes expired items by itself; what they point at has to be looked for. A
 * key begins with the tenant and the first ULID of the batch, so a listing gives the oldest first.
 */

const AT_ONCE = 16;
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
  let removed = 0;
  let after: string | undefined;
  do {
    const { Contents = [], IsTruncated } = await s3.send(
      new ListObjectsV2Command({ Bucket: payloadBucket, Prefix: `${tenant}/`, ...defined({ StartAfter: after }) }),
    );
    const old = Contents.filter(({ Key }) => (acceptedAt(tenant, Key!) ?? Number.POSITIVE_INFINITY) < expired);
    await mapConcurrently(old, AT_ONCE, ({ Key }) => s3.send(new DeleteObjectCommand({ Bucket: payloadBucket, Key })));
    removed += old.length;
    // Later pages hold later requests.
    after = IsTruncated === true && old.length === Contents.length ? Contents.at(-1)?.Key : undefined;
  } while (after !== undefined && tools.now() < until);
  if (removed > 0) tools.log("info", "retain.payloads_removed", { tenant, removed, retention_days: days });
  return removed;
}
