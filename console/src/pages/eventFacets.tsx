import { Link } from "wouter";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Dimension } from "../../../runtime/domain/metrics/names.ts";
import { eventStatuses } from "../../../runtime/domain/statuses.ts";
import { count, countOf } from "../format.ts";
import { useKeyNames } from "../keyNames.ts";
import { type MetricsQuery, numberIn, useMetrics } from "../metrics.ts";
import { anyText, useHere, useTimes, useUrl } from "../url.ts";

const own = { type: anyText, status: anyText, key: anyText };
const SHOWN = 8;
const EVERY_MS = 30_000;

/** Values of one dimension, the most frequent first: how many there are, and a link to just those. */
function Facet({
  name,
  of,
  param,
  says = (value) => value,
}: {
  name: string;
  of: { readonly key: Dimension; readonly query: MetricsQuery };
  param: "type" | "status" | "key";
  says?: (value: string) => string;
}) {
  const [state] = useUrl(own);
  const here = useHere();
  const { data } = useMetrics(of.query, state.env, EVERY_MS);
  const measure = of.query.measures[0]!;
  const values = (data?.series ?? []).flatMap(({ key, totals }) => {
    const value = key[of.key];
    const times = numberIn(totals, measure);
    const isListed = param !== "status" || (eventStatuses as readonly unknown[]).includes(value);
    return value === null || value === undefined || value === "(other)" || times === 0 || !isListed
      ? []
      : [{ value, times }];
  });
  if (values.length === 0) return null;
  const others = data?.series.find(({ key }) => key[of.key] === "(other)");
  return (
    <div role="group" aria-label={name} className="flex flex-wrap items-center gap-2 text-xs">
      <span className="text-muted">{name}</span>
      {values.slice(0, SHOWN).map(({ value, times }) => {
        const chosen = state[param] === value;
        return (
          <Link
            key={value}
            href={here({ [param]: chosen ? undefined : value })}
            aria-current={chosen ? "true" : undefined}
            className={`rounded-md border border-edge px-2 py-1 text-text no-underline hover:bg-sunk ${chosen ? "bg-accent-soft font-semibold" : ""}`}
          >
            {says(value)} · {count(times)}
          </Link>
        );
      })}
      {others === undefined ? null : (
        <span className="text-muted">
          {countOf(data!.folded, "other")} · {count(numberIn(others.totals, measure))}
        </span>
      )}
    </div>
  );
}

/** What the events of the range are, by type, status of delivery and key: counted over all of them, listed or not. */
export function Facets() {
  const [state] = useUrl(own);
  const { from, to } = useTimes(state);
  const names = useKeyNames();
  const range = { from, ...defined({ to }), interval: "none", top: SHOWN } as const;
  const by = (key: Dimension): { key: Dimension; query: MetricsQuery } => ({
    key,
    query: { measures: ["events"], group_by: [key], ...range },
  });
  return (
    <div className="grid gap-2">
      <Facet name="By type" of={by("event_type")} param="type" />
      <Facet
        name="By status, for each subscription"
        of={by("status")}
        param="status"
        says={(value) => value.replaceAll("_", " ")}
      />
      <Facet name="By key" of={by("key_id")} param="key" says={names} />
    </div>
  );
}
