import type { Table } from "../aws/tables.ts";
import type { MetricsReader } from "../counters/metrics.ts";
import type { AlertRule } from "../domain/alerts/rule.ts";
import { failureOf } from "../domain/errors/failures.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { plural } from "../domain/plural.ts";
import { stateOf } from "../domain/problem.ts";
import { HOUR_MS, type Millis } from "../domain/time.ts";
import { readProblems } from "../store/problems.ts";

/** What is suspected to be behind an alert: the problem that failed last and most, where the rule is about deliveries. */

const RECENT_MS = HOUR_MS;
const ABOUT_DELIVERIES: ReadonlySet<string> = new Set(["error_rate", "latency", "dead_letters", "metric"]);

/** @param workflowsOf the workflow of each subscription of a tenant, which is the name that people know it by */
export const suspectIn =
  (events: Table, workflowsOf: MetricsReader["workflows"], now: () => Millis) =>
  async (tenant: Tenant, { kind, query, filter }: AlertRule): Promise<string | null> => {
    const refused = kind === "metric" && query?.measures[0] === "refused";
    const limited = refused && filter?.reason?.every((reason) => reason === "rate_limited") === true;
    if (kind === "quota" || limited) return "More events came in one second than usual; GET /usage tells by which key.";
    if (kind === "api_down") return "The platform's own health check failed.";
    if (refused || !ABOUT_DELIVERIES.has(kind)) return null;
    const [all, workflows] = await Promise.all([readProblems(events, tenant), workflowsOf(tenant)]);
    const workflowOf = (id: string) => workflows.get(id) ?? null;
    const watches = ({ subscription_id: id }: { subscription_id: string }) =>
      (filter?.subscription_id?.includes(id) ?? true) && (filter?.workflow_id?.includes(workflowOf(id)) ?? true);
    const problems = all
      .filter((problem) => problem.last_at > now() - RECENT_MS && stateOf(problem, now()) !== "resolved")
      .filter(watches)
      .sort((a, b) => b.count - a.count);
    const [worst] = problems;
    if (worst === undefined) return null;
    const { subscription_id, error, status_code, count } = worst;
    const more = problems.length - 1;
    const others = more === 0 ? "" : ` There ${more === 1 ? "is" : "are"} ${more} other ${plural(more, "problem")}.`;
    const answered = status_code === null ? error : `${error}, ${status_code}`;
    const workflow = workflowOf(subscription_id);
    return `${workflow === null ? subscription_id : `Workflow ${workflow}`} failed ${count} ${plural(count, "time")} (${answered}): ${failureOf(error, status_code).explanation}${others}`;
  };
