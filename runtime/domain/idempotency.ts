import { createHash } from "node:crypto";
import type { Tenant } from "./identity.ts";

/**
 * The name of an `Idempotency-Key` wherever it is kept: never the key itself, which may name a person. It goes with its
 * batch, so that whoever erases events finds their entry in Redis without an index of its own.
 */
export const keyHashOf = (key: string): string => createHash("sha256").update(key).digest("base64url");

/** Prefix of a tenant's entries. The braces keep them in one slot of a cluster. */
export const entriesOf = (tenant: Tenant): string => `idempotency:{${tenant}}:`;

/** What erasure asks of the function that reaches Redis. */
export type ForgetRequest =
  /** The entries of these keys, where they are still those of the requests whose first ULIDs are given; at most 1,000. */
  | {
      readonly tenant: Tenant;
      readonly entries: readonly { readonly key_hash: string; readonly first: string }[];
    }
  /** All entries of requests accepted at or before this time (milliseconds), from a cursor on. */
  | { readonly tenant: Tenant; readonly until: number; readonly cursor?: string };

export interface Forgotten {
  /** Entries that are gone by this call. */
  readonly removed: number;
  /** Hashes of keys whose first request is still being carried out: their entries are left, to be asked for again. */
  readonly in_flight: readonly string[];
  /** Where to go on; null at the end. */
  readonly next_cursor: string | null;
}
