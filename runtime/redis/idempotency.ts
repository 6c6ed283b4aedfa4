import { TriggersError } from "../domain/errors/errors.ts";
import { entriesOf } from "../domain/idempotency.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Ulid } from "../domain/ids.ts";
import { DAY_MS, type Millis } from "../domain/time.ts";
import type { RedisScripts } from "./connect.ts";
import type { Room } from "./room.ts";

/**
 * What became of a request that carries an `Idempotency-Key`.
 *
 * Invariant: requests with one key and one body never make two sets of events. Upheld by the *first ULID*, which is
 * written with the claim, before anything is sent, and stays with it: an instance that takes over after a crash or a failed send
 * sends the same events under the same ids, which every later stage stores over themselves. A claim forgotten (`drop`)
 * is one of which it is certain that nothing was sent under it.
 */

/** Milliseconds after which a claim may be taken over if its holder has not renewed it. Longer than ingest's timeout. */
export const LEASE_MS = 15_000;
export const KEPT_MS = DAY_MS;
/** The wait for Redis is longer than the limiter's: every keyed request needs its answer. */
const PATIENCE_MS = 1_000;

export type Claim =
  /** Ours to process, under these ids. `fresh`: nobody can have sent anything under them yet. */
  | { readonly kind: "claimed"; readonly first: Ulid; readonly fresh: boolean }
  | { readonly kind: "replay"; readonly first: Ulid; readonly answer: string }
  | { readonly kind: "conflict" }
  | { readonly kind: "in_flight" };

export interface ClaimRequest {
  readonly tenant: Tenant;
  /** `keyHashOf` the caller's key. */
  readonly keyHash: string;
  /** Of the decoded body. */
  readonly bodyHash: string;
  /** The ids to use if the key is new. */
  readonly first: Ulid;
  /** Unique to this request, so that a repeated command is recognised as its own. */
  readonly token: string;
  readonly now: Millis;
  /** How long the holder may be silent. @default LEASE_MS */
  readonly leaseMs?: Millis;
}

/** KEYS: the record. ARGV: body hash, first ULID, token, now, lease end, milliseconds to keep. */
export const CLAIM_SCRIPT = `
local r = redis.call('HMGET', KEYS[1], 'hash', 'first', 'token', 'lease', 'answer')
local now = tonumber(ARGV[4])
local held = r[1] and (r[5] or tonumber(r[4]) > now)
if r[1] and r[1] ~= ARGV[1] and held then return {'conflict', ''} end
if r[1] == ARGV[1] then
  if r[5] then return {'replay', r[2], r[5]} end
  if r[3] == ARGV[3] then return {'taken', r[2]} end
  if held then return {'in_flight', ''} end
  redis.call('HSET', KEYS[1], 'token', ARGV[3], 'lease', ARGV[5])
  return {'taken', r[2]}
end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'first', ARGV[2], 'token', ARGV[3], 'lease', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {'fresh', ARGV[2]}
`;

/** KEYS: the record. ARGV: token, what (`done`, `free` or `drop`), answer, milliseconds to keep. */
export const SETTLE_SCRIPT = `
if ARGV[2] == 'done' then
  if redis.call('HGET', KEYS[1], 'first') == ARGV[5] then
    redis.call('HSET', KEYS[1], 'answer', ARGV[3])
    redis.call('HDEL', KEYS[1], 'token', 'lease')
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
  end
elseif redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
  if ARGV[2] == 'drop' then redis.call('DEL', KEYS[1]) else redis.call('HSET', KEYS[1], 'lease', '0') end
end
return 1
`;

/** Seconds after which a repeat is worth trying. */
const SOON = { "retry-after": "1" };

/**
 * Claims the key, or tells what to answer again.
 * @throws TriggersError `idempotency_conflict`, `idempotency_in_flight`, or `unavailable`: then nothing may be done
 */
export async function claimed(
  store: Pick<IdempotencyStore, "claim">,
  request: ClaimRequest,
): Promise<Extract<Claim, { kind: "claimed" | "replay" }>> {
  const claim = await store.claim(request).catch((cause: unknown) => {
    const message = "Idempotency keys can't be checked at the moment; nothing was accepted.";
    throw new TriggersError("unavailable", message, { headers: SOON, cause });
  });
  if (claim.kind === "conflict") {
    throw new TriggersError("idempotency_conflict", "This `Idempotency-Key` was used before with another body.");
  }
  if (claim.kind === "in_flight") {
    const message = "The first request with this `Idempotency-Key` is still being processed.";
    throw new TriggersError("idempotency_in_flight", message, { headers: SOON });
  }
  return claim;
}

const recordOf = ({ tenant, keyHash }: Pick<ClaimRequest, "tenant" | "keyHash">): string => entriesOf(tenant) + keyHash;

export class IdempotencyStore {
  private readonly redis: RedisScripts;
  private readonly room: Room;
  /** @param room whether a claim may be written. @default always */
  constructor(redis: RedisScripts, room: Room = { left: () => true }) {
    this.redis = redis;
    this.room = room;
  }

  /**
   * One atomic step.
   * @throws when Redis can't be reached, or is so full that the remaining memory belongs to the limits: the request must be refused then
   */
  async claim(request: ClaimRequest): Promise<Claim> {
    if (!this.room.left()) throw new Error("the cache is nearly full");
    const { bodyHash, first, token, now, leaseMs = LEASE_MS } = request;
    const args = [bodyHash, first, token, now, now + leaseMs, KEPT_MS];
    const answer = await this.redis.run("claim", [recordOf(request)], args, PATIENCE_MS);
    const [kind, value, kept = ""] = answer as [string, string, string?];
    if (kind === "replay") return { kind, first: value, answer: kept };
    if (kind === "conflict" || kind === "in_flight") return { kind };
    return { kind: "claimed", first: value, fresh: kind === "fresh" };
  }

  /**
   * The request is durable: from now on its result belongs to the key.
   * @param answer the part that does not follow from the first ULID and a repeat of the request; "" where all of it follows
   */
  async done(request: ClaimRequest, first: Ulid, answer: string): Promise<void> {
    await this.redis.run("settle", [recordOf(request)], [request.token, "done", answer, KEPT_MS, first], PATIENCE_MS);
  }

  /** Refused or failed. `drop` only when certainly nothing was sent under the claim's ids, else `free` for a retry. */
  async release(request: ClaimRequest, how: "drop" | "free"): Promise<void> {
    await this.redis.run("settle", [recordOf(request)], [request.token, how, "", 0, ""], PATIENCE_MS);
  }
}
