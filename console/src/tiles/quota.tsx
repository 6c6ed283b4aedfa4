import type { Gauge } from "../../../runtime/domain/charts/shares.ts";
import type { Dashboard } from "../dashboard.ts";
import { count } from "../format.ts";
import { maybeIn, pointsOf, type TileAnswer, useMetrics } from "../metrics.ts";
import { useSession } from "../session.tsx";
import { useShows } from "../told.tsx";
import { Tile } from "../ui/tile.tsx";
import { GaugeFigure } from "./summary.tsx";

/** How much of the limit is in use. */

const LIVE_MS = 5_000;

/** The last hour by the minute: the limit's use, and what was refused for it. */
export function useQuota(board: Dashboard): TileAnswer {
  const query = useMetrics(
    { measures: ["limit_use", "refused", "events"], last: "1h", interval: "minute" },
    board.env,
    LIVE_MS,
  );
  return {
    query,
    ignored: (Object.keys(board.filter) as (keyof typeof board.filter)[]).filter(
      (each) => board.filter[each] !== undefined,
    ),
  };
}

/** Yellow from 80 %, red at 100 %. */
const QUOTA_ZONES: Gauge["zones"] = [
  [0, "good", "there is room"],
  [0.8, "warn", "close to the limit"],
  [1, "bad", "the limit is reached"],
];

/** The busiest second of the present minute, or of the one before while this one is new. */
export function useNow(quota: TileAnswer): { readonly share: number | null; readonly peak: number | null } {
  const points = pointsOf(quota.query.data);
  const uses = points.map((point) => maybeIn(point, "limit_use"));
  const now = Math.max(uses.at(-1) ?? 0, uses.at(-2) ?? 0);
  return {
    share: points.length === 0 ? null : now,
    peak: uses.length === 0 ? null : Math.max(...uses.map((use) => use ?? 0)),
  };
}

export function QuotaTile({ quota }: { quota: TileAnswer }) {
  const { limit_per_second: limit } = useSession();
  const { share, peak } = useNow(quota);
  const title = "Quota in use";
  const used = Math.round((share ?? 0) * limit);
  const says = share === null ? "–" : `${count(used)}/${count(limit)}`;
  useShows(
    share === null
      ? undefined
      : {
          title,
          sentence: `${says} events per second`,
          told: {
            columns: [{ name: "Measure" }, { name: "Value" }],
            rows: [
              ["Busiest second of the last minute, events", used],
              ["Limit, events per second", limit],
              ["Busiest second of the last hour, share", peak],
            ],
          },
        },
  );
  return (
    <Tile
      title={title}
      asks="How near to the limit is this?"
      of={quota.query}
      reason={quota.ignored.length === 0 ? undefined : "Not filtered: the limit is on all events together."}
    >
      {() => (
        <GaugeFigure
          title={title}
          gauge={{ value: share, zones: QUOTA_ZONES, says }}
          beside={`events per second, in the busiest second of the last minute; ${peak === null ? "–" : `${Math.round(peak * 100)} %`} at most in the last hour. Looked up every 5 s.`}
        />
      )}
    </Tile>
  );
}
