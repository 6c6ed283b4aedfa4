import type { Tenant } from "../domain/identity/identity.ts";
import type { Millis } from "../domain/time.ts";
import type { RedisConnection } from "./connect.ts";

/**
 * Which version of a tenant's schemas the subscriptions service named last, to any environment of ingest. Who finds a note asks the service
 * nothing, so that the service's load follows the tenants, and not the environments: at 1,000 single events a second there are sixty of these.
 * A note is as old as `NOTED_MS` at most, counted from the moment when its question was sent.
 */
export const NOTED_MS = 1_500;
const PATIENCE_MS = 100;

export interface SchemaNotes {
  /** The noted versions; none while Redis is away. */
  read(tenants: readonly Tenant[]): Promise<ReadonlyMap<Tenant, number>>;
  /** Notes what the service said. @param agoMs how long ago it was asked */
  write(versions: ReadonlyMap<Tenant, number>, agoMs: Millis): void;
}

const keyOf = (tenant: Tenant): string => `schemas:{${tenant}}`;

export function schemaNotesIn(redis: Pick<RedisConnection, "command">): SchemaNotes {
  return {
    async read(tenants) {
      try {
        const noted = (await redis.command("MGET", tenants.map(keyOf), PATIENCE_MS)) as readonly (string | null)[];
        return new Map(
          tenants.flatMap((tenant, i) => (typeof noted[i] === "string" ? [[tenant, Number(noted[i])] as const] : [])),
        );
      } catch {
        return new Map();
      }
    },
    write(versions, agoMs) {
      const ms = NOTED_MS - Math.ceil(agoMs);
      if (ms <= 0) return;
      // Without a note the next environment asks for itself.
      for (const [tenant, version] of versions)
        redis.command("SET", [keyOf(tenant), version, "PX", ms], PATIENCE_MS).catch(() => undefined);
    },
  };
}
