import { LRUCache } from "lru-cache";
import { errorText, type Log } from "../aws/log.ts";
import type { Service } from "../aws/service.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Erasure } from "../domain/job.ts";
import type { RoutedSubscription } from "../domain/subscription.ts";
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
/** An event that is younger has not waited: no erasure that it must obey can have begun so long before its last pass. */
const WAITED_MS = 4_000;
const ASK_EVERY_MS = 2_000;
/** How long one invocation waits for versions before it goes on with the last good snapshot. */
const ASK_TIMEOUT_MS = 2_000;
/** After a failed question, how long nobody waits for an answer again. */
const GIVE_UP_MS = 5_000;
/** A matcher takes about this many times the bytes of its subscriptions' JSON. */
const MEMORY_FACTOR = 6;

export interface Snapshot {
  readonly tenant: Tenant;
  readonly version: number;
  readonly retention_days: number;
  readonly matcher: Matcher<RoutedSubscription>;
  /** What the customer had erased, or has, that a message may have waited through. */
  readonly erasures: readonly Erasure[];
  /** Subscriptions by event type, for types whose events were matched without a look at the payload. */
  readonly byType: Map<string | null, readonly RoutedSubscription[]>;
}

interface Entry {
  readonly snapshot: Snapshot;
  readonly bytes: number;
  /** When the question that confirmed this version was sent; milliseconds. */
  confirmedAt: number;
}

export interface Snapshots {
  /**
   * The snapshot to match an event with that was accepted at this time (milliseconds).
   * @throws Error when the customer is not known here and the service can't be asked
   */
  get(tenant: Tenant, acceptedAt: number): Promise<Snapshot>;
}

export interface SnapshotsOptions {
  readonly service: Service;
  readonly log: Log;
  readonly now: () => number;
  readonly maxBytes: number;
}

export function snapshotCache({ service, log, now, maxBytes }: SnapshotsOptions): Snapshots {
  const entries = new LRUCache<Tenant, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes),
  });
  const loading = new Map<Tenant, Promise<Entry>>();
  let asking: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;

  /** Reads a customer's snapshot; two who want it at once share one reading. */
  function load(tenant: Tenant): Promise<Entry> {
    let promise = loading.get(tenant);
    if (promise === undefined) {
      promise = read(service, log, now, tenant, entries.get(tenant)).then((entry) => {
        entries.set(tenant, entry);
        return entry;
      });
      loading.set(tenant, promise);
      promise.finally(() => loading.delete(tenant)).catch(() => undefined);
    }
    return promise;
  }

  /** Asks for the versions of all cached customers and reads again what has moved. */
  async function ask(): Promise<void> {
    const sentAt = now();
    askedAt = sentAt;
    try {
      const tenants = [...entries.keys()];
      const { answer } = await service({ op: "versions", tenants }, { timeoutMs: ASK_TIMEOUT_MS });
      await Promise.all(
        tenants.map(async (tenant) => {
          const entry = entries.peek(tenant);
          if (entry === undefined) return;
          if ((answer.versions[tenant] ?? 0) === entry.snapshot.version) entry.confirmedAt = sentAt;
          else await load(tenant);
        }),
      );
    } catch (error) {
      failedAt = now();
      log("warn", "route.versions_unknown", { error: errorText(error) });
    }
  }

  const refresh = (): Promise<void> => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };

  return {
    async get(tenant, acceptedAt) {
      const known = entries.get(tenant);
      if (known === undefined) return (await load(tenant)).snapshot;
      const least = Math.max(acceptedAt, now() - WAITED_MS) - FRESH_MS;
      if (known.confirmedAt < least && now() - failedAt > GIVE_UP_MS) {
        await refresh();
        // What was under way may have been asked too early for this event.
        const entry = entries.peek(tenant) ?? known;
        if (entry.confirmedAt < least && now() - failedAt > GIVE_UP_MS) await refresh();
      } else if (now() - Math.max(askedAt, known.confirmedAt) > ASK_EVERY_MS) void refresh();
      return (entries.peek(tenant) ?? known).snapshot;
    },
  };
}

/** The customer's snapshot: the one before with what has changed since, or all of it, page by page. */
async function read(
  service: Service,
  log: Log,
  now: () => number,
  tenant: Tenant,
  before: Entry | undefined,
): Promise<Entry> {
  const sentAt = now();
  const since = before?.snapshot.version ?? 0;
  let cursor: string | null = null;
  let matcher: Matcher<RoutedSubscription> | undefined = before?.snapshot.matcher;
  let bytes = before?.bytes ?? 0;
  let answer: {
    version: number;
    retention_days: number;
    next_cursor: string | null;
    erasures?: readonly Erasure[];
  };
  let erasures: readonly Erasure[] = [];
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
    cursor = answer.next_cursor;
  } while (cursor !== null);
  const { version, retention_days } = answer;
  matcher ??= build(all, log);
  return {
    snapshot: { tenant, version, retention_days, matcher, erasures, byType: new Map() },
    bytes,
    confirmedAt: sentAt,
  };
}

function build(subscriptions: readonly RoutedSubscription[], log: Log): Matcher<RoutedSubscription> {
  try {
    return buildMatcher(subscriptions);
  } catch {
    return addAll(buildMatcher<RoutedSubscription>([]), subscriptions, log);
  }
}

/** Adds one by one, without those whose selector no longer compiles: one bad definition stops nobody else's events. */
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
