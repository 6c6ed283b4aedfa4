import { drawSpark } from "../../../runtime/domain/charts/spark.ts";
import { Picture } from "../charts/screen.tsx";
import type { Dashboard } from "../dashboard.ts";
import { todayAndYesterday } from "../days.ts";
import { bucketTime, count } from "../format.ts";
import { numberIn, pairsInWords, pointsOf, reasonOf, type TileAnswer, useTile } from "../metrics.ts";
import { type Told, useShows } from "../told.tsx";
import { Figure, Tile } from "../ui/tile.tsx";

/** Today beside yesterday, by the calendar of the zone: two figures of one question. */

/** Hours that hold all of yesterday, also where clocks were set back. */
const HOURS = "50h";

export const useToday = (board: Dashboard): TileAnswer =>
  useTile({ ...board, filter: board.filter }, { measures: ["events", "delivered"], last: HOURS, interval: "hour" });

const formulas = {
  events:
    "Events that were accepted since midnight. By workflow or status, an event counts once for each subscription that it matched.",
  delivered: "Events times subscriptions that were answered 2xx since midnight; replays count as well.",
} as const;

export function TodayTile({
  board,
  today,
  measure,
}: {
  board: Dashboard;
  today: TileAnswer;
  measure: "events" | "delivered";
}) {
  const { query, ignored } = today;
  const { zone } = board;
  const title = measure === "events" ? "Events ingested" : "Events delivered";
  const [ours, before] = todayAndYesterday(pointsOf(query.data), zone);
  const sum = (points: typeof ours) => points.reduce((total, point) => total + numberIn(point as never, measure), 0);
  const [whole, yesterday] = [sum(ours), sum(before)];
  const byNow = sum(before.slice(0, ours.length));
  const values = (points: typeof ours) => points.map((point) => numberIn(point as never, measure));
  const told: Told = {
    columns: [
      { name: "When", show: (at) => bucketTime(String(at), zone, "hour", { long: true }) },
      { name: title, show: (value) => count(Number(value)) },
    ],
    rows: [...before, ...ours].map(({ start, [measure]: value }) => [start, Number(value ?? 0)]),
  };
  const sentence = `${count(whole)} today, ${count(yesterday)} in all of yesterday, ${count(byNow)} of them up to this hour.`;
  useShows(query.data === undefined ? undefined : { title, sentence, told });
  return (
    <Tile title={title} asks="Today, since midnight" of={query} reason={reasonOf(ignored)}>
      {() => (
        <div className="grid gap-1">
          <Figure
            value={count(whole)}
            formula={formulas[measure]}
            beside={`${count(yesterday)} yesterday; ${count(byNow)} up to this hour.${measure === "events" ? pairsInWords(board) : ""}`}
          />
          <Picture
            drawing={drawSpark(values(ours), { width: 200, height: 40 }, values(before))}
            says={`${title} by hour, today as a line, yesterday dotted. ${sentence}`}
          />
        </div>
      )}
    </Tile>
  );
}
