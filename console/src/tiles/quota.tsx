import type { Gauge } from "../../../runtime/domain/charts/shares.ts";
import type { Dashboard } from "../dashboard.ts";
import { count } from "../format.ts";
import { NEAR } from "../limit.ts";
import { filtersOf, followed, type MetricsQuery, maybeIn, pointsOf, type TileAnswer, useMetrics } from "../metrics.ts";
import { useSession } from "../session.tsx";
import { toldFigures, useShows } from "../told.tsx";
import { Tile } from "../ui/tile.tsx";
import { GaugeFigure } from "./summary.tsx";

/** How much of the limit is in use. */

/** Between two looks. Time passes also without traffic, and a minute drops out of the counted range. */
const LOOK_MS = 5_000;

const asked: MetricsQuery = { measures: ["limit_use", "events"], last: "1h", interval: "minute" };

/** The last hour by the minute: the limit's use. */
export function useQuota(board: Dashboard): TileAnswer {
  const query = useMetrics(asked, board.env, LOOK_MS);
  const ignored = filtersOf(board);
  return { query: ignored.length === 0 ? followed(board, asked, query) : query, ignored };
}

/** Why what is about the limit is not narrowed. */
export const unfiltered = ({ ignored }: Pick<TileAnswer, "ignored">): string | undefined =>
  ignored.length === 0 ? undefined : "Not filtered: the limit is on all events together.";

/** Yellow from 80 %, red at 100 %. */
const QUOTA_ZONES: Gauge["zones"] = [
  [0, "good", "there is room"],
  [NEAR, "warn", "close to the limit"],
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
          told: toldFigures([
            ["Busiest second of the last minute, events", used],
            ["Limit, events per second", limit],
            ["Busiest second of the last hour, share", peak],
          ]),
        },
  );
  return (
    <Tile title={title} asks="How near to the limit is this?" of={quota.query} reason={unfiltered(quota)}>
      {() => (
        <GaugeFigure
          title={title}
          gauge={{ value: share, zones: QUOTA_ZONES, says }}
          beside={`events per second, in the busiest second of the last minute; ${peak === null ? "–" : `${Math.round(peak * 100)} %`} at most in the last hour`}
        />
      )}
    </Tile>
  );
}
