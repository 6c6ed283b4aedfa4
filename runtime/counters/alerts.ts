import { getItem, putItem, queryAll, type Table, updateItem, updateOnce } from "../aws/tables.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { DAY_SECONDS, type Millis, rfc3339, secondsOf } from "../domain/time.ts";

/** What evaluating alerts keeps beside the numbers: how far it has come, and whether the API could be reached. */

const PROBES = "alerts#api";
const PROBES_KEPT_SECONDS = 35 * DAY_SECONDS;
const sortKey = (minute: number): string => rfc3339(minute).slice(0, 16);

/** What the probe found by minute, the starts of minutes in milliseconds: 1 where the API could not be reached, 0 where it could. */
export async function probesBetween(counters: Table, from: number, to: number): Promise<Map<number, number>> {
  const items = await queryAll(counters, {
    KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
    ExpressionAttributeValues: { ":pk": { S: PROBES }, ":from": { S: sortKey(from) }, ":to": { S: sortKey(to - 1) } },
    consistency: "eventual",
  });
  return new Map(items.map(({ sk, down }) => [Date.parse(`${sk!.S}:00Z`), Number(down!.N)]));
}

export async function putProbe(counters: Table, minute: number, down: boolean): Promise<void> {
  await putItem(counters, {
    pk: { S: PROBES },
    sk: { S: sortKey(minute) },
    down: { N: down ? "1" : "0" },
    expires_at: { N: String(secondsOf(minute) + PROBES_KEPT_SECONDS) },
  });
}

/** How far evaluation has come. */
export interface Progress {
  /** The end of the last minute that is evaluated for all. */
  readonly until: Millis;
  /** While a round is not at its end: where its minutes end, and the last tenant that it is done with. */
  readonly round?: { readonly to: number; readonly after: Tenant };
}

const TICK = { pk: { S: "alerts" }, sk: { S: "tick" } };

/** Takes the lease. @returns how far evaluation has come; undefined while another run holds the lease */
export async function beginTick(counters: Table, now: Millis, leaseMs: Millis): Promise<Progress | undefined> {
  const taken = await updateOnce(counters, TICK, {
    UpdateExpression: "SET busy_until = :until",
    ConditionExpression: "attribute_not_exists(busy_until) OR busy_until < :now",
    ExpressionAttributeValues: { ":until": { N: String(now + leaseMs) }, ":now": { N: String(now) } },
  });
  if (taken === undefined) return undefined;
  const kept = (await getItem(counters, TICK, "strong"))?.progress?.S;
  return kept === undefined ? { until: 0 } : (JSON.parse(kept) as Progress);
}

export async function endTick(counters: Table, progress: Progress): Promise<void> {
  await updateItem(counters, TICK, {
    UpdateExpression: "SET progress = :progress REMOVE busy_until",
    ExpressionAttributeValues: { ":progress": { S: JSON.stringify(progress) } },
  });
}
