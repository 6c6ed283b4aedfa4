import { entriesOf, type ForgetRequest, type Forgotten } from "../domain/idempotency.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { firstUlidAt, type Ulid } from "../domain/ids.ts";
import type { Millis } from "../domain/time.ts";
import type { RedisConnection } from "../redis/connect.ts";

/**
 * Removes idempotency entries of erased requests.
 *
 * Invariant: an entry whose request may still be under way stays, for without it a repeat would make a second set of
 * events. It is told instead, and asked for again once its lease is over.
 */

/** Entries removed in one atomic step, keys asked of Redis at once: neither keeps others waiting for long. */
const AT_ONCE = 100;
const PAGE = 1_000;
const PATIENCE_MS = 2_000;

/** KEYS: records of one tenant. ARGV: now, then the first ULID that each must have. Answers an outcome for each. */
export const FORGET_SCRIPT = `
local outcomes = {}
for i, key in ipairs(KEYS) do
  local r = redis.call('HMGET', key, 'first', 'lease', 'answer')
  if r[1] ~= ARGV[i + 1] then outcomes[i] = 'absent'
  elseif not r[3] and tonumber(r[2]) > tonumber(ARGV[1]) then outcomes[i] = 'in_flight'
  else
    redis.call('DEL', key)
    outcomes[i] = 'removed'
  end
end
return outcomes
`;

interface Named {
  readonly key_hash: string;
  readonly first: Ulid;
}

async function forgetNamed(
  redis: RedisConnection,
  tenant: Tenant,
  entries: readonly Named[],
  now: Millis,
): Promise<{ removed: number; in_flight: string[] }> {
  let removed = 0;
  const in_flight: string[] = [];
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const some = entries.slice(at, at + AT_ONCE);
    const keys = some.map(({ key_hash }) => entriesOf(tenant) + key_hash);
    const outcomes = await redis.run("forget", keys, [now, ...some.map(({ first }) => first)], PATIENCE_MS);
    for (const [i, outcome] of (outcomes as string[]).entries()) {
      if (outcome === "removed") removed += 1;
      if (outcome === "in_flight") in_flight.push(some[i]!.key_hash);
    }
  }
  return { removed, in_flight };
}

/**
 * @param deadline milliseconds at which a walk through all entries stops, to be gone on with at its cursor
 * @throws Error when Redis can't be reached
 */
export async function forget(
  redis: RedisConnection,
  request: ForgetRequest,
  now: () => Millis,
  deadline: number,
): Promise<Forgotten> {
  const { tenant } = request;
  if ("entries" in request) return { ...(await forgetNamed(redis, tenant, request.entries, now())), next_cursor: null };
  const prefix = entriesOf(tenant);
  const bound = firstUlidAt(request.until + 1);
  let removed = 0;
  const in_flight: string[] = [];
  let cursor = request.cursor ?? "0";
  do {
    const page = await redis.command("SCAN", [cursor, "MATCH", `${prefix}*`, "COUNT", PAGE], PATIENCE_MS);
    const [next, keys] = page as [string, string[]];
    const firsts = await Promise.all(keys.map((key) => redis.command("HGET", [key, "first"], PATIENCE_MS)));
    const old = keys.flatMap((key, i): Named[] => {
      const first = firsts[i] as string | null;
      return first !== null && first < bound ? [{ key_hash: key.slice(prefix.length), first }] : [];
    });
    const outcome = await forgetNamed(redis, tenant, old, now());
    removed += outcome.removed;
    in_flight.push(...outcome.in_flight);
    cursor = next;
  } while (cursor !== "0" && now() < deadline);
  return { removed, in_flight, next_cursor: cursor === "0" ? null : cursor };
}
