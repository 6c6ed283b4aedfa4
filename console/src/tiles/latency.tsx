import { columnsOf, drawHistogram } from "../../../runtime/domain/charts/histogram.ts";
import { alongTime, drawOverTime } from "../../../runtime/domain/charts/overTime.ts";
import { isUnusual, usualOf } from "../../../runtime/domain/charts/reading.ts";
import { defined } from "../../../runtime/domain/defined.ts";
import { unitOfLength } from "../../../runtime/domain/time.ts";
import { Chart, Legend } from "../charts/chart.tsx";
import type { Dashboard } from "../dashboard.ts";
import { bucketTime, count, ms, share } from "../format.ts";
import { latencyIn, type Point, pointsOf, reasonOf, type TileAnswer, useTile } from "../metrics.ts";
import type { Told } from "../told.tsx";
import { Button, Note } from "../ui/basic.tsx";
import { Tile } from "../ui/tile.tsx";
import { maybeOneOf, useUrl } from "../url.ts";

/** How long things took: by the hour beside the week before, and as a distribution. */

const both = ["accept_latency_ms", "delivery_latency_ms"] as const;
export type LatencyName = (typeof both)[number];
const names: Readonly<Record<LatencyName, readonly [title: string, asks: string, what: string]>> = {
  accept_latency_ms: [
    "Accept latency",
    "How fast were events acknowledged, over 24 hours?",
    "from the edge until the event is safe, which is when 202 is answered",
  ],
  delivery_latency_ms: [
    "Delivery latency",
    "How fast were events delivered, over 24 hours?",
    "from the edge until a webhook answered 2xx",
  ],
};
/** The quantiles, and how the line of each is drawn. */
const lines = [
  { name: "p50", paint: "series0", dash: "" },
  { name: "p95", paint: "series1", dash: "6 3" },
  { name: "p99", paint: "series3", dash: "2 3" },
] as const;
const quantiles = lines.map(({ name }) => name);
const DAY = 24;

/**
 * The last day by the hour, and the seven days before it, which say what is usual. Both latencies are one question where the filters apply to
 * both; acceptance knows no workflow, so that with one each is asked about by itself.
 */
function useLatencies(board: Dashboard, name: LatencyName): TileAnswer {
  const together = Object.keys(board.filter).every((dimension) => dimension === "event_type");
  return useTile(board, { measures: together ? both : [name], last: "8d", interval: "hour" });
}

const quantileIn = (point: Point, name: LatencyName, quantile: (typeof lines)[number]["name"]): number | null =>
  latencyIn(point, name)?.[quantile] ?? null;

/** What the 95th percentile usually is, of an hour. */
const usualIn = (points: readonly Point[], name: LatencyName) =>
  usualOf(points.slice(0, -DAY).map((point) => quantileIn(point, name, "p95")));

const shown = (value: number | null | undefined): string => (value === null || value === undefined ? "–" : ms(value));

export function LatencyTile({ board, name }: { board: Dashboard; name: LatencyName }) {
  const { query, ignored } = useLatencies(board, name);
  const [title, asks, what] = names[name];
  const { zone } = board;
  return (
    <Tile title={title} asks={asks} of={query} reason={reasonOf(ignored)} width="wide">
      {() => {
        const all = pointsOf(query.data);
        const points = all.slice(-DAY);
        const usual = usualIn(all, name);
        const last = points.findLast((point) => quantileIn(point, name, "p95") !== null);
        const told: Told = {
          columns: [
            { name: "When", show: (at) => bucketTime(String(at), zone, "hour", { long: true }) },
            ...quantiles.map((quantile) => ({
              name: quantile,
              show: (value: unknown) => shown(value as number | null),
            })),
            { name: "Measured", show: (value: unknown) => count(Number(value)) },
          ],
          rows: points.map((point) => [
            point.start,
            ...quantiles.map((quantile) => quantileIn(point, name, quantile)),
            latencyIn(point, name)?.count ?? 0,
          ]),
        };
        const now = last === undefined ? null : quantileIn(last, name, "p95");
        const odd = isUnusual(now, usual);
        const sentence =
          last === undefined
            ? "Nothing was measured in these 24 hours."
            : `Last: p50 ${shown(quantileIn(last, name, "p50"))}, p95 ${shown(now)}, p99 ${shown(quantileIn(last, name, "p99"))}. ${
                usual === undefined
                  ? "There is too little of the week before to say what is usual."
                  : `In the week before, p95 mostly lay between ${ms(usual.low)} and ${ms(usual.high)}${odd ? ": this is unusual" : ""}.`
              } Measured ${what}.`;
        return (
          <Chart
            title={title}
            sentence={sentence}
            told={told}
            draw={(width, legend) =>
              drawOverTime(
                {
                  ...alongTime(points, query.data!.to),
                  legend,
                  series: lines.map((line) => ({
                    ...line,
                    as: "line",
                    values: points.map((point) => quantileIn(point, name, line.name)),
                  })),
                  ...defined({ band: usual }),
                  format: ms,
                  unit: unitOfLength,
                  label: (at) => bucketTime(at, zone, "hour", { days: false }),
                },
                { width, height: 180 },
              )
            }
          >
            <Legend
              entries={[
                ...lines.map((line) => ({
                  ...line,
                  value: shown(last === undefined ? null : quantileIn(last, name, line.name)),
                })),
                ...(usual === undefined ? [] : [{ name: "usual p95", paint: "info" as const }]),
              ]}
            />
            {odd ? (
              <Note tone="warn">
                ▲ p95 is {ms(now ?? 0)}; usually it is {ms(usual?.high ?? 0)} at most.
              </Note>
            ) : null}
          </Chart>
        );
      }}
    </Tile>
  );
}

const own = { latency: maybeOneOf(["delivery", "accept"]) };

/** How the latencies of the range spread, over how they spread in the range before. */
export function DistributionTile({ board }: { board: Dashboard }) {
  const [{ latency = "delivery" }, set] = useUrl(own);
  const name: LatencyName = `${latency}_latency_ms`;
  const latencies = useLatencies(board, name);
  const { query, ignored } = useTile(board, {
    measures: [name],
    interval: "none",
    histogram: true,
    compare: "previous",
  });
  const title = "Latency distribution";
  return (
    <Tile
      title={title}
      asks="How long did it take, and is that usual?"
      of={query}
      reason={reasonOf(ignored)}
      width="wide"
    >
      {() => {
        const value = latencyIn(query.data?.totals, name);
        const before = latencyIn(query.data?.compare?.totals, name);
        const usual = usualIn(pointsOf(latencies.query.data), name);
        const columns = columnsOf(value?.buckets ?? [], before?.buckets ?? [], before?.p95 ?? Number.POSITIVE_INFINITY);
        const slow = columns.filter(({ unusual }) => unusual).reduce((sum, column) => sum + column.count, 0);
        const odd = isUnusual(value?.p95, usual);
        const told: Told = {
          columns: [
            { name: "Took" },
            { name: "Times", show: (n) => count(Number(n)) },
            { name: "Usual", show: (n) => (n === null ? "–" : count(Math.round(Number(n)))) },
            { name: "Judged" },
          ],
          rows: columns.map(({ from, to, count: n, expected, unusual }) => [
            from === 0 ? `up to ${ms(to)}` : `${ms(from)} to ${ms(to)}`,
            n,
            expected,
            unusual ? "unusually many" : expected === null ? "nothing to compare with" : "as usual",
          ]),
        };
        const sentence =
          value === undefined
            ? "Nothing was measured in this range."
            : `${count(value.count)} measured: half took ${shown(value.p50)} at most, 95 of 100 took ${shown(value.p95)} and 99 of 100 took ${shown(value.p99)}. ${
                before === undefined
                  ? "There is nothing in the range before to compare with."
                  : slow === 0
                    ? "They spread as in the range before."
                    : `${count(slow)} (${share(slow / value.count)}) were slower than usual, marked by a triangle.`
              }`;
        return (
          <Chart
            title={title}
            sentence={sentence}
            told={told}
            draw={(width) =>
              drawHistogram(
                {
                  columns,
                  percentiles: quantiles.map((quantile) => ({ name: quantile, ms: value?.[quantile] ?? null })),
                  band: usual,
                  format: ms,
                },
                { width, height: 240 },
              )
            }
          >
            <div className="flex flex-wrap items-center gap-2" role="group" aria-label="Which latency">
              {(["delivery", "accept"] as const).map((each) => (
                <Button
                  key={each}
                  aria-pressed={latency === each}
                  className={`min-h-8 py-0.5 ${latency === each ? "bg-accent-soft" : ""}`}
                  onPress={() => set({ latency: each === "delivery" ? undefined : each })}
                >
                  {each === "delivery" ? "Until delivered" : "Until accepted"}
                </Button>
              ))}
            </div>
            <p className="text-sm text-muted">
              Bars: how often it took this time.
              {before === undefined ? "" : " Dashed: as many as in the range before."}
              {usual === undefined
                ? ""
                : ` Shaded: where p95 lay in the last week, ${ms(usual.low)} to ${ms(usual.high)}.`}
            </p>
            {odd ? <Note tone="warn">▲ p95 of this range, {shown(value?.p95)}, is above what is usual.</Note> : null}
          </Chart>
        );
      }}
    </Tile>
  );
}
