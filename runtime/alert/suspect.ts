import type { Table } from "../aws/tables.ts";
import type { AlertRule } from "../domain/alerts/rule.ts";
import { failureOf } from "../domain/errors/failures.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import { plural } from "../domain/plural.ts";
import { decodeProblem, stateOf } from "../domain/problem.ts";
import { HOUR_MS } from "../domain/time.ts";
import { problemItems } from "../store/problems.ts";

/** What is suspected to be behind an alert: the problem that failed last and most, where the rule is about deliveries. */

const RECENT_MS = HOUR_MS;
const ABOUT_DELIVERIES: ReadonlySet<string> = new Set(["error_rate", "latency", "dead_letters", "metric"]);

export const suspectIn =
  (events: Table, now: () => number) =>
  async (tenant: Tenant, { kind, filter }: AlertRule): Promise<string | null> => {
    if (kind === "quota") return "More events came in one second than usual; GET /usage tells by which key.";
    if (kind === "api_down") return "The platform's own health check failed.";
    if (!ABOUT_DELIVERIES.has(kind)) return null;
    const subscriptions = filter?.subscription_id;
    const problems = (await problemItems(events, tenant))
      .map(decodeProblem)
      .filter((problem) => problem.last_at > now() - RECENT_MS && stateOf(problem, now()) !== "resolved")
      .filter(({ subscription_id }) => subscriptions?.includes(subscription_id) ?? true)
      .sort((a, b) => b.count - a.count);
    const [worst] = problems;
    if (worst === undefined) return null;
    const { subscription_id, error, status_code, count } = worst;
    const more = problems.length - 1;
    const others = more === 0 ? "" : ` There ${more === 1 ? "is" : "are"} ${more} other ${plural(more, "problem")}.`;
    const answered = status_code === null ? error : `${error}, ${status_code}`;
    return `${subscription_id} failed ${count} ${plural(count, "time")} (${answered}): ${failureOf(error, status_code).explanation}${others}`;
  };
