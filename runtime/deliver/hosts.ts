import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { errorText, type Log } from "../aws/log.ts";
import type { Table } from "../aws/tables.ts";
import { growing } from "../domain/growing.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { HOUR_MS, type Millis } from "../domain/time.ts";
import { addHostCounts } from "../store/hostCounts.ts";

/**
 * What all customers together post to one host, bounded: a host is somebody's, and nobody proves that it is theirs
 * (docs/decisions/posts-to-a-host.md).
 *
 * Each execution environment counts its posts by host, and tells them to one item a host and window of ten seconds, twenty at a
 * time; the answer says what all have told. So a host with few posts costs no call, and posts never wait for one. A window may exceed its
 * limit by the posts that are not reported yet: fewer than twenty an environment. Customers are counted in
 * lanes, drawn anew for each window: when a host has all that it may get, those wait that have sent most.
 */
export const WINDOW_MS = 10_000;
export const TELL_EVERY = 20;
const LANES = 64;
/** Of a host that has not accepted any post lately, by all customers. */
export const UNPROVED_PER_SECOND = 100;
const PROVED_FOR_MS = HOUR_MS;
/** Of what a host may get, up to here nobody waits; the rest is for customers that have sent little. */
const FREE_FOR_ALL = 0.9;
/** How far posts may be ahead of time, as a part of the window: bursts are usual. */
const AHEAD = 0.3;
const MAX_HOSTS = 10_000;
/** Longest delay of a queued message. */
const LONGEST_WAIT_MS = 900_000;

export interface Hosts {
  /** Counts a post that is about to begin. @returns undefined, or how long it has to wait, in ms: then it isn't counted */
  enter(host: string, tenant: Tenant): number | undefined;
  /** The host has accepted a post. */
  accepted(host: string): void;
  /** Resolves when all is told that was being told. */
  told(): Promise<void>;
}

/** A host in a window. */
interface Count {
  readonly window: number;
  /** Posts by lane, as the last answer said, and what is being told. */
  all: Float64Array;
  /** Posts that all environments have put off, likewise. */
  allHeld: number;
  /** Not told yet. */
  own: Float64Array;
  accepted: number;
  held: number;
  /** The item is written more often than it can be: by more posts than any limit allows. */
  overrun: boolean;
  /** Whether it is logged that posts wait. */
  full: boolean;
}

/**
 * @param perSecond posts to one host, by all customers
 * @param dice in [0, 1)
 */
export function hostsOver(
  events: Table,
  perSecond: number,
  { log, now, dice }: { readonly log: Log; now(): Millis; dice(): number },
): Hosts {
  const counts = new LRUCache<string, Count>(growing(MAX_HOSTS));
  /** Until when hosts count as proved. */
  const proved = new LRUCache<string, number>(growing(MAX_HOSTS));
  const telling = new Map<string, Promise<void>>();

  function countOf(host: string): Count {
    const window = Math.floor(now() / WINDOW_MS);
    let count = counts.get(host);
    if (count?.window !== window) {
      count = {
        window,
        all: new Float64Array(LANES),
        allHeld: 0,
        own: new Float64Array(LANES),
        accepted: 0,
        held: 0,
        overrun: false,
        full: false,
      };
      counts.set(host, count);
    }
    return count;
  }

  async function tell(host: string, count: Count): Promise<void> {
    const { own, accepted, held } = count;
    count.own = new Float64Array(LANES);
    for (const [lane, posts] of own.entries()) count.all[lane]! += posts;
    count.allHeld += held;
    count.accepted = 0;
    count.held = 0;
    const lanes = new Map([...own.entries()].filter(([, posts]) => posts > 0));
    try {
      const all = await addHostCounts(events, { host, window: count.window, now: now() }, { lanes, accepted, held });
      count.all = Float64Array.from({ length: LANES }, (_, lane) => all.lanes.get(lane) ?? 0);
      count.allHeld = all.held;
      if (all.accepted > 0) proved.set(host, now() + PROVED_FOR_MS);
    } catch (error) {
      for (const [lane, posts] of lanes) {
        count.own[lane]! += posts;
        count.all[lane]! -= posts;
      }
      count.allHeld -= held;
      count.accepted += accepted;
      count.held += held;
      count.overrun ||= THROTTLED.has((error as Error).name);
      log("warn", "deliver.host_not_counted", { host, error: errorText(error) });
    }
  }

  /** Tells once there is enough to tell, one thing at a time. */
  function tellSome(host: string, count: Count): void {
    if (count.held + sum(count.own) < TELL_EVERY || telling.has(host)) return;
    telling.set(
      host,
      tell(host, count).finally(() => telling.delete(host)),
    );
  }

  return {
    enter(host, tenant) {
      const count = countOf(host);
      const allowed = (proved.get(host) ?? 0) > now() ? perSecond : Math.min(UNPROVED_PER_SECOND, perSecond);
      const gone = (now() % WINDOW_MS) / WINDOW_MS;
      const limit = Math.ceil((allowed * WINDOW_MS * Math.min(1, gone + AHEAD)) / 1_000);
      const lanes = count.all.map((posts, lane) => posts + count.own[lane]!);
      const total = sum(lanes);
      const lane = laneOf(count.window, tenant);
      const free = Math.ceil(limit * FREE_FOR_ALL);
      const may = !count.overrun && (total < free || (total < limit && lanes[lane]! < levelOf(lanes, free)));
      if (may) count.own[lane]! += 1;
      else count.held += 1;
      tellSome(host, count);
      if (may) return undefined;
      if (!count.full) log("warn", "deliver.host_full", { host, posts: total, allowed_per_second: allowed });
      count.full = true;
      const asked = (total + count.allHeld + count.held) / (allowed * (WINDOW_MS / 1_000));
      return Math.min(LONGEST_WAIT_MS, Math.ceil(WINDOW_MS * Math.max(1, asked) * (0.5 + dice())));
    },

    accepted(host) {
      if (!proved.has(host)) proved.set(host, now() + PROVED_FOR_MS);
      countOf(host).accepted += 1;
    },

    told: async () => void (await Promise.all(telling.values())),
  };
}

/** Names of DynamoDB's errors for items that are written too often. */
const THROTTLED: ReadonlySet<string> = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
]);

/** A customer's lane in a window: who shares it with a busy one does so for ten seconds. */
const laneOf = (window: number, tenant: Tenant): number =>
  createHash("sha256").update(`${window} ${tenant}`).digest().readUInt16BE() % LANES;

const sum = (numbers: Float64Array): number => numbers.reduce((all, each) => all + each, 0);

/** The level up to which lanes may have posted if all of them together have `size`: max-min fairness. */
function levelOf(lanes: Float64Array, size: number): number {
  let left = size;
  const ordered = lanes.filter((posts) => posts > 0).sort();
  for (const [at, posts] of ordered.entries()) {
    const level = left / (ordered.length - at);
    if (posts > level) return level;
    left -= posts;
  }
  return Number.POSITIVE_INFINITY;
}
