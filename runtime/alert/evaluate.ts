import { numberIn, rolling, startsBetween } from "../counters/alertNumbers.ts";
import { type MetricsReader, sumsIn } from "../counters/metrics.ts";
import { step, type Watch } from "../domain/alerts/evaluate.ts";
import { type AlertRule, ROLLING_MINUTES, type Watched, watchedBy } from "../domain/alerts/rule.ts";
import type { AlertChange, Standing } from "../domain/alerts/work.ts";
import { defined } from "../domain/defined.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { MetricsQuery } from "../domain/metrics/query.ts";
import { MINUTE_MS } from "../domain/time.ts";

/** One tenant's rules over the minutes since they were last looked at. */

/** Windows longer than an hour are looked at so often. */
const LONG_EVERY_MS = 5 * MINUTE_MS;
/** A standing alert's memory is written this often while nothing changes, so that a restart knows when it last saw a number. */
const REMEMBERED_MS = 5 * MINUTE_MS;

export interface TenantWork {
  readonly tenant: Tenant;
  readonly limit_per_second: number;
  readonly rules: readonly AlertRule[];
  readonly standing: readonly Standing[];
}

type Numbers = ReadonlyMap<number, number | null>;

/** Rules that read the same facts read them once. */
async function numbersOf(
  reader: MetricsReader,
  { tenant, limit_per_second: limit }: TenantWork,
  rules: readonly AlertRule[],
  minutes: readonly number[],
  probes: ReadonlyMap<number, number>,
): Promise<Map<string, Numbers>> {
  const found = new Map<string, Numbers>();
  const [first, end] = [minutes[0]!, minutes.at(-1)! + MINUTE_MS];
  const measured = { tenant, limit_per_second: limit };
  const asked: { rule: AlertRule; watched: Watched & { query: MetricsQuery } }[] = [];
  for (const rule of rules) {
    const watched = watchedBy(rule);
    if (watched.query === undefined)
      found.set(rule.rule_id, new Map(minutes.map((minute) => [minute, probes.get(minute) ?? null])));
    else asked.push({ rule, watched: { ...watched, query: watched.query } });
  }
  const long = asked.filter(({ watched }) => watched.window > ROLLING_MINUTES);
  const short = asked.filter(({ watched }) => watched.window <= ROLLING_MINUTES);
  await Promise.all([
    ...long.map(async ({ rule, watched }) => {
      if (end % LONG_EVERY_MS >= minutes.length * MINUTE_MS) return;
      const from = end - watched.window * MINUTE_MS;
      const sums = await sumsIn(reader, measured, watched.query, { from, to: end, starts: [from] });
      const value = sums.has(0) ? numberIn(watched, limit, sums.get(0)!) : null;
      found.set(rule.rule_id, new Map([[minutes.at(-1)!, value]]));
    }),
    ...[...Map.groupBy(short, ({ watched }) => JSON.stringify(watched.query.filter)).values()].map(async (group) => {
      const window = Math.max(...group.map(({ watched }) => watched.window));
      const from = first - (window - 1) * MINUTE_MS;
      const starts = startsBetween(from, end, MINUTE_MS);
      const measures = [...new Set(group.flatMap(({ watched }) => watched.query.measures))];
      const together = MetricsQuery.parse({ measures, interval: "minute", filter: group[0]!.watched.query.filter });
      const sums = await sumsIn(reader, measured, together, { from, to: end, starts });
      for (const { rule, watched } of group) {
        const values = rolling(watched, limit, sums, starts.length, watched.window);
        found.set(rule.rule_id, new Map(starts.map((start, place) => [start, values[place]!])));
      }
    }),
  ]);
  return found;
}

/**
 * Evaluates a tenant's rules over minutes, ascending, without gaps.
 * @param probes whether the API could be reached, by minute
 * @returns what changed, in the order in which it happened
 */
export async function evaluateTenant(
  reader: MetricsReader,
  work: TenantWork,
  minutes: readonly number[],
  probes: ReadonlyMap<number, number>,
): Promise<AlertChange[]> {
  const rules = work.rules.filter(({ enabled }) => enabled);
  if (rules.length === 0 || minutes.length === 0) return [];
  const numbers = await numbersOf({ ...reader, minutesRead: new Map() }, work, rules, minutes, probes);
  const standing = new Map(work.standing.map((each) => [each.rule_id, each.watch]));
  const changes: AlertChange[] = [];
  for (const rule of rules) {
    const before = standing.get(rule.rule_id);
    let watch: Watch | undefined = before;
    let remembered: Watch | undefined = before;
    for (const minute of minutes) {
      const value = numbers.get(rule.rule_id)?.get(minute) ?? null;
      const { watch: after, changes: made, resolution } = step(rule, watch, minute, value);
      watch = after;
      if (made.length === 0 && (after === undefined || sameMemory(after, remembered))) continue;
      remembered = after;
      changes.push({
        rule,
        watch: after ?? null,
        changes: made,
        ...defined({ resolution }),
        at: minute + MINUTE_MS,
        value: value ?? after?.value ?? null,
      });
    }
  }
  return changes;
}

const sameMemory = (now: Watch, remembered: Watch | undefined): boolean =>
  remembered !== undefined &&
  now.calm_since === remembered.calm_since &&
  now.seen_at - remembered.seen_at < REMEMBERED_MS;
