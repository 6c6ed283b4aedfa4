import type { Identity, Tenant } from "../domain/identity/identity.ts";
import type { Millis } from "../domain/time.ts";
import type { RedisConnection } from "./connect.ts";

/**
 * Texts of keys that a rotation ended: the edge may hold a key's record for a minute, and would let the old text pass as
 * long. So the end of a version is marked here too, for a little longer, and the functions ask with the limits, in the same
 * step. While Redis is away the edge alone decides: then an ended text works for a minute at most.
 */

/** Until every edge has read the record anew. */
export const EDGES_KNOW_MS = 70_000;
const PATIENCE_MS = 1_000;

const markOf = (tenant: Tenant, keyId: string, version: number): string => `ended:{${tenant}}:${keyId}:${version}`;

/** The mark of the text that a caller used, where the edge says which it was. */
export const markFor = ({ key_id, key_version }: Identity, tenant: Tenant): string | undefined =>
  key_version === undefined ? undefined : markOf(tenant, key_id, key_version);

export type EndVersion = (tenant: Tenant, keyId: string, version: number, endsAt: Millis) => Promise<void>;

/** @returns marks that a version of a key, named by when it was made, ends at a time; both in ms since the epoch */
export const endVersionsIn =
  (redis: Pick<RedisConnection, "command">, now: () => Millis): EndVersion =>
  async (tenant, keyId, version, endsAt) => {
    const ms = Math.max(0, endsAt - now()) + EDGES_KNOW_MS;
    await redis.command("SET", [markOf(tenant, keyId, version), endsAt, "PX", ms], PATIENCE_MS);
  };
