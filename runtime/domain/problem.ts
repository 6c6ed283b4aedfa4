import { checkItemVersion, corrupt, countOf, type Item, keysOf, N, nOf, S, sOf, VERSION } from "./codec/fields.ts";
import { defined, mapDefined } from "./defined.ts";
import type { Tenant } from "./identity/identity.ts";
import { isUlid } from "./ids.ts";
import { type ErrorClass, errorClasses } from "./metrics/names.ts";
import { DAY_SECONDS, MINUTE_MS, type Millis } from "./time.ts";

/**
 * Problems: the failures of a subscription, grouped by what failed. One item for each subscription and cause in the partition
 * `<tenant>#problems` of the events table, written when an attempt fails and when the endpoint is well again, never otherwise.
 *
 * Invariant: the state that people see follows from the item and the time alone. So nothing has to run for a problem to resolve
 * by itself.
 */

/** What failed: the class of the failure, and the status where the endpoint answered one. */
export interface Cause {
  readonly error: ErrorClass;
  readonly status_code: number | null;
}

export const problemStates = ["open", "acknowledged", "resolved", "muted"] as const;
export type ProblemState = (typeof problemStates)[number];

/** As it is stored; times in milliseconds since the epoch. */
export interface Problem extends Cause {
  readonly tenant: Tenant;
  readonly subscription_id: string;
  /** What was last said of it: by a person, or by the failure that opened it. */
  readonly said: ProblemState;
  readonly said_at: Millis;
  /** Attempts that failed. */
  readonly count: number;
  /** Events whose delivery failed like this, each once. */
  readonly events: number;
  readonly first_at: Millis;
  readonly last_at: Millis;
  /** When the endpoint first answered well after the last failure. */
  readonly well_at?: Millis;
  readonly sample_delivery_id: string;
}

/** Milliseconds without a failure after which a problem resolves by itself, if its endpoint has answered well since. */
const RESOLVED_AFTER_MS = 30 * MINUTE_MS;
/** One that nothing touches is forgotten. */
export const PROBLEM_KEPT_SECONDS = 90 * DAY_SECONDS;

/** The state at a time. */
export function stateOf({ said, said_at, last_at, well_at }: Problem, now: Millis): ProblemState {
  if (said === "muted") return "muted";
  if (said === "resolved") return last_at > said_at ? "open" : "resolved";
  const well = well_at !== undefined && well_at >= last_at && now - well_at >= RESOLVED_AFTER_MS;
  return well ? "resolved" : said;
}

export const problemPartition = (tenant: Tenant): string => `${tenant}#problems`;
/** What the sort keys of a subscription's problems begin with. */
export const problemsOfSubscription = (subscriptionId: string): string => `${subscriptionId}#`;
export const problemSortKey = (subscriptionId: string, { error, status_code }: Cause): string =>
  `${problemsOfSubscription(subscriptionId)}${error}#${status_code ?? ""}`;

const SORT_KEY = /^(sub_[0-9A-Z]{26})#([a-z0-9_]+)#(\d*)$/;
const ID = /^prb_([0-9A-HJKMNP-TV-Z]{26})([a-z])(\d{0,3})$/;

/** `prb_`, the subscription's ULID, a letter for the class of the failure, and the status. */
export const problemId = (subscriptionId: string, { error, status_code }: Cause): string =>
  `prb_${subscriptionId.slice(4)}${String.fromCharCode(97 + errorClasses.indexOf(error))}${status_code ?? ""}`;

/** The subscription and cause in an id; undefined for any other text. */
export function parseProblemId(id: string): (Cause & { readonly subscription_id: string }) | undefined {
  const [, ulid, letter, status] = ID.exec(id) ?? [];
  const error = letter === undefined ? undefined : errorClasses[letter.charCodeAt(0) - 97];
  if (ulid === undefined || error === undefined || !isUlid(ulid)) return undefined;
  return { subscription_id: `sub_${ulid}`, error, status_code: status === "" ? null : Number(status) };
}

/** Written by update expressions under these same attribute names; this whole form is for tests and tools. */
export const encodeProblem = (problem: Problem): Item => ({
  pk: S(problemPartition(problem.tenant)),
  sk: S(problemSortKey(problem.subscription_id, problem)),
  v: N(VERSION),
  said: S(problem.said),
  said_at: N(problem.said_at),
  failures: N(problem.count),
  events: N(problem.events),
  first_at: N(problem.first_at),
  last_at: N(problem.last_at),
  sample_id: S(problem.sample_delivery_id),
  ...defined({ well_at: mapDefined(problem.well_at, N) }),
});

/** @throws CodecError */
export function decodeProblem(item: Item): Problem {
  const what = "problem item";
  checkItemVersion(item, what);
  const { tenant, parts } = keysOf(item, SORT_KEY, what);
  const error = errorClasses.find((each) => each === parts[2]);
  if (error === undefined) throw corrupt(what, "sk");
  const said = problemStates.find((each) => each === item.said?.S);
  if (said === undefined) throw corrupt(what, "said");
  return {
    tenant,
    subscription_id: parts[1]!,
    error,
    status_code: parts[3] === "" ? null : Number(parts[3]),
    said,
    said_at: nOf(item, "said_at", what),
    count: countOf(item, "failures", what),
    events: countOf(item, "events", what),
    first_at: nOf(item, "first_at", what),
    last_at: nOf(item, "last_at", what),
    sample_delivery_id: sOf(item, "sample_id", what),
    ...defined({ well_at: mapDefined(item.well_at, () => nOf(item, "well_at", what)) }),
  };
}
