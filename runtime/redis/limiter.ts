import { ageOf } from "../domain/age.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import type { Identity, KeyLimit } from "../domain/identity/identity.ts";
import { tenantOf } from "../domain/identity/identity.ts";
import type { Millis, Seconds } from "../domain/time.ts";
import type { RedisScripts } from "./connect.ts";
import { markFor } from "./endedVersions.ts";
import { Shares } from "./shares.ts";
import { LATE_MS, remaining, stateIn, waitFor } from "./window.ts";

/**
 * Limits of the customer and, below it, of the key and of limited keys that it descends from, counted together in one atomic step: a request that either refuses
 * is counted by neither. While Redis is away an environment lets its share of the limit pass.
 * docs/decisions/rate-limit.md says what is exact and what it costs.
 */

/** Longer than this and Redis counts as away for the request. */
export const REDIS_PATIENCE_MS = 250;
/** Milliseconds for which Redis is not asked after a failure. */
export const REDIS_PAUSE_MS = 1_000;
/**
 * The least limit of requests that one key may make of the management API, over all routes, and of refused ones of `POST /events`. A
 * larger limit of events is that of requests as well, for who keeps to it may send each event alone, and wrong ones.
 */
export const REQUESTS_PER_SECOND = 1_000;
/** Slots are over, and the bucket holds no more than the limit drains, in less than a second or just one. */
const RESET_SECONDS = 1;

export interface Verdict {
  readonly allowed: boolean;
  /** Of the window that has least left. */
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until all of the limit is there again if nothing else comes. */
  readonly resetSeconds: Seconds;
  /** Milliseconds until the request would pass; 0 when it did, Infinity when its cost alone exceeds the limit. */
  readonly retryAfterMs: Millis;
  /** Who decided. */
  readonly by: "redis" | "local";
  /** The key's text had ended before the edge learnt of it: the request is refused. */
  readonly ended?: true;
}

/** What tells a caller of a limit, on every answer to a key. */
export const limitHeaders = ({ limit, remaining, resetSeconds }: Verdict): Record<string, string> => ({
  "ratelimit-limit": String(limit),
  "ratelimit-remaining": String(remaining),
  "ratelimit-reset": String(resetSeconds),
});

/** What a request of so many events is told that the limit does not let pass. */
export function overLimit({ limit, retryAfterMs }: Verdict, cost: number): TriggersError {
  if (retryAfterMs === Number.POSITIVE_INFINITY) {
    const message = `This request has ${cost} events and the limit is ${limit} events per second, so it can never pass: split it.`;
    return new TriggersError("rate_limited", message, { headers: { "retry-after": "1" } });
  }
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  const message = `The limit of ${limit} events per second is used up. Repeat in ${seconds} s.`;
  return new TriggersError("rate_limited", message, { headers: { "retry-after": String(seconds) } });
}

/**
 * What a request is told that is beyond those that a key may make. They are counted apart from events, so that `RateLimit-*` goes on
 * to speak of those.
 */
export const tooManyRequests = ({ limit, retryAfterMs }: Verdict): TriggersError =>
  new TriggersError(
    "rate_limited",
    `One key makes at most ${limit} requests a second of the management API, refused ones of POST /events among them.`,
    {
      headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) },
    },
  );

export interface LimiterPorts {
  readonly redis: RedisScripts;
  now(): Millis;
  /** Redis was slow or away, and why. */
  failedOpen(cause: unknown): void;
}

/** One limit that a request must keep to. */
interface Limit {
  readonly name: string;
  readonly limit: number;
}

function limitsOf(identity: Identity): readonly Limit[] {
  // The braces keep a tenant's windows in one slot of a cluster.
  const tag = `{${tenantOf(identity)}}`;
  const whole = { name: `limit:${tag}`, limit: identity.limit_per_second };
  const ofKey = ({ key_id, limit_per_second }: KeyLimit): Limit => ({
    name: `limit:${tag}:${key_id}`,
    limit: limit_per_second,
  });
  const { key_id, key_limit_per_second: own, key_family: family = [] } = identity;
  return [whole, ...family.map(ofKey), ...(own === undefined ? [] : [ofKey({ key_id, limit_per_second: own })])];
}

export class Limiter {
  readonly #ports: LimiterPorts;
  readonly #shares = new Shares();
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(ports: LimiterPorts) {
    this.#ports = ports;
  }

  /**
   * Counts `cost` events if they fit; with a cost of 0 only tells how many remain. Never throws.
   * @param arrived when the request came to the edge, ms since the epoch: the time from there on is ours, and must not count
   * against the caller
   */
  take(identity: Identity, cost: number, arrived?: Millis): Promise<Verdict> {
    return this.#take(limitsOf(identity), markFor(identity, tenantOf(identity)), cost, arrived);
  }

  async #take(
    limits: readonly Limit[],
    mark: string | undefined,
    cost: number,
    arrived = this.#ports.now(),
  ): Promise<Verdict> {
    const now = this.#ports.now();
    if (ageOf(this.#failedAt, now) >= REDIS_PAUSE_MS) {
      try {
        return await this.#ask(limits, mark, cost, Math.min(now, Math.max(arrived, now - LATE_MS)));
      } catch (cause) {
        this.#failedAt = this.#ports.now();
        this.#ports.failedOpen(cause);
      }
    }
    return this.#alone(limits, cost, this.#ports.now());
  }

  /**
   * Counts a request of the management API, or one that was refused before its events counted: they have a window of
   * their own for each key. Never throws.
   */
  takeRequest(identity: Identity, arrived?: Millis): Promise<Verdict> {
    const name = `requests:{${tenantOf(identity)}}:${identity.key_id}`;
    const limit = Math.max(REQUESTS_PER_SECOND, identity.limit_per_second);
    return this.#take([{ name, limit }], undefined, 1, arrived);
  }

  async #ask(limits: readonly Limit[], mark: string | undefined, cost: number, arrived: Millis): Promise<Verdict> {
    const names = [...limits.map(({ name }) => name), ...(mark === undefined ? [] : [mark])];
    const args = [cost, arrived, ...limits.map(({ limit }) => limit)];
    const answer = await this.#ports.redis.run("window", names, args, REDIS_PATIENCE_MS);
    const [counted, ...texts] = answer as [number, ...string[]];
    const allowed = counted === 1;
    const taken = allowed ? cost : 0;
    const windows = limits.map((limit, i) => ({ ...limit, state: stateIn(texts[i]!, arrived) }));
    const now = this.#ports.now();
    for (const { name, limit, state } of windows) this.#shares.saw(name, limit, state, taken, now);
    const left = windows.map(({ state, limit }) => Math.max(0, remaining(state, limit, arrived) - taken));
    const least = left.indexOf(Math.min(...left));
    return {
      allowed,
      limit: limits[least]!.limit,
      remaining: left[least]!,
      resetSeconds: RESET_SECONDS,
      retryAfterMs: allowed ? 0 : Math.max(...windows.map(({ state, limit }) => waitFor(state, limit, cost, arrived))),
      by: "redis",
      ...(counted === -1 ? { ended: true as const } : {}),
    };
  }

  #alone(limits: readonly Limit[], cost: number, now: Millis): Verdict {
    const windows = limits.map(({ name, limit }) => ({ name, limit, ...this.#shares.left(name, limit, now) }));
    const wanted = ({ perSecond }: { perSecond: number }) => Math.min(cost, perSecond);
    const allowed = windows.every((each) => cost <= each.limit && each.tokens >= wanted(each) - 1e-9);
    if (allowed) for (const { name, limit } of windows) this.#shares.take(name, limit, cost, now);
    const left = windows.map(({ tokens }) => Math.max(0, Math.floor(tokens - (allowed ? cost : 0))));
    const least = left.indexOf(Math.min(...left));
    const waits = windows.map((each) =>
      cost > each.limit ? Number.POSITIVE_INFINITY : ((wanted(each) - each.tokens) / each.perSecond) * 1_000,
    );
    return {
      allowed,
      limit: limits[least]!.limit,
      remaining: left[least]!,
      resetSeconds: RESET_SECONDS,
      retryAfterMs: allowed ? 0 : Math.ceil(Math.max(...waits)),
      by: "local",
    };
  }
}
