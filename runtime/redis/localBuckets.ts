import { LRUCache } from "lru-cache";
import type { Verdict } from "./limiter.ts";

interface Bucket {
  tokens: number;
  at: number;
}

/** Customers whose buckets are kept; who falls out begins with a full one. */
const MAX_BUCKETS = 10_000;

/** A token bucket a tenant, of one second's limit, within this instance alone: what is left of a limit without Redis. */
export class LocalBuckets {
  private readonly buckets = new LRUCache<string, Bucket>({ max: MAX_BUCKETS });

  take(tenant: string, limit: number, cost: number, now: number): Verdict {
    const bucket = this.buckets.get(tenant) ?? { tokens: limit, at: now };
    bucket.tokens = Math.min(limit, bucket.tokens + (Math.max(0, now - bucket.at) * limit) / 1_000);
    bucket.at = now;
    this.buckets.set(tenant, bucket);
    const allowed = cost <= bucket.tokens;
    const retryAfterMs = cost > limit ? Number.POSITIVE_INFINITY : Math.ceil(((cost - bucket.tokens) * 1_000) / limit);
    if (allowed) bucket.tokens -= cost;
    return {
      allowed,
      limit,
      remaining: Math.floor(bucket.tokens),
      resetSeconds: 1,
      retryAfterMs: allowed ? 0 : retryAfterMs,
      by: "local",
    };
  }
}
