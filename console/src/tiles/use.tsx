import { useQuery } from "@tanstack/react-query";
import { drawHeat } from "../../../runtime/domain/charts/heat.ts";
import { alongTime, drawOverTime } from "../../../runtime/domain/charts/overTime.ts";
import { drawRanked } from "../../../runtime/domain/charts/ranked.ts";
import { dayForecast } from "../../../runtime/domain/charts/reading.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { HOUR_MS } from "../../../runtime/domain/time.ts";
import { call } from "../api.ts";
import { Chart, Legend } from "../charts/chart.tsx";
import type { Dashboard } from "../dashboard.ts";
import { bucketTime, bytes, count, countOf, dateIn, hourIn, share, time } from "../format.ts";
import { useKeyNames } from "../keyNames.ts";
import { NEAR } from "../limit.ts";
import {
  filtersOf,
  keyName,
  maybeIn,
  needsDays,
  numberIn,
  pointsOf,
  reasonOf,
  type TileAnswer,
  useTile,
} from "../metrics.ts";
import type { Piece } from "../pieces.ts";
import { type Told, toldFigures, useShows } from "../told.tsx";
import type { UsageAnswer } from "../types.ts";
import { Empty } from "../ui/basic.tsx";
import { Figure, Tile } from "../ui/tile.tsx";
import { unfiltered } from "./quota.tsx";

/** How much is used over time, and where that leads. */

/** Eight days by the hour: what the day will come to, when events come, and how near to the limit they came. */
export const useHours = (board: Dashboard): TileAnswer => {
  const { query } = useTile(
    { ...board, filter: {} },
    { measures: ["events", "limit_use"], last: "8d", interval: "hour" },
  );
  return { query, ignored: filtersOf(board) };
};

const DAY = 24;

export function LimitUseTile({ board, hours }: { board: Dashboard; hours: TileAnswer }) {
  const { query } = hours;
  const reason = unfiltered(hours);
  const { zone } = board;
  const title = "Quota used over 24 hours";
  return (
    <Tile title={title} asks="When did events come nearest to the limit?" of={query} reason={reason} width="wide">
      {() => {
        const points = pointsOf(query.data).slice(-DAY);
        const uses = points.map((point) => maybeIn(point, "limit_use"));
        const most = uses.reduce<number>((best, use, at) => ((use ?? 0) > (uses[best] ?? 0) ? at : best), 0);
        const told: Told = {
          columns: [
            { name: "When", show: (at) => bucketTime(String(at), zone, "hour", { long: true }) },
            { name: "Busiest second, of the limit", show: (use) => (use === null ? "–" : share(Number(use))) },
            { name: "Events", show: (value) => count(Number(value)) },
          ],
          rows: points.map((point, at) => [point.start, uses[at] ?? null, maybeIn(point, "events")]),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={`The busiest second was between ${bucketTime(points[most]!.start, zone, "hour")} and the hour after, with ${share(uses[most] ?? 0)} of the limit.`}
            draw={(width) =>
              drawOverTime(
                {
                  ...alongTime(points, query.data!.to),
                  series: [{ name: "Busiest second", paint: "series0", as: "area", values: uses }],
                  levels: [
                    { value: NEAR, paint: "warn", name: "80 %: warning" },
                    { value: 1, paint: "bad", name: "100 %: refused" },
                  ],
                  format: (use) => `${Math.round(use * 100)} %`,
                  label: (at) => bucketTime(at, zone, "hour", { days: false }),
                },
                { width, height: 200 },
              )
            }
          />
        );
      }}
    </Tile>
  );
}

export function DayForecastTile({ board, hours }: { board: Dashboard; hours: TileAnswer }) {
  const { query } = hours;
  const reason = unfiltered(hours);
  const { zone } = board;
  const title = "Forecast for today";
  const known = pointsOf(query.data).map((point) => {
    const at = Date.parse(point.start);
    return { at, day: dateIn(at, zone), hour: hourIn(at, zone), value: maybeIn(point, "events") ?? 0 };
  });
  const newest = known.at(-1);
  const counted = Date.parse(query.data?.complete_until ?? "") - (newest?.at ?? 0);
  const forecast =
    newest === undefined
      ? undefined
      : dayForecast(known, newest.day, newest.hour, Math.min(1, Math.max(0, counted / HOUR_MS)));
  useShows(
    forecast === undefined
      ? undefined
      : {
          title,
          sentence: `${count(forecast.soFar)} so far.`,
          told: {
            columns: [{ name: "Measure" }, { name: "Events" }],
            rows: [
              ["So far today", forecast.soFar],
              ["Expected by midnight", Math.round(forecast.whole)],
            ],
          },
        },
  );
  return (
    <Tile title={title} asks="How many events will there be by midnight?" of={query} reason={reason}>
      {() =>
        forecast === undefined ? (
          <p className="text-sm text-muted">Not enough yet: it takes a whole day of traffic to foresee one.</p>
        ) : (
          <Figure
            value={count(Math.round(forecast.whole))}
            formula="What came since midnight, and as many more as the days before had on average after the same time of day."
            beside={`${count(forecast.soFar)} so far; the rest as in the ${forecast.days === 1 ? "day" : countOf(forecast.days, "day")} before`}
          />
        )
      }
    </Tile>
  );
}

/** The month, as `GET /usage` foresees it. */
export const useProjection = (board: Dashboard) =>
  useQuery({
    queryKey: ["projection", board.env],
    queryFn: ({ signal }) => call<UsageAnswer>("GET", "/usage?interval=hour", { env: board.env, signal }),
    refetchInterval: board.every,
    staleTime: 60_000,
  });

export function MonthForecastTile({
  board,
  projection,
}: {
  board: Dashboard;
  projection: ReturnType<typeof useProjection>;
}) {
  const title = "Forecast for the month";
  const found = projection.data?.quota.projection;
  useShows(
    found === undefined
      ? undefined
      : {
          title,
          sentence: `${count(found.events_to_date)} so far.`,
          told: toldFigures([
            ["So far this month", found.events_to_date],
            ["Expected for the whole month", found.projected_events],
            ["Of what the limit lets through", found.projected_use, share],
            ["Peak meets the limit at", found.limit_reached_at],
          ]),
        },
  );
  return (
    <Tile
      title={title}
      asks="How many events will the month have (UTC)?"
      of={projection}
      reason={unfiltered({ ignored: filtersOf(board) })}
    >
      {() => (
        <div className="grid gap-1">
          {found!.projected_events === null || found!.projected_use === null ? (
            <p className="text-sm text-muted">
              Not enough yet: it takes a day of traffic to foresee a month. {countOf(found!.events_to_date, "event")} so
              far.
            </p>
          ) : (
            <Figure
              value={count(found!.projected_events)}
              formula="What came since the first of the month (UTC), and the rest at the pace of the last seven days, or since the first event where that is less."
              beside={`${count(found!.events_to_date)} so far; ${share(found!.projected_use)} of what the limit lets through`}
            />
          )}
          <p className="text-sm text-muted">
            {found!.peak_per_second === null
              ? "It takes a week of traffic to see where the peak leads."
              : found!.limit_reached_at === null
                ? "The peak does not reach the limit within a year if it goes on like this."
                : `If the peak grows on like this, it meets the limit on ${time(found!.limit_reached_at, board.zone)}.`}
          </p>
        </div>
      )}
    </Tile>
  );
}

export function WeekTile({ board, hours }: { board: Dashboard; hours: TileAnswer }) {
  const { query } = hours;
  const reason = unfiltered(hours);
  const { zone } = board;
  const title = "Events by day and hour";
  return (
    <Tile title={title} asks="At which hours do events come?" of={query} reason={reason} width="wide">
      {() => {
        const points = pointsOf(query.data);
        const days = [...new Set(points.map(({ start }) => dateIn(Date.parse(start), zone)))];
        const total = points.reduce((sum, point) => sum + (maybeIn(point, "events") ?? 0), 0);
        if (total === 0)
          return <Empty title="No event came in the last eight days.">Hours fill up here as events come in.</Empty>;
        const byPlace = new Map<string, number>();
        for (const point of points) {
          const at = Date.parse(point.start);
          const place = `${dateIn(at, zone)} ${hourIn(at, zone)}`;
          byPlace.set(place, (byPlace.get(place) ?? 0) + (maybeIn(point, "events") ?? 0));
        }
        const dayName = (day: string) => bucketTime(`${day}T12:00:00Z`, "UTC", "day", { long: true });
        const cells = days.flatMap((day, line) =>
          Array.from({ length: DAY }, (_, column) => ({
            column,
            line,
            value: byPlace.get(`${day} ${column}`) ?? null,
          })),
        );
        const busiest = cells.reduce((best, cell) => ((cell.value ?? 0) > (best.value ?? 0) ? cell : best));
        const hour = (column: number) => `${String(column).padStart(2, "0")}:00`;
        const told: Told = {
          columns: [
            { name: "When" },
            { name: "Events", show: (value) => (value === null ? "not known" : count(Number(value))) },
          ],
          rows: cells.map(({ column, line, value }) => [`${dayName(days[line]!)}, ${hour(column)}`, value]),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={`Most came on ${dayName(days[busiest.line]!)} at ${hour(busiest.column)}: ${count(busiest.value ?? 0)}. A stronger colour is more; dashed is not known, or not yet.`}
            draw={(width) =>
              drawHeat(
                cells,
                Array.from({ length: DAY }, (_, column) => String(column)),
                days.map(dayName),
                width,
              )
            }
          />
        );
      }}
    </Tile>
  );
}

export function KeysTile({ board }: { board: Dashboard }) {
  const { query, ignored } = useTile(board, { measures: ["events"], interval: "none", group_by: ["key_id"], top: 10 });
  const names = useKeyNames();
  const title = "Events by key";
  return (
    <Tile title={title} asks="Which keys send how much?" of={query} reason={reasonOf(ignored)} width="wide">
      {() => {
        const found = (query.data?.series ?? []).filter(({ totals }) => numberIn(totals, "events") > 0);
        if (found.length === 0)
          return <Empty title="No key sent an event in this range.">Choose a longer range.</Empty>;
        const nameOf = (series: (typeof found)[number]) =>
          typeof series.key.key_id === "string" ? names(series.key.key_id) : keyName(series);
        const told: Told = {
          columns: [{ name: "Key" }, { name: "Events", show: (value) => count(Number(value)) }],
          rows: found.map((series) => [nameOf(series), numberIn(series.totals, "events")]),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={`${nameOf(found[0]!)} sent most: ${count(numberIn(found[0]!.totals, "events"))}.`}
            draw={(width) =>
              drawRanked(
                found.map((series) => ({ name: nameOf(series), value: numberIn(series.totals, "events") })),
                width,
                count,
              )
            }
          />
        );
      }}
    </Tile>
  );
}

/** Seven days at a time, the newest last and whole. */
function weeks<T extends { readonly start: string; readonly partial: boolean; readonly values: readonly number[] }>(
  days: readonly T[],
) {
  const made: { start: string; partial: boolean; values: number[] }[] = [];
  for (let end = days.length; end > 0; end -= 7) {
    const part = days.slice(Math.max(0, end - 7), end);
    made.unshift({
      start: part[0]!.start,
      partial: part.some(({ partial }) => partial) || part.length < 7,
      values: part[0]!.values.map((_, at) => part.reduce((sum, { values }) => sum + values[at]!, 0)),
    });
  }
  return made;
}

const history = ["events", "requests", "bytes"] as const;

export function HistoryTile({ board, piece }: { board: Dashboard; piece: Piece }) {
  const { zone, times } = board;
  const interval = piece === "week" ? "day" : piece;
  // `last` counts whole pieces back from the end of the present one, which can be shorter than the range is: the last hour by hours would be the present one alone.
  const range = piece === "minute" ? {} : { from: times.from, ...defined({ to: times.to }) };
  const { query, ignored } = useTile(board, { measures: history, interval, ...range });
  const title = "History";
  return (
    <Tile title={title} asks={`How much was used, by the ${piece}?`} of={query} reason={reasonOf(ignored)} width="full">
      {() => {
        const single = pointsOf(query.data).map((point) => ({
          start: point.start,
          partial: point.partial === true,
          values: history.map((measure) => maybeIn(point, measure) ?? 0),
        }));
        const points = piece === "week" ? weeks(single) : single;
        const label = (at: number | string, long = false) =>
          bucketTime(at, zone, interval, { long, days: needsDays(query.data!) });
        const [events = 0, requests = 0, size = 0] = history.map((measure) => numberIn(query.data?.totals, measure));
        const told: Told = {
          columns: [
            { name: piece === "week" ? "Week from" : "When", show: (at) => label(String(at), true) },
            { name: "Events", show: (value) => count(Number(value)) },
            { name: "Requests", show: (value) => count(Number(value)) },
            { name: "Data", show: (value) => bytes(Number(value)) },
            { name: "State" },
          ],
          rows: points.map(({ start, partial, values }) => [start, ...values, partial ? "still filling" : "counted"]),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={`${countOf(events, "event")} in ${countOf(requests, "request")}, ${bytes(size)} in all, since ${time(query.data!.from, zone)}.`}
            draw={(width) =>
              drawOverTime(
                {
                  ...alongTime(points, query.data!.to),
                  whole: true,
                  series: [
                    { name: "Events", paint: "series0", as: "bars", values: points.map(({ values }) => values[0]!) },
                  ],
                  label,
                },
                { width, height: 240 },
              )
            }
          >
            <Legend entries={[{ name: "Events", paint: "series0", value: count(events) }]} />
          </Chart>
        );
      }}
    </Tile>
  );
}
