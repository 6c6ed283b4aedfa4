import type { Identity } from "../domain/identity.ts";
import { tenantOf } from "../domain/identity.ts";
import type { RedisScripts } from "./connect.ts";
import { LocalBuckets } from "./localBuckets.ts";
import { bucketAt, type Counters, elapsedAt, remaining, WINDOW_MS, waitFor } from "./window.ts";

/**
 * Limits of the customer and, below it, of the key, counted together in one atomic step: a request that either refuses
 * is counted by neither. When Redis is slow or away the request passes, but for a token bucket of this instance.
 * docs/decisions/rate-limit.md says why this is not `@upstash/ratelimit`, which is the oracle of its tests.
 */

/** Longer than this and Redis counts as away for the request. */
const REDIS_PATIENCE_MS = 25;
/** After a failure Redis is left alone for so long. */
export const REDIS_PAUSE_MS = 1_000;

export interface Verdict {
  readonly allowed: boolean;
  /** Of the window that has least left. */
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the current window ends, at least 1. */
  readonly resetSeconds: number;
  /** Milliseconds until the request would pass; 0 when it did, Infinity when its cost alone exceeds the limit. */
  readonly retryAfterMs: number;
  /** Who decided. */
  readonly by: "redis" | "local";
}

/**
 * KEYS: current and previous counter of each window. ARGV: cost, milliseconds into the window, its length, then each
 * limit. Answers whether the cost was counted, then the counters as they were before.
 */
export const WINDOW_SCRIPT = `
local cost = tonumber(ARGV[1])
local window = tonumber(ARGV[3])
local left = window - tonumber(ARGV[2])
local counts = redis.call('MGET', unpack(KEYS))
local answer = {1}
for i = 1, #KEYS, 2 do
  local current = tonumber(counts[i] or 0)
  local previous = tonumber(counts[i + 1] or 0)
  local limit = tonumber(ARGV[3 + (i + 1) / 2])
  if (current + cost - limit) * window + previous * left > 0 then answer[1] = 0 end
  answer[i + 1] = current
  answer[i + 2] = previous
end
if answer[1] == 1 and cost > 0 then
  for i = 1, #KEYS, 2 do
    redis.call('INCRBY', KEYS[i], cost)
    redis.call('PEXPIRE', KEYS[i], 3 * window)
  end
end
return answer
`;

export interface LimiterPorts {
  readonly redis: RedisScripts;
  now(): number;
  /** Redis was slow or away, and why. */
  failedOpen(cause: unknown): void;
}

export class Limiter {
  private readonly ports: LimiterPorts;
  private readonly buckets = new LocalBuckets();
  private pausedUntil = 0;

  constructor(ports: LimiterPorts) {
    this.ports = ports;
  }

  /** Counts `cost` events if they fit; with a cost of 0 only tells what is left. Never throws. */
  async take(identity: Identity, cost: number): Promise<Verdict> {
    const now = this.ports.now();
    const limits = [identity.limit_per_second];
    if (identity.key_limit_per_second !== undefined) limits.push(identity.key_limit_per_second);
    if (now >= this.pausedUntil) {
      try {
        return await this.ask(identity, limits, cost, now);
      } catch (cause) {
        this.pausedUntil = this.ports.now() + REDIS_PAUSE_MS;
        this.ports.failedOpen(cause);
      }
    }
    return this.buckets.take(tenantOf(identity), Math.min(...limits), cost, this.ports.now());
  }

  private async ask(identity: Identity, limits: readonly number[], cost: number, now: number): Promise<Verdict> {
    const bucket = bucketAt(now);
    const elapsed = elapsedAt(now);
    // The braces keep a tenant's counters in one slot of a cluster.
    const tag = `{${tenantOf(identity)}}`;
    const names = [`limit:${tag}`, `limit:${tag}:${identity.key_id}`].slice(0, limits.length);
    const keys = names.flatMap((name) => [`${name}:${bucket}`, `${name}:${bucket - 1}`]);
    const answer = await this.ports.redis.run("window", keys, [cost, elapsed, WINDOW_MS, ...limits], REDIS_PATIENCE_MS);
    const [counted, ...counts] = answer as number[];
    const windows = limits.map(
      (limit, i): Counters => ({ limit, current: counts[2 * i]!, previous: counts[2 * i + 1]! }),
    );
    const allowed = counted === 1;
    const taken = allowed ? cost : 0;
    const left = windows.map((window) => remaining({ ...window, current: window.current + taken }, elapsed));
    const least = left.indexOf(Math.min(...left));
    return {
      allowed,
      limit: limits[least]!,
      remaining: left[least]!,
      resetSeconds: Math.ceil((WINDOW_MS - elapsed) / 1_000),
      retryAfterMs: allowed ? 0 : Math.max(...windows.map((window) => waitFor(window, cost, elapsed))),
      by: "redis",
    };
  }
}
