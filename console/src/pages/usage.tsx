import { plural } from "../../../runtime/domain/plural.ts";
import { useDashboard } from "../dashboard.ts";
import { count, countOf } from "../format.ts";
import { NEAR } from "../limit.ts";
import { pieceOf, pieces, piecesOf } from "../pieces.ts";
import { useSession } from "../session.tsx";
import { QuotaTile, unfiltered, useNow, useQuota } from "../tiles/quota.tsx";
import { RefusedTile, refusedFor, useRefused } from "../tiles/refused.tsx";
import {
  DayForecastTile,
  HistoryTile,
  KeysTile,
  LimitUseTile,
  MonthForecastTile,
  useHours,
  useProjection,
  WeekTile,
} from "../tiles/use.tsx";
import { Button, Note } from "../ui/basic.tsx";
import { DashboardPage, Filters } from "../ui/dashboardPage.tsx";
import { Range } from "../ui/range.tsx";
import { Figure, Tile } from "../ui/tile.tsx";
import { maybeOneOf, useUrl } from "../url.ts";

const own = { each: maybeOneOf(pieces) };

const advise = (share: number, refused: number): string =>
  share >= 1
    ? `The limit was reached${refused > 0 ? `, and ${countOf(refused, "request")} ${plural(refused, "was", "were")} refused with 429 and Retry-After` : ""}. Send what comes in bursts as batches (up to 1,000 events a request), spread it over a longer time, or ask for a higher limit.`
    : share >= NEAR
      ? "Bursts come close to the limit. Spread them over a longer time, or ask for a higher limit before they are refused: the operator sets it, and it holds within a minute."
      : "There is room: nothing to do.";

export default function Usage() {
  const board = useDashboard();
  const [state, set] = useUrl(own);
  const now = Date.now();
  const from = Date.parse(board.times.from);
  const to = board.times.to === undefined ? now : Date.parse(board.times.to);
  const piece = pieceOf(state.each, from, to, now);
  const { limit_per_second: limit } = useSession();
  const quota = useQuota(board);
  const hours = useHours(board);
  const projection = useProjection(board);
  const { peak } = useNow(quota);
  const refused = useRefused(board);
  const advice = advise(peak ?? 0, refusedFor("rate_limited", refused));
  return (
    <DashboardPage
      title="Usage and quota"
      name="usage"
      answer={quota.query.data}
      frame={
        <>
          <Range />
          <Filters without={["workflow_id", "status", "error"]} grouped={false} />
        </>
      }
    >
      {peak !== null && peak >= 1 ? (
        <Note tone="bad" title="The limit was reached in the last hour.">
          {advice}
        </Note>
      ) : peak !== null && peak >= NEAR ? (
        <Note tone="warn" title="More than 80 % of the limit was used in a second of the last hour.">
          {advice}
        </Note>
      ) : null}
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <QuotaTile quota={quota} />
        <Tile
          title="Limit"
          asks="How much may be sent, and when is it free again?"
          of={quota.query}
          reason={unfiltered(quota)}
        >
          {() => (
            <Figure
              value={`${count(limit)}/s`}
              formula="Accepted events in any second. A request that would exceed it is refused as a whole with 429; its Retry-After says when it fits."
              beside="Time to reset: 1 s at most. The limit is on every second anew; nothing is saved up, and nothing stays used."
            />
          )}
        </Tile>
        <DayForecastTile board={board} hours={hours} />
        <MonthForecastTile board={board} projection={projection} />
        <LimitUseTile board={board} hours={hours} />
        <WeekTile board={board} hours={hours} />
        <section
          aria-label="History by"
          className="flex flex-wrap items-center gap-2 text-sm sm:col-span-2 lg:col-span-4"
        >
          <span>History by</span>
          {piecesOf(from, to, now).map((each) => (
            <Button
              key={each}
              aria-pressed={piece === each}
              className={piece === each ? "bg-accent-soft" : ""}
              onPress={() => set({ each })}
            >
              {each}
            </Button>
          ))}
        </section>
        <HistoryTile board={board} piece={piece} />
        <KeysTile board={board} />
        <RefusedTile refused={refused} />
        <Tile title="Advice" asks="What should be done?" of={quota.query} reason={unfiltered(quota)}>
          {() => <p className="text-sm">{advice}</p>}
        </Tile>
      </div>
    </DashboardPage>
  );
}
