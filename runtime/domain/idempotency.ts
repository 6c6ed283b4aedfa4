import { createHash } from "node:crypto";
import { TriggersError } from "./errors/errors.ts";
import type { Tenant } from "./identity/identity.ts";
import type { Ulid } from "./ids.ts";
import type { Millis } from "./time.ts";

/**
 * The name of an `Idempotency-Key` wherever it is kept: never the key itself, which may name a person. It goes with its
 * batch, so that an erasure finds their entry in Redis without an index of its own.
 */
export const keyHashOf = (key: string): string => createHash("sha256").update(key).digest("base64url");

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The caller's key, if there is one. @throws TriggersError `invalid_request` */
export function idempotencyKeyIn(value: string | undefined): string | undefined {
  if (value === undefined || KEY.test(value)) return value;
  const message = "`Idempotency-Key` must be 1 to 255 printable ASCII characters.";
  throw new TriggersError("invalid_request", message, { details: [{ path: "Idempotency-Key", message }] });
}

/** A string, or whitespace between tokens; of valid JSON, nothing else begins with these characters. */
const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|[ \t\n\r]+/g;

/**
 * What tells two bodies apart under one key: the text, its insignificant whitespace aside. So a body that was laid out anew
 * is the same; one whose members stand in another order, or whose number is written differently, is another.
 * @param body valid JSON, or empty
 * @param call what the body is sent to, where that is not `POST /events`
 */
export function bodyHashOf(body: Uint8Array, call = ""): string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  const compact = text.replace(STRING_OR_SPACE, (token) => (token.startsWith('"') ? token : ""));
  return createHash("sha256").update(call).update(compact, "latin1").digest("base64url");
}

/** Prefix of a tenant's entries. The braces keep them in one slot of a cluster. */
export const entriesOf = (tenant: Tenant): string => `idempotency:{${tenant}}:`;

/** What erasure asks of the function that reaches Redis. */
export type ForgetRequest =
  /** The entries of these keys, where they are still those of the requests whose first ULIDs are given; at most 1,000. */
  | {
      readonly tenant: Tenant;
      readonly entries: readonly { readonly key_hash: string; readonly first: Ulid }[];
    }
  /** All entries of requests accepted at or before this time (milliseconds), from a cursor on. */
  | { readonly tenant: Tenant; readonly until: Millis; readonly cursor?: string };

export interface Forgotten {
  /** Entries that are gone by this call. */
  readonly removed: number;
  /** Hashes of keys whose first request is still being carried out: their entries are left, to be asked for again. */
  readonly in_flight: readonly string[];
  /** Where to go on; null at the end. */
  readonly next_cursor: string | null;
}
