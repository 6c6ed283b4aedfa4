/** A load of AWS's size on a share of AWS's quotas: what this machine met first, beside what the model says. */
import { ACCOUNT_QUOTAS, type AccountQuota } from "../../local/account.ts";
import { duration, type Scenario } from "../scenarios.ts";
import { brokenQuotas, firstBroken } from "./broken.ts";
import { defaultQuotas, type QuotaName, type Quotas } from "./quotas.ts";
import { type Load, simulate } from "./simulate.ts";

/** What `quotas.json` in the state tells: how often each quota held something back, by second since the platform was ready. */
export interface QuotasFile {
  readonly share: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly felt: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface Rehearsed {
  /** The first that broke here, and from which second of the load; undefined when none did. */
  readonly here: { readonly quota: string; readonly second: number } | undefined;
  readonly model: { readonly quota: string; readonly second: number } | undefined;
}

/** The quotas of an ordinary account, of which this machine has a share. */
function shared(share: number): Quotas {
  const counts = Object.keys(ACCOUNT_QUOTAS) as AccountQuota[];
  const scaled = Object.fromEntries(
    counts.filter((name) => name in defaultQuotas).map((name) => [name, Math.max(1, ACCOUNT_QUOTAS[name] * share)]),
  );
  // All callers are in one place here.
  return { ...defaultQuotas, ...scaled, edgeRegions: 1 };
}

/** Requests that a scenario sends in all. */
export function requestsOf({ arrival }: Scenario): number {
  if ("stages" in arrival) {
    let before = arrival.stages[0]?.requestsPerSecond ?? 0;
    return arrival.stages.reduce((sum, { requestsPerSecond, seconds }) => {
      const mean = (before + requestsPerSecond) / 2;
      before = requestsPerSecond;
      return sum + mean * seconds;
    }, 0);
  }
  return arrival.requestsPerSecond * arrival.seconds;
}

/** A scenario as the model takes it: one rate throughout, its usual request. */
export function loadOf(scenario: Scenario): Load {
  const mean = (member: "events" | "bytes") =>
    scenario.shapes.reduce((sum, shape) => sum + shape.share * shape[member], 0);
  return {
    eventsPerRequest: Math.round(mean("events")),
    // The envelope of an event in the queue, the table and the archive.
    eventBytes: mean("bytes") + 100,
    compression: 0.3,
    fanOut: scenario.subscriptions > 0 ? 1 : 0,
    busiest: 1 / scenario.customers,
    requestsPerSecond: () => requestsOf(scenario) / duration(scenario),
    seconds: duration(scenario),
    concurrentPosts: 25,
  };
}

/** The first quota that the model says breaks under this load. */
export function modelled(share: number, load: Load): Rehearsed["model"] {
  const { broke, felt } = simulate(shared(share), load);
  return firstBroken<QuotaName>(broke, (quota) => felt.get(quota)?.times ?? 0);
}

/**
 * @param startedAt when the load began, milliseconds since the epoch
 * @param offered requests a second
 */
export function met({ since, felt }: QuotasFile, startedAt: number, offered: number): Rehearsed["here"] {
  const shift = Math.floor((startedAt - since) / 1_000);
  const bySecond = new Map(
    Object.entries(felt).map(([quota, seconds]) => [
      quota,
      new Map(Object.entries(seconds).map(([second, times]) => [Number(second) - shift, times])),
    ]),
  );
  const broken = brokenQuotas(bySecond, () => offered);
  // Before the load came the warm-up, in which it may have broken already.
  for (const [quota, second] of broken) broken.set(quota, Math.max(0, second));
  return firstBroken(broken, (quota) =>
    [...(bySecond.get(quota)?.values() ?? [])].reduce((sum, times) => sum + times, 0),
  );
}
