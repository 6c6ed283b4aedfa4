import { plural } from "../../../runtime/domain/plural.ts";
import type { Dashboard } from "../dashboard.ts";
import { count, countOf } from "../format.ts";
import { filtersOf, type MetricsQuery, numberIn, type TileAnswer, useMetrics } from "../metrics.ts";
import { useShows } from "../told.tsx";
import { Figure, Tile } from "../ui/tile.tsx";

/** What was turned away, and why. */

const turnedAway: MetricsQuery = { measures: ["refused"], last: "1h", interval: "none", group_by: ["reason"] };

/** The requests of the last hour that were refused, by reason. */
export const useRefused = (board: Dashboard): TileAnswer => ({
  query: useMetrics(turnedAway, board.env, board.every),
  ignored: filtersOf(board),
});

/** How many were refused for this. */
export const refusedFor = (reason: string, { query }: TileAnswer): number =>
  numberIn(query.data?.series.find(({ key }) => key.reason === reason)?.totals, "refused");

export function RefusedTile({ refused: { query, ignored } }: { refused: TileAnswer }) {
  const reasons = (query.data?.series ?? []).map(
    ({ key, totals }) => [key.reason ?? "unknown", numberIn(totals, "refused")] as const,
  );
  const whole = numberIn(query.data?.totals, "refused");
  const title = "Refused in the last hour";
  useShows(
    query.data === undefined
      ? undefined
      : {
          title,
          sentence: countOf(whole, "request"),
          told: { columns: [{ name: "Reason" }, { name: "Requests" }], rows: reasons },
        },
  );
  return (
    <Tile
      title={title}
      asks="Was anything turned away?"
      of={query}
      reason={ignored.length === 0 ? undefined : "Not filtered: refused requests are counted only by key."}
    >
      {() => (
        <Figure
          value={count(whole)}
          formula="Requests to POST /events that were answered 4xx or 503 in the last hour: over the limit, malformed, or while the platform was down."
          beside={
            whole === 0
              ? "requests"
              : `${plural(whole, "request")}: ${reasons.map(([reason, n]) => `${count(n)} ${reason}`).join(", ")}`
          }
        />
      )}
    </Tile>
  );
}
