import { useState } from "react";
import { Bars } from "../charts/bars.tsx";
import { Gauge } from "../charts/parts.tsx";
import { bytes, count, time } from "../format.ts";
import { numberIn, useMetrics } from "../metrics.ts";
import { useSession } from "../session.tsx";
import { Button, Note, Page } from "../ui/basic.tsx";
import { Figure, Tile } from "../ui/tile.tsx";
import { oneOf, useUrl } from "../url.ts";

const own = { by: oneOf(["hour", "day", "week"], "hour") };
const WARN = 0.8;
const LIVE_MS = 5_000;
const MINUTE_MS = 60_000;

/** Seven days at a time, the newest last and whole. */
function weeks(
  points: readonly { readonly name: string; readonly value: number }[],
): { name: string; value: number }[] {
  const made: { name: string; value: number }[] = [];
  for (let end = points.length; end > 0; end -= 7) {
    const part = points.slice(Math.max(0, end - 7), end);
    made.unshift({ name: `week from ${part[0]!.name}`, value: part.reduce((sum, { value }) => sum + value, 0) });
  }
  return made;
}

export default function Usage() {
  const [state, set] = useUrl(own);
  const session = useSession();
  const [table, setTable] = useState(false);
  const { env } = state;
  const zone = state.zone ?? "UTC";
  const limit = useMetrics(
    { measures: ["limit_use", "refused", "events"], last: "1h", interval: "minute" },
    env,
    LIVE_MS,
  );
  const history = useMetrics(
    {
      measures: ["events", "requests", "bytes"],
      last: state.by === "hour" ? "48h" : state.by === "day" ? "30d" : "90d",
      interval: state.by === "hour" ? "hour" : "day",
      time_zone: zone,
    },
    env,
    MINUTE_MS,
  );
  const recent = useMetrics({ measures: ["events"], last: "7d", interval: "none" }, env);
  const use = limit.data?.totals.limit_use;
  const share = typeof use === "number" ? use : null;
  const minutes = limit.data?.series[0]?.points ?? [];
  const lastUse = minutes.at(-1)?.limit_use;
  const points = (history.data?.series[0]?.points ?? []).map((point) => ({
    name: time(point.start, zone),
    value: Number(point.events ?? 0),
    partial: point.partial === true,
  }));
  const bars = state.by === "week" ? weeks(points) : points;
  const perDay = numberIn(recent.data?.totals, "events") / 7;
  const refused = numberIn(limit.data?.totals, "refused");
  const advice =
    share === null || share < WARN
      ? "There is room: nothing to do."
      : share < 1
        ? "Bursts come close to the limit. Send in batches over a longer time, or ask for a higher limit before they are refused."
        : "The limit was reached: requests were refused with 429 and Retry-After. Spread them, send batches, or ask for a higher limit.";
  return (
    <Page
      title="Usage and quota"
      actions={
        <Button aria-pressed={table} onPress={() => setTable(!table)}>
          View as table
        </Button>
      }
    >
      {share !== null && share >= 1 ? (
        <Note tone="bad" title="The limit was reached in the last hour.">
          {advice}
        </Note>
      ) : share !== null && share >= WARN ? (
        <Note tone="warn" title="More than 80 % of the limit was used in a second of the last hour.">
          {advice}
        </Note>
      ) : null}
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <Tile title="Quota in use" of={limit}>
          {() => (
            <>
              <Gauge
                title="Busiest second of the last hour, of the limit"
                value={share}
                good={WARN}
                fair={1}
                rising={false}
              />
              <p className="text-center text-sm text-muted">busiest second of the last hour</p>
            </>
          )}
        </Tile>
        <Tile title="Limit" of={limit}>
          {() => (
            <Figure
              value={`${count(session.limit_per_second)}/s`}
              beside={`a sliding second: all of it is free again 1 s after the last event${typeof lastUse === "number" && lastUse > 0 ? "" : "; none is in use"}`}
            />
          )}
        </Tile>
        <Tile title="Refused in the last hour" of={limit}>
          {() => <Figure value={count(refused)} beside="requests" />}
        </Tile>
        <Tile title="Forecast" of={recent}>
          {() => (
            <Figure
              value={`${count(Math.round(perDay))} a day`}
              beside={`${count(Math.round(perDay * 30))} in 30 days, as the last seven days went on`}
            />
          )}
        </Tile>
        <Tile title="Advice" of={limit} wide>
          {() => <p className="text-sm">{advice}</p>}
        </Tile>
        <Tile title="Data taken in" of={history} wide>
          {() => (
            <Figure
              value={bytes(numberIn(history.data?.totals, "bytes"))}
              beside={`in ${count(numberIn(history.data?.totals, "requests"))} requests of the range below`}
            />
          )}
        </Tile>
      </div>
      <section aria-label="History" className="card grid gap-3">
        <div className="flex flex-wrap items-center gap-2">
          <h2 className="font-semibold">Events by</h2>
          {(["hour", "day", "week"] as const).map((by) => (
            <Button
              key={by}
              aria-pressed={state.by === by}
              className={state.by === by ? "bg-accent-soft" : ""}
              onPress={() => set({ by })}
            >
              {by}
            </Button>
          ))}
        </div>
        <Bars title="Events" bars={bars} format={count} as={table ? "table" : "chart"} />
      </section>
    </Page>
  );
}
