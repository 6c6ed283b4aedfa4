import { TriggersError } from "../errors/errors.ts";

/**
 * How often events have come out of a webhook of the platform and back in, at once or by way of others who pass headers on.
 * Invariant: what comes in carries one hop more than what went out, and is refused past `MAX_HOPS`: a subscription whose
 * webhook leads back here makes few events, and not events for ever.
 */
const MAX_HOPS = 4;
/** In posts of events that have come around before; those of others are known by their subscription's id. */
const HOPS_HEADER = "triggers-hops";
const SUBSCRIPTION_HEADER = "triggers-subscription-id";

/**
 * @param headers of a request that brings events, names in lower case
 * @returns 0 for one that no webhook of ours made
 * @throws TriggersError `too_many_hops`
 */
export function hopsIn(headers: Readonly<Record<string, string | undefined>>): number {
  const told = headers[HOPS_HEADER];
  const hops = told !== undefined && /^[0-9]{1,9}$/.test(told) ? Number(told) : 0;
  const all = Math.max(hops, headers[SUBSCRIPTION_HEADER] === undefined ? 0 : 1);
  if (all > MAX_HOPS) {
    const message = `These events have come out of webhooks and back in ${all} times; ${MAX_HOPS} are allowed. Look for a subscription whose webhook leads back to POST /events.`;
    throw new TriggersError("too_many_hops", message);
  }
  return all;
}

/** The header of a post, where it takes one. @param hops of its events, the most of any */
export const hopsOut = (hops: number): Record<string, string> =>
  hops === 0 ? {} : { [HOPS_HEADER]: String(hops + 1) };
