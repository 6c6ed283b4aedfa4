import { useDashboard } from "../dashboard.ts";
import { filtersOf } from "../metrics.ts";
import { useMay } from "../session.tsx";
import { ErrorRateTile, ErrorTypesTile, FailedEventsTile, TopErrorsTile, useErrors } from "../tiles/errors.tsx";
import { HealthTile } from "../tiles/health.tsx";
import { IngestionTile, useFlow } from "../tiles/ingestion.tsx";
import { DistributionTile, LatencyTile } from "../tiles/latency.tsx";
import { QuotaTile, useQuota } from "../tiles/quota.tsx";
import { StatusTile } from "../tiles/status.tsx";
import { SuccessTile, useSummary } from "../tiles/summary.tsx";
import { TodayTile, useToday } from "../tiles/today.tsx";
import { DashboardPage, Filters } from "../ui/dashboardPage.tsx";
import { FollowingNote, useFollowing } from "../ui/following.tsx";
import { Range } from "../ui/range.tsx";
import { FirstSteps } from "./firstSteps.tsx";

export default function Overview() {
  const following = useFollowing(useDashboard());
  const { board } = following;
  const may = useMay();
  const today = useToday(board);
  const summary = useSummary(board);
  const flow = useFlow(board);
  const errors = useErrors(board);
  const quota = useQuota(board);
  return (
    <DashboardPage
      title="Overview"
      name="overview"
      answer={flow.query.data}
      actions={<FollowingNote following={following} />}
      frame={
        <>
          <Range />
          <Filters />
        </>
      }
    >
      <FirstSteps />
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
        <div className="grid gap-3">
          <TodayTile board={board} today={today} measure="events" />
          <TodayTile board={board} today={today} measure="delivered" />
        </div>
        <SuccessTile summary={summary} />
        <QuotaTile quota={quota} />
        <HealthTile filtered={filtersOf(board).length > 0} />
        <IngestionTile board={board} flow={flow} />
        <LatencyTile board={board} name="accept_latency_ms" />
        <LatencyTile board={board} name="delivery_latency_ms" />
        <StatusTile board={board} />
        <DistributionTile board={board} />
        <ErrorRateTile board={board} flow={flow} />
        <ErrorTypesTile board={board} errors={errors} />
        <TopErrorsTile board={board} errors={errors} width="full" />
        {may("events") ? <FailedEventsTile board={board} /> : null}
      </div>
    </DashboardPage>
  );
}
