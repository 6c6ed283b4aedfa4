import { useQueries } from "@tanstack/react-query";
import type { Environment } from "./api.ts";
import { asking, type MetricsQuery, type Values } from "./metrics.ts";

/** As many subscriptions as a question can name, and as an answer tells apart. */
const NAMED_AT_ONCE = 100;

/**
 * What each of some subscriptions has done, however many there are: an answer about all of them tells no more apart than the busiest.
 * @returns totals by id; a subscription that is missing is not known yet
 */
export function useTotalsOf(
  subscriptions: readonly string[],
  { measures, ...range }: MetricsQuery,
  env: Environment,
  every: number,
): ReadonlyMap<string, Values> {
  const parts = Array.from({ length: Math.ceil(subscriptions.length / NAMED_AT_ONCE) }, (_, part) =>
    subscriptions.slice(part * NAMED_AT_ONCE, (part + 1) * NAMED_AT_ONCE),
  );
  const answers = useQueries({
    queries: parts.map((subscription_id) =>
      asking(
        {
          ...range,
          measures,
          interval: "none",
          group_by: ["subscription_id"],
          filter: { subscription_id },
          top: NAMED_AT_ONCE,
        },
        env,
        every,
      ),
    ),
  });
  return new Map(
    answers.flatMap(({ data }, part) => {
      if (data === undefined) return [];
      const totals = new Map(data.series.map(({ key, totals }) => [key.subscription_id, totals]));
      return parts[part]!.map((id) => [id, totals.get(id) ?? {}] as const);
    }),
  );
}
