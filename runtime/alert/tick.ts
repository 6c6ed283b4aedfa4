import pLimit from "p-limit";
import { errorText, type Log } from "../aws/log.ts";
import type { Tell } from "../aws/publisher.ts";
import type { Service } from "../aws/service.ts";
import type { ActiveMinutes } from "../counters/active.ts";
import { COUNTED_AFTER_MS, startsBetween } from "../counters/alertNumbers.ts";
import { beginTick, endTick, probesBetween } from "../counters/alerts.ts";
import type { MetricsReader } from "../counters/metrics.ts";
import type { AlertRule } from "../domain/alerts/rule.ts";
import type { AlertChange } from "../domain/alerts/work.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { MINUTE_MS, type Millis } from "../domain/time.ts";
import { evaluateTenant, type TenantWork } from "./evaluate.ts";

/**
 * Evaluates all customers' rules, once a minute.
 *
 * Invariant: every minute is evaluated once for each customer that it could have changed anything for: one that was active in it, or has an
 * alert standing. Where the time is up, the next run goes on where this one stopped, and only then with newer minutes. So the cost
 * follows the active customers, however many rules the others have; and one slow minute loses nothing.
 *
 * Two runs never evaluate at once: the first takes a lease. A change is written only where its alert still is in the state it begins
 * from (runtime/database/alerts.ts), so even two would tell it once.
 */

/** A platform that was away for longer begins anew: what rang then and is well again is told to nobody. */
const CATCH_UP_MINUTES = 60;
/** Marks of activity are read of so many minutes: as many as a window can have. */
const MARKS_MINUTES = 60;
/** Marks may come so many minutes late. */
const LATE_MINUTES = 2;
const TENANTS_AT_ONCE = 32;
/** Tenants asked about at once: with rules unknown, their rules have to fit an answer. */
const ASKED_KNOWN = 500;
const ASKED_NEW = 40;

export interface TickPorts {
  readonly log: Log;
  now(): Millis;
  readonly service: Service;
  readonly reader: MetricsReader;
  readonly active: ActiveMinutes;
  /** Rules as they are known here, by tenant. */
  readonly rules: Map<Tenant, KnownRules>;
  /** Tells those who watch of changes. Never rejects. */
  readonly tell: Tell;
  /** What is suspected to be behind what a rule found; null where nothing is. */
  suspect(tenant: Tenant, rule: AlertRule): Promise<string | null>;
}

export interface KnownRules {
  readonly version: number;
  readonly rules: readonly AlertRule[];
  readonly limit_per_second: number;
}

/** What a run did, for its log line. */
export interface Ticked {
  readonly minutes: number;
  readonly tenants: number;
  readonly rules: number;
  readonly changes: number;
  /** Tenants that are left for the next run. */
  readonly left: number;
}

/** @param deadline milliseconds: no tenant is begun after it */
export async function tick(ports: TickPorts, deadline: number): Promise<Ticked | undefined> {
  const { now } = ports;
  const progress = await beginTick(ports.reader.counters, now(), deadline - now() + 30_000);
  if (progress === undefined) return undefined;
  const total = { minutes: 0, tenants: 0, rules: 0, changes: 0, left: 0 };
  let current = progress;
  try {
    for (;;) {
      const counted = Math.floor((now() - COUNTED_AFTER_MS) / MINUTE_MS) * MINUTE_MS;
      const to = current.round?.to ?? counted;
      // A platform that begins looks at the last whole minute.
      const from = Math.max(current.until === 0 ? to - MINUTE_MS : current.until, to - CATCH_UP_MINUTES * MINUTE_MS);
      if (to <= from || now() >= deadline) break;
      const done = await round(ports, startsBetween(from, to, MINUTE_MS), current.round?.after ?? "", deadline);
      total.minutes += (to - from) / MINUTE_MS;
      for (const name of ["tenants", "rules", "changes"] as const) total[name] += done[name];
      total.left = done.left;
      current = done.after === undefined ? { until: to } : { until: from, round: { to, after: done.after } };
      if (done.after !== undefined) break;
    }
  } finally {
    await endTick(ports.reader.counters, current);
  }
  return total;
}

interface Round extends Omit<Ticked, "minutes"> {
  /** The last tenant that it is done with; undefined where all are done. */
  readonly after?: Tenant;
}

async function round(ports: TickPorts, minutes: readonly number[], after: Tenant, deadline: number): Promise<Round> {
  const { active, now, service } = ports;
  const [first, last] = [minutes[0]!, minutes.at(-1)!];
  await active.read(startsBetween(first - MARKS_MINUTES * MINUTE_MS, last + MINUTE_MS, MINUTE_MS));
  const [pages, probes] = await Promise.all([
    everyPage((after) => service({ op: "alert_standing", after })),
    probesBetween(ports.reader.counters, first, last + MINUTE_MS),
  ]);
  const standing = pages.flatMap(({ alerts }) => alerts);
  const concerned = active.tenants([...minutes, ...startsBetween(first - LATE_MINUTES * MINUTE_MS, first, MINUTE_MS)]);
  for (const { tenant } of standing) concerned.add(tenant);
  if ([...probes.values()].some((down) => down > 0))
    for (const { tenants } of await everyPage((after) => service({ op: "alert_tenants", after })))
      for (const tenant of tenants) concerned.add(tenant);
  const tenants = [...concerned].filter((tenant) => tenant > after).sort();
  const byTenant = Map.groupBy(standing, ({ tenant }) => tenant);
  const counts = { tenants: 0, rules: 0, changes: 0 };
  const limit = pLimit(TENANTS_AT_ONCE);
  for (let at = 0; at < tenants.length; at += ASKED_KNOWN) {
    if (now() >= deadline) return { ...counts, left: tenants.length - at, after: at === 0 ? after : tenants[at - 1]! };
    const some = tenants.slice(at, at + ASKED_KNOWN);
    await learnRules(ports, some);
    await limit.map(some, async (tenant) => {
      const known = ports.rules.get(tenant);
      if (known === undefined) return;
      counts.tenants += 1;
      counts.rules += known.rules.length;
      try {
        const { rules, limit_per_second } = known;
        const work = { tenant, limit_per_second, rules, standing: byTenant.get(tenant) ?? [] };
        counts.changes += await evaluate(ports, work, minutes, probes);
      } catch (error) {
        // One customer's never keeps the others waiting. Its minutes are over; what lasts is found in the next.
        ports.log("error", "alert.not_evaluated", { tenant, error: errorText(error) });
      }
    });
  }
  return { ...counts, left: 0 };
}

async function evaluate(
  { reader, service, suspect, tell }: TickPorts,
  work: TenantWork,
  minutes: readonly number[],
  probes: ReadonlyMap<number, number>,
): Promise<number> {
  const { tenant } = work;
  const found = await evaluateTenant(reader, work, minutes, probes);
  if (found.length === 0) return 0;
  const changes: AlertChange[] = await Promise.all(
    found.map(async (change) =>
      change.changes.includes("firing") ? { ...change, cause: await suspect(tenant, change.rule) } : change,
    ),
  );
  const { answer } = await service({ op: "alert_save", tenant, changes });
  if (answer.told !== undefined) await tell([{ tenant, alerts: answer.told }]);
  return changes.filter(({ changes: made }) => made.length > 0).length;
}

/** Reads the rules of those tenants whose rules have changed since they were read. */
async function learnRules({ service, rules }: TickPorts, tenants: readonly Tenant[]): Promise<void> {
  const known = tenants.filter((tenant) => rules.has(tenant));
  const fresh = tenants.filter((tenant) => !rules.has(tenant));
  const asked = [
    known,
    ...Array.from({ length: Math.ceil(fresh.length / ASKED_NEW) }, (_, at) =>
      fresh.slice(at * ASKED_NEW, (at + 1) * ASKED_NEW),
    ),
  ];
  await pLimit(4).map(
    asked.filter((some) => some.length > 0),
    async (some) => {
      const { answer } = await service({
        op: "alert_rules",
        known: some.map((tenant) => ({ tenant, version: rules.get(tenant)?.version ?? 0 })),
      });
      for (const { tenant, version, rules: own, limit_per_second } of answer.tenants)
        if (own !== undefined) rules.set(tenant, { version, rules: own, limit_per_second: limit_per_second ?? 0 });
    },
  );
}

/** Reads the pages of a list to the last. @param pageAfter the page that follows an item; the first follows "" */
async function everyPage<Page extends { readonly next: string | null }>(
  pageAfter: (after: string) => Promise<{ readonly answer: Page }>,
): Promise<Page[]> {
  const pages: Page[] = [];
  for (let after: string | null = ""; after !== null; after = pages.at(-1)!.next) {
    const { answer } = await pageAfter(after);
    pages.push(answer);
  }
  return pages;
}
