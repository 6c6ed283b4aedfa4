import { Link, useLocation } from "wouter";
import { seriesPaints } from "../../../runtime/domain/charts/drawing.ts";
import { alongTime, drawOverTime } from "../../../runtime/domain/charts/overTime.ts";
import { movingAverage, trendInWords, trendOf } from "../../../runtime/domain/charts/reading.ts";
import { Chart, Legend } from "../charts/chart.tsx";
import { asText, type Dashboard } from "../dashboard.ts";
import { bucketTime, count, countOf } from "../format.ts";
import {
  filterOf,
  keyName,
  maybeIn,
  needsDays,
  numberIn,
  pairsInWords,
  pointsOf,
  reasonOf,
  type Series,
  type TileAnswer,
  useTile,
} from "../metrics.ts";
import { useMay } from "../session.tsx";
import type { Told } from "../told.tsx";
import { Empty } from "../ui/basic.tsx";
import { Tile } from "../ui/tile.tsx";
import { keep } from "../url.ts";
import { standing } from "./standing.ts";

/** What came in over time, and whether that is more or less than it was; a bucket leads to its events. */

/** What happened in the range, bucket by bucket. Several tiles show parts of it. */
export const useFlow = (board: Dashboard): TileAnswer =>
  useTile(board, {
    measures: ["events", "delivered", "failed", "dead_lettered", "attempts", "error_rate"],
    interval: "auto",
  });

const GROUPS = 5;

const paintOf = (series: Series, place: number) =>
  "status" in series.key
    ? (standing[series.key.status as keyof typeof standing]?.paint ?? "quiet")
    : seriesPaints[place % seriesPaints.length]!;

const asked: Readonly<Record<string, string>> = {
  minute: "minute by minute",
  hour: "hour by hour",
  day: "day by day",
  none: "",
};

export function IngestionTile({ board, flow }: { board: Dashboard; flow: TileAnswer }) {
  const [, navigate] = useLocation();
  const may = useMay();
  const { zone, by, filter } = board;
  const grouped = by !== "none";
  const groups = useTile(
    board,
    { measures: ["events"], interval: "auto", ...(grouped ? { group_by: [by] } : {}), top: GROUPS },
    grouped,
  );
  const { query, ignored } = grouped ? groups : flow;
  const title = "Events over time";
  const answer = query.data;
  const bucket = answer?.interval ?? "hour";
  return (
    <Tile
      title={title}
      asks={`How many events came in, ${asked[bucket]}?`}
      of={query}
      reason={reasonOf(ignored)}
      width="full"
    >
      {() => {
        const points = pointsOf(answer);
        const times = alongTime(points, answer!.to);
        const { starts, partial } = times;
        const series = grouped ? answer!.series.filter(({ totals }) => numberIn(totals, "events") > 0) : [];
        const all = grouped
          ? points.map((_, at) =>
              answer!.series.reduce((sum, each) => sum + (maybeIn(each.points[at], "events") ?? 0), 0),
            )
          : points.map((point) => maybeIn(point, "events"));
        const total = numberIn(answer?.totals, "events");
        if (total === 0)
          return (
            <Empty title={`No ${board.env} events in this range.`}>
              Choose a longer range, take a filter away, or{" "}
              {may("send") ? <Link href={keep("/send")}>send an event</Link> : "have somebody send one"}.
            </Empty>
          );
        const average = movingAverage(all, partial);
        const trend = trendOf(all, partial);
        const days = needsDays(answer!);
        const most = all.reduce<number>((best, value, at) => ((value ?? 0) > (all[best] ?? 0) ? at : best), 0);
        const name = (at: number | string) => bucketTime(at, zone, bucket, { long: true });
        const round = (value: number | null | undefined) =>
          value === null || value === undefined ? "–" : count(Math.round(value * 10) / 10);
        const told: Told = {
          columns: [
            { name: "When", show: (at) => `${name(String(at))}` },
            { name: "Events", show: (value) => count(Number(value)) },
            ...series.map((each) => ({ name: keyName(each), show: (value: unknown) => count(Number(value)) })),
            { name: "Moving average", show: (value) => round(value as number | null) },
            { name: "Trend", show: (value) => round(value as number | null) },
            { name: "State" },
          ],
          rows: points.map((point, at) => [
            point.start,
            all[at] ?? null,
            ...series.map((each) => maybeIn(each.points[at], "events")),
            average[at] ?? null,
            trend?.values[at] ?? null,
            partial[at] === true ? "still filling" : "counted",
          ]),
        };
        const pick = may("events")
          ? (row: number) => {
              const from = points[row]?.start;
              const to = points[row + 1]?.start ?? answer!.to;
              if (from === undefined) return;
              const [type] = filter.event_type ?? [];
              const query = {
                range: "custom",
                from,
                to,
                ...(type === undefined || type === null || filter.event_type!.length > 1 ? {} : { type }),
              };
              navigate(keep("/events", query));
            }
          : undefined;
        const sentence = `${countOf(total, "event")}; most at ${name(starts[most]!)}, ${count(all[most] ?? 0)}. The trend is ${trendInWords(trend)}.${pairsInWords(board, grouped ? [by] : [])}`;
        return (
          <Chart
            title={title}
            sentence={sentence}
            told={told}
            pick={pick}
            {...(pick === undefined ? {} : { picks: "Click, or Enter: its events" })}
            draw={(width, legend) =>
              drawOverTime(
                {
                  ...times,
                  legend,
                  whole: true,
                  label: (at) => bucketTime(at, zone, bucket, { days }),
                  series: [
                    ...(grouped
                      ? series.map((each, place) => ({
                          name: keyName(each),
                          paint: paintOf(each, place),
                          as: "bars" as const,
                          values: each.points.map((point) => maybeIn(point, "events")),
                        }))
                      : [{ name: "Events", paint: "series0" as const, as: "bars" as const, values: all }]),
                    { name: "Moving average", paint: "ink", as: "line", values: average },
                    ...(trend === undefined
                      ? []
                      : [
                          {
                            name: "Trend",
                            paint: "series1" as const,
                            as: "line" as const,
                            dash: "8 4",
                            values: trend.values,
                          },
                        ]),
                  ],
                },
                { width, height: 260 },
              )
            }
          >
            <Legend
              entries={[
                ...(grouped
                  ? series.map((each, place) => {
                      const filters = filterOf(each);
                      return {
                        name: keyName(each),
                        paint: paintOf(each, place),
                        value: count(numberIn(each.totals, "events")),
                        pick:
                          filters === undefined
                            ? undefined
                            : () => board.toggle(...(filters as ["event_type", string | null])),
                      };
                    })
                  : [{ name: "Events", paint: "series0" as const, value: count(total) }]),
                { name: "moving average", paint: "ink", dash: "" },
                ...(trend === undefined ? [] : [{ name: "trend", paint: "series1" as const, dash: "8 4" }]),
              ]}
            />
            {answer!.folded === 0 ? null : (
              <p className="text-sm text-muted">
                {asText("(other)")} stands for {count(answer!.folded)} more.
              </p>
            )}
          </Chart>
        );
      }}
    </Tile>
  );
}
