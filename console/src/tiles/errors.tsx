import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { attemptsOf } from "../../../runtime/domain/attempts.ts";
import { seriesPaints } from "../../../runtime/domain/charts/drawing.ts";
import { alongTime, drawOverTime } from "../../../runtime/domain/charts/overTime.ts";
import { drawRanked } from "../../../runtime/domain/charts/ranked.ts";
import { failureCatalog } from "../../../runtime/domain/errors/failures.ts";
import { type ErrorClass, errorClasses } from "../../../runtime/domain/metrics/names.ts";
import { call, queryOf } from "../api.ts";
import { Chart, Legend } from "../charts/chart.tsx";
import type { Dashboard, Filtered } from "../dashboard.ts";
import { answerIn, errorWords } from "../errorWords.ts";
import { bucketTime, count, countOf, ms, share } from "../format.ts";
import {
  maybeIn,
  needsDays,
  numberIn,
  pointsOf,
  reasonOf,
  type Series,
  type TileAnswer,
  useTile,
  words,
} from "../metrics.ts";
import { useMay } from "../session.tsx";
import { type Told, useShows } from "../told.tsx";
import type { Delivery } from "../types.ts";
import { Empty, NextAttempt, Status } from "../ui/basic.tsx";
import { Table } from "../ui/table.tsx";
import { Tile } from "../ui/tile.tsx";
import { keep } from "../url.ts";

/** What failed: how much of all, what kind, and what exactly. */

const wordOf = ({ key }: Series): string => errorWords[key.error as ErrorClass] ?? "Other";
const paintOf = ({ key }: Series) =>
  seriesPaints[Math.max(0, errorClasses.indexOf(key.error as ErrorClass)) % seriesPaints.length]!;

/** Failed attempts by kind and time, for the chart and the list of the most frequent. The last attempt of a dead letter counts too. */
export const useErrors = (board: Dashboard): TileAnswer =>
  useTile(board, { measures: ["attempts"], interval: "auto", group_by: ["error"] });

const failures = ({ totals }: Series): number => numberIn(totals, "attempts");

/** Kinds of failure, the most frequent first. */
const found = (answer: TileAnswer): Series[] =>
  (answer.query.data?.series ?? [])
    .filter((series) => series.key.error !== null && failures(series) > 0)
    .toSorted((a, b) => failures(b) - failures(a));

const pickError = (board: Dashboard, { key }: Series) => {
  if (key.error !== undefined && key.error !== null) board.toggle("error", key.error);
};

/** Shows one bucket of a chart alone. @param points of the chart @param end of the last one */
const pickTime = (board: Dashboard, points: readonly { readonly start: string }[], end: string) => (row: number) => {
  const from = points[row]?.start;
  if (from !== undefined) board.set({ range: "custom", from, to: points[row + 1]?.start ?? end }, false);
};
const PICKS_TIME = "Click, or Enter: only this time";

export function ErrorRateTile({ board, flow }: { board: Dashboard; flow: TileAnswer }) {
  const { query, ignored } = flow;
  const { zone } = board;
  const title = "Delivery error rate";
  return (
    <Tile title={title} asks="How much of what was tried failed?" of={query} reason={reasonOf(ignored)} width="wide">
      {() => {
        const answer = query.data!;
        const points = pointsOf(answer);
        const rates = points.map((point) => maybeIn(point, "error_rate"));
        const whole = maybeIn(answer.totals, "error_rate");
        const worst = rates.reduce<number>((best, value, at) => ((value ?? -1) > (rates[best] ?? -1) ? at : best), 0);
        const days = needsDays(answer);
        const name = (at: number | string) => bucketTime(at, zone, answer.interval, { long: true });
        const told: Told = {
          columns: [
            { name: "When", show: (at) => name(String(at)) },
            { name: "Error rate", show: (value) => (value === null ? "nothing was tried" : share(Number(value))) },
            { name: "Failed attempts of events", show: (value) => count(Number(value)) },
            { name: "Attempts", show: (value) => count(Number(value)) },
          ],
          rows: points.map((point, at) => [
            point.start,
            rates[at] ?? null,
            maybeIn(point, "failed"),
            maybeIn(point, "attempts"),
          ]),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={
              whole === null
                ? "Nothing was tried in this range."
                : `${
                    whole === 0
                      ? `None of ${countOf(numberIn(answer.totals, "attempts"), "attempt")} failed`
                      : `${share(whole)} of ${countOf(numberIn(answer.totals, "attempts"), "attempt")} failed; the worst was ${name(points[worst]!.start)} with ${share(rates[worst] ?? 0)}`
                  }. Where nothing was tried, the line has a gap.`
            }
            pick={pickTime(board, points, answer.to)}
            picks={PICKS_TIME}
            draw={(width) =>
              drawOverTime(
                {
                  ...alongTime(points, answer.to),
                  series: [{ name: "Error rate", paint: "bad", as: "area", values: rates }],
                  format: (value) => `${Math.round(value * 1_000) / 10} %`,
                  label: (at) => bucketTime(at, zone, answer.interval, { days }),
                },
                { width, height: 180 },
              )
            }
          />
        );
      }}
    </Tile>
  );
}

export function ErrorTypesTile({ board, errors }: { board: Dashboard; errors: TileAnswer }) {
  const { query, ignored } = errors;
  const { zone } = board;
  const title = "Errors by type";
  return (
    <Tile
      title={title}
      asks="What kind of failure was it, and when?"
      of={query}
      reason={reasonOf(ignored)}
      width="wide"
    >
      {() => {
        const answer = query.data!;
        const kinds = found(errors);
        if (kinds.length === 0) return <Empty title="No attempt failed in this range.">Nothing to do here.</Empty>;
        const points = kinds[0]!.points;
        const days = needsDays(answer);
        const failedIn = (series: Series, at: number) => maybeIn(series.points[at], "attempts");
        const told: Told = {
          columns: [
            { name: "When", show: (at) => bucketTime(String(at), zone, answer.interval, { long: true }) },
            ...kinds.map((series) => ({ name: wordOf(series), show: (value: unknown) => count(Number(value)) })),
          ],
          rows: points.map(({ start }, at) => [start, ...kinds.map((series) => failedIn(series, at))]),
        };
        const total = kinds.reduce((sum, series) => sum + failures(series), 0);
        return (
          <Chart
            title={title}
            told={told}
            sentence={`${countOf(total, "attempt")} failed: ${kinds.map((series) => `${wordOf(series)} ${count(failures(series))}`).join(", ")}.`}
            pick={pickTime(board, points, answer.to)}
            picks={PICKS_TIME}
            draw={(width, legend) =>
              drawOverTime(
                {
                  ...alongTime(points, answer.to),
                  legend,
                  whole: true,
                  label: (at) => bucketTime(at, zone, answer.interval, { days }),
                  series: kinds.map((series) => ({
                    name: wordOf(series),
                    paint: paintOf(series),
                    as: "bars",
                    values: points.map((_, at) => failedIn(series, at)),
                  })),
                },
                { width, height: 180 },
              )
            }
          >
            <Legend
              entries={kinds.map((series) => ({
                name: wordOf(series),
                paint: paintOf(series),
                value: count(failures(series)),
                pick: () => pickError(board, series),
              }))}
            />
          </Chart>
        );
      }}
    </Tile>
  );
}

export function TopErrorsTile({
  board,
  errors,
  width = "wide",
}: {
  board: Dashboard;
  errors: TileAnswer;
  width?: "wide" | "full";
}) {
  const may = useMay();
  const { query, ignored } = errors;
  const title = "Top errors";
  return (
    <Tile title={title} asks="What fails most, and what helps?" of={query} reason={reasonOf(ignored)} width={width}>
      {() => {
        const kinds = found(errors);
        if (kinds.length === 0) return <Empty title="No attempt failed in this range.">Nothing to do here.</Empty>;
        const told: Told = {
          columns: [
            { name: "Error" },
            { name: "Failed attempts", show: (value) => count(Number(value)) },
            { name: "Means" },
            { name: "Advice" },
          ],
          rows: kinds.map((series) => {
            const { explanation, advice } = failureCatalog[series.key.error as ErrorClass];
            return [wordOf(series), failures(series), explanation, advice];
          }),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={`Most often: ${wordOf(kinds[0]!)}, ${countOf(failures(kinds[0]!), "time")}.`}
            pick={(row) => pickError(board, kinds[row]!)}
            picks="Click, or Enter: only this error"
            draw={(width) =>
              drawRanked(
                kinds.map((series) => ({
                  name: wordOf(series),
                  value: failures(series),
                  paint: paintOf(series),
                })),
                width,
                count,
              )
            }
          >
            <ul className="grid gap-2 text-sm">
              {kinds.slice(0, 5).map((series) => {
                const { explanation, advice } = failureCatalog[series.key.error as ErrorClass];
                return (
                  <li key={series.key.error ?? ""}>
                    <strong>{wordOf(series)}</strong>: {explanation} <span className="text-muted">{advice}</span>
                  </li>
                );
              })}
            </ul>
            {may("events") ? (
              <p className="text-sm">
                <Link href={keep("/problems")}>By subscription, with what to do</Link>
              </p>
            ) : null}
          </Chart>
        );
      }}
    </Tile>
  );
}

const ROWS = 10;

/** Time between two attempts, in words. */
const waits = ({ attempts }: Delivery): string =>
  attempts
    .slice(1)
    .map(({ at }, place) => ms(Math.max(0, Date.parse(at) - Date.parse(attempts[place]!.at))))
    .join(", ");

const reasonIn = ({ attempts }: Delivery): string => {
  const last = attempts.at(-1);
  return last === undefined ? "not tried yet" : answerIn(last);
};

/**
 * What of a filter a list of deliveries takes: it knows values, and can't be asked for what has none.
 * @param statuses that the list is about; all where left out
 */
export function deliveryFilter({ filter }: Dashboard, statuses?: readonly string[]) {
  const texts = (dimension: Filtered) => filter[dimension]?.filter((value) => value !== null);
  const chosen = texts("status");
  const status = chosen === undefined ? statuses : chosen.filter((each) => statuses?.includes(each) ?? true);
  const absent = (["event_type", "workflow_id"] as const).filter((dimension) => filter[dimension]?.includes(null));
  return {
    query: {
      status,
      event_type: texts("event_type"),
      workflow_id: texts("workflow_id"),
      error: texts("error"),
    },
    /** Why the tile is greyed; undefined where the whole filter applies. */
    reason:
      absent.length === 0
        ? undefined
        : `Not filtered: this list can't be narrowed to what has no ${absent.map((each) => words[each]).join(" or ")}.`,
    /** The filter leaves none of the statuses. */
    none: status?.length === 0,
  };
}

export function FailedEventsTile({ board, subscription }: { board: Dashboard; subscription?: string }) {
  const { env, times, zone } = board;
  const { query: filters, reason, none } = deliveryFilter(board, ["failed", "dead_lettered"]);
  const path = `/deliveries${queryOf({ ...filters, from: times.from, to: times.to, subscription_id: subscription, limit: ROWS })}`;
  const query = useQuery({
    queryKey: ["failed events", path, env],
    queryFn: ({ signal }) =>
      none ? { deliveries: [] } : call<{ deliveries: Delivery[] }>("GET", path, { env, signal }),
    refetchInterval: board.every,
    placeholderData: keepPreviousData,
  });
  const title = "Failed events";
  const rows = query.data?.deliveries ?? [];
  const told: Told = {
    columns: [
      { name: "Event" },
      { name: "Status" },
      { name: "Reason" },
      { name: "Attempts" },
      { name: "Waited between" },
      { name: "Next attempt" },
    ],
    rows: rows.map((delivery) => [
      delivery.event_ids.join(" "),
      delivery.status,
      reasonIn(delivery),
      attemptsOf(delivery),
      waits(delivery),
      delivery.next_attempt_at,
    ]),
  };
  useShows(
    query.data === undefined
      ? undefined
      : { title, sentence: rows.length === 0 ? "None." : `The newest ${rows.length}.`, told },
  );
  return (
    <Tile
      title={title}
      asks="Which events failed, why, and when is the next attempt?"
      of={query}
      width="full"
      reason={reason}
    >
      {() =>
        rows.length === 0 ? (
          <Empty title={none ? "The status filter leaves out what failed." : "Nothing has failed in this range."}>
            What fails stands here with its reason until it is delivered or given up.
          </Empty>
        ) : (
          <div className="grid gap-2">
            <Table
              caption={title}
              rows={rows}
              rowKey={({ delivery_id }) => delivery_id}
              columns={[
                {
                  name: "Event",
                  cell: ({ event_ids }) => (
                    <>
                      <Link href={keep(`/events/${event_ids[0]}`)} className="mono">
                        {event_ids[0]}
                      </Link>
                      {event_ids.length === 1 ? "" : ` and ${count(event_ids.length - 1)} more`}
                    </>
                  ),
                },
                { name: "Status", cell: ({ status }) => <Status status={status} /> },
                { name: "Reason", cell: reasonIn },
                { name: "Attempts", cell: (delivery) => count(attemptsOf(delivery)) },
                { name: "Waited between", cell: (delivery) => waits(delivery) || "–" },
                {
                  name: "Next attempt",
                  cell: ({ next_attempt_at, status }) => (
                    <NextAttempt at={next_attempt_at} status={status} zone={zone} />
                  ),
                },
                {
                  name: "Details",
                  cell: ({ delivery_id }) => (
                    <Link href={keep("/deliveries", { open: delivery_id })} aria-label={`Attempts of ${delivery_id}`}>
                      attempts
                    </Link>
                  ),
                },
              ]}
            />
            <p className="text-sm">
              <Link href={keep("/deliveries", { status: "failed" })}>All that are being retried</Link> ·{" "}
              <Link href={keep("/dead-letters")}>All dead letters</Link>
            </p>
          </div>
        )
      }
    </Tile>
  );
}
