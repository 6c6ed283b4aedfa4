import { errorText, type Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import { type Asked, FreshCache, type Freshness } from "../domain/freshCache.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Erasure } from "../domain/job.ts";
import type { RoutedSubscription } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import { buildMatcher, type Matcher } from "../matching/index.ts";

/**
 * The customers' subscriptions as routing needs them.
 *
 * Invariant: an event accepted at time T is matched against a snapshot whose version was confirmed after T - 4 s, so a
 * change made 5 s before an event was accepted is always seen. What waited before it was routed is matched against one
 * that was confirmed 8 s ago at most, so that an erasure asked meanwhile is known. Only while the service can't be asked does the last good
 * snapshot serve longer. Nothing waits for the service otherwise: versions are asked in the background every 2 s, for all
 * customers at once, and only what has moved is read again.
 */
const FRESH_MS = 4_000;
/** A younger event has not waited: an erasure that it must obey began at most this long before its last pass. */
const WAITED_MS = 4_000;
const FRESHNESS: Freshness = {
  refreshAfter: 2_000,
  waitAfter: FRESH_MS,
  serveUntil: Number.POSITIVE_INFINITY,
  pauseAfterFailure: 5_000,
};
/** How long one invocation waits for versions before it goes on with the last good snapshot. */
const ASK_TIMEOUT_MS = 2_000;
/** A matcher takes about this many times the bytes of its subscriptions' JSON. */
const MEMORY_FACTOR = 6;

export interface Snapshot {
  readonly tenant: Tenant;
  readonly version: number;
  readonly retention_days: number;
  /** Whether somebody watches the tenant live. */
  readonly watched: boolean;
  readonly matcher: Matcher<RoutedSubscription>;
  /** What the customer had erased, or has, that a message may have waited through. */
  readonly erasures: readonly Erasure[];
  /** Subscriptions by event type, for types whose events were matched without a look at the payload. */
  readonly byType: Map<string | null, readonly RoutedSubscription[]>;
}

interface Known {
  readonly snapshot: Snapshot;
  readonly bytes: number;
}

export interface Snapshots {
  /**
   * The snapshot to match an event with that was accepted at this time (milliseconds).
   * @throws Error when the customer is unknown here and the service is out of reach
   */
  get(tenant: Tenant, acceptedAt: Millis): Promise<Snapshot>;
}

export interface SnapshotsOptions {
  readonly service: Service;
  readonly log: Log;
  now(): Millis;
  readonly maxBytes: number;
}

export function snapshotCache({ service, log, now, maxBytes }: SnapshotsOptions): Snapshots {
  /** What has moved is read again; one that can't be read keeps its age. */
  async function confirm(asked: readonly Asked<Tenant, Known>[]): Promise<Map<Tenant, Known>> {
    const tenants = asked.map(({ key }) => key);
    const { answer } = await service({ op: "versions", tenants }, { timeoutMs: ASK_TIMEOUT_MS });
    const confirmed = await Promise.all(
      asked.map(async ({ key, held }): Promise<[Tenant, Known][]> => {
        const watched = answer.watched?.includes(key) === true;
        if (held !== undefined && (answer.versions[key] ?? 0) === held.snapshot.version)
          return [[key, { ...held, snapshot: { ...held.snapshot, watched } }]];
        try {
          return [[key, await read(service, log, key, held)]];
        } catch (error) {
          unknown(error);
          return [];
        }
      }),
    );
    return new Map(confirmed.flat());
  }
  const unknown = (error: unknown) => log("warn", "route.versions_unknown", { error: errorText(error) });

  const known = new FreshCache<Tenant, Known>({
    freshness: FRESHNESS,
    now,
    max: maxBytes,
    weigh: ({ bytes }) => bytes,
    together: Number.POSITIVE_INFINITY,
    along: "all",
    newAlone: true,
    ask: async (asked) => {
      const [first] = asked;
      if (first!.held !== undefined) return confirm(asked);
      return new Map([[first!.key, await read(service, log, first!.key, undefined)]]);
    },
    failed: unknown,
  });

  return {
    async get(tenant, acceptedAt) {
      const { snapshot } = (await known.get(tenant, Math.max(acceptedAt, now() - WAITED_MS) - FRESH_MS))!;
      return snapshot;
    },
  };
}

/** The customer's snapshot: the one before with what has changed since, or all of it, page by page. */
async function read(service: Service, log: Log, tenant: Tenant, before: Known | undefined): Promise<Known> {
  const since = before?.snapshot.version ?? 0;
  let cursor: string | null = null;
  let matcher: Matcher<RoutedSubscription> | undefined = before?.snapshot.matcher;
  let bytes = before?.bytes ?? 0;
  let answer: {
    version: number;
    retention_days: number;
    next_cursor: string | null;
    erasures?: readonly Erasure[];
    watched?: true;
  };
  let erasures: readonly Erasure[] = [];
  let watched = false;
  const all: RoutedSubscription[] = [];
  do {
    const more: { cursor?: string } = cursor === null ? {} : { cursor };
    if (matcher === undefined) {
      const page = await service({ op: "snapshot", tenant, ...more });
      all.push(...page.answer.subscriptions);
      bytes += page.bytes * MEMORY_FACTOR;
      answer = page.answer;
    } else {
      const page = await service({ op: "changes", tenant, since, ...more });
      const { removed, changed } = page.answer;
      matcher = addAll(
        removed.reduce((rest, id) => rest.without(id), matcher),
        changed,
        log,
      );
      bytes += page.bytes * MEMORY_FACTOR;
      answer = page.answer;
    }
    erasures = answer.erasures ?? erasures;
    watched ||= answer.watched === true;
    cursor = answer.next_cursor;
  } while (cursor !== null);
  const { version, retention_days } = answer;
  matcher ??= build(all, log);
  return {
    snapshot: { tenant, version, retention_days, watched, matcher, erasures, byType: new Map() },
    bytes,
  };
}

function build(subscriptions: readonly RoutedSubscription[], log: Log): Matcher<RoutedSubscription> {
  try {
    return buildMatcher(subscriptions);
  } catch {
    return addAll(buildMatcher<RoutedSubscription>([]), subscriptions, log);
  }
}

/** Adds one by one, and leaves out those whose selector no longer compiles, so that one bad definition stops only its own subscription. */
const addAll = (
  matcher: Matcher<RoutedSubscription>,
  added: readonly RoutedSubscription[],
  log: Log,
): Matcher<RoutedSubscription> =>
  added.reduce((all, subscription) => {
    try {
      return all.with(subscription);
    } catch (error) {
      log("error", "route.selector_unusable", {
        subscription_id: subscription.subscription_id,
        error: errorText(error),
      });
      return all.without(subscription.subscription_id);
    }
  }, matcher);
