import { drawGauge, type Gauge, judge } from "../../../runtime/domain/charts/shares.ts";
import { Picture } from "../charts/screen.tsx";
import type { Dashboard } from "../dashboard.ts";
import { count, share } from "../format.ts";
import { maybeIn, numberIn, reasonOf, type TileAnswer, useTile } from "../metrics.ts";
import { toldFigures, useShows } from "../told.tsx";
import { Tile } from "../ui/tile.tsx";

/** What the range came to as a whole: rates, and how latencies spread. One question, which several tiles show parts of. */
export const useSummary = (board: Dashboard): TileAnswer =>
  useTile(board, {
    measures: ["delivery_success_rate", "delivered", "dead_lettered", "failed", "attempts", "error_rate"],
    interval: "none",
  });

/** Green above 95 %, yellow from 90, red below. */
const SUCCESS: Gauge["zones"] = [
  [0, "bad", "too many fail"],
  [0.9, "warn", "some fail"],
  [0.95 + Number.EPSILON, "good", "as it should be"],
];

/** A share on a half circle, in a colour and in words. */
export function GaugeFigure({ title, gauge, beside }: { title: string; gauge: Gauge; beside: string }) {
  const judged = judge(gauge);
  return (
    <div className="grid justify-items-center gap-1 text-center">
      <Picture
        drawing={drawGauge(gauge, 180)}
        says={`${title}: ${gauge.says}${judged === undefined ? "" : `, ${judged.word}`}.`}
      />
      <p className="text-sm font-medium">{judged?.word ?? "nothing yet"}</p>
      <p className="text-sm text-muted">{beside}</p>
    </div>
  );
}

export function SuccessTile({ summary }: { summary: TileAnswer }) {
  const { query, ignored } = summary;
  const totals = query.data?.totals;
  const value = maybeIn(totals, "delivery_success_rate");
  const title = "Delivery success rate";
  const [delivered, dead] = [numberIn(totals, "delivered"), numberIn(totals, "dead_lettered")];
  const sentence =
    value === null
      ? "Nothing has ended yet."
      : `${share(value)}: ${count(delivered)} delivered, ${count(dead)} dead-lettered.`;
  useShows(
    totals === undefined
      ? undefined
      : {
          title,
          sentence,
          told: toldFigures([
            [title, value, share],
            ["Delivered", delivered],
            ["Dead-lettered", dead],
          ]),
        },
  );
  return (
    <Tile title={title} asks="How much of what ended was delivered?" of={query} reason={reasonOf(ignored)}>
      {() => (
        <GaugeFigure
          title={title}
          gauge={{ value, zones: SUCCESS, says: value === null ? "–" : share(value) }}
          beside={
            value === null
              ? "nothing ended in this range"
              : `${count(delivered)} of ${count(delivered + dead)} that ended`
          }
        />
      )}
    </Tile>
  );
}
