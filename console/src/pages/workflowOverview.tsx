import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { useLocation } from "wouter";
import { call } from "../api.ts";
import { type Dashboard, useDashboard } from "../dashboard.ts";
import { useMay } from "../session.tsx";
import { ErrorTypesTile, FailedEventsTile, TopErrorsTile, useErrors } from "../tiles/errors.tsx";
import { IngestionTile, useFlow } from "../tiles/ingestion.tsx";
import { DistributionTile, LatencyTile } from "../tiles/latency.tsx";
import { StatusTile } from "../tiles/status.tsx";
import { SuccessTile, useSummary } from "../tiles/summary.tsx";
import { RecentEventsTile, useWorkflow, WorkflowFigureTile } from "../tiles/workflow.tsx";
import { ShownViews } from "../told.tsx";
import type { Subscription } from "../types.ts";
import { AsOf, AutoRefresh, aboutOf, Filters, ViewAsTable } from "../ui/dashboardPage.tsx";
import { DownloadShown } from "../ui/download.tsx";
import { FollowingNote, useFollowing } from "../ui/following.tsx";
import { Range } from "../ui/range.tsx";
import { keep } from "../url.ts";

const nameOf = ({ workflow_id, subscription_id }: Subscription): string => workflow_id ?? subscription_id;

/** Leads to another workflow, or to all of them together. */
function ChooseWorkflow({ subscription }: { subscription: Subscription }) {
  const [, navigate] = useLocation();
  const { env } = useDashboard();
  const id = useId();
  const list = useQuery({
    queryKey: ["workflows to choose", env],
    queryFn: () => call<{ subscriptions: Subscription[] }>("GET", "/subscriptions?limit=100", { env }),
  });
  const others = (list.data?.subscriptions ?? []).filter(
    ({ subscription_id }) => subscription_id !== subscription.subscription_id,
  );
  const all = [subscription, ...others].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return (
    <span className="flex items-center gap-2 text-sm">
      <label htmlFor={id}>Workflow</label>
      <select
        id={id}
        className="field w-auto max-w-64 max-sm:max-w-44"
        value={subscription.subscription_id}
        onChange={(event) =>
          navigate(
            event.target.value === "" ? keep("/", { by: "workflow_id" }) : keep(`/subscriptions/${event.target.value}`),
          )
        }
      >
        <option value="">All workflows together</option>
        {all.map((each) => (
          <option key={each.subscription_id} value={each.subscription_id}>
            {nameOf(each)}
          </option>
        ))}
      </select>
    </span>
  );
}

/** How one workflow does: the tiles of the overview, about it alone, with what it selects and its last events. */
export function WorkflowOverview({ subscription, about }: { subscription: Subscription; about: ReactNode }) {
  const may = useMay();
  const whole = useDashboard();
  const { subscription_id: id } = subscription;
  const { workflow_id: _, ...filter } = whole.filter;
  const own: Dashboard = {
    ...whole,
    by: whole.by === "workflow_id" ? "none" : whole.by,
    filter: { ...filter, subscription_id: [id] },
  };
  const following = useFollowing(own);
  const { board } = following;
  const summary = useSummary(board);
  const workflow = useWorkflow(board);
  const flow = useFlow(board);
  const errors = useErrors(board);
  return (
    <ShownViews>
      <div className="grid gap-3">
        <div className="flex flex-wrap items-center justify-between gap-2">
          <ChooseWorkflow subscription={subscription} />
          <div className="flex flex-wrap gap-2">
            <FollowingNote following={following} />
            <AutoRefresh />
            <ViewAsTable />
            <DownloadShown name={`workflow-${id}`} title={`Workflow ${nameOf(subscription)}`} about={aboutOf(board)} />
          </div>
        </div>
        <Range />
        <Filters without={["workflow_id"]} />
        <AsOf answer={flow.query.data} zone={board.zone} />
        {about}
        <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
          <WorkflowFigureTile workflow={workflow} measure="matched" />
          <WorkflowFigureTile workflow={workflow} measure="delivered" />
          <SuccessTile summary={summary} />
          {may("events") ? <RecentEventsTile board={board} id={id} /> : null}
          <IngestionTile board={board} flow={flow} />
          <StatusTile board={board} />
          <LatencyTile board={board} name="delivery_latency_ms" />
          <DistributionTile board={board} />
          <ErrorTypesTile board={board} errors={errors} />
          <TopErrorsTile board={board} errors={errors} />
          {may("events") ? <FailedEventsTile board={board} subscription={id} /> : null}
        </div>
      </div>
    </ShownViews>
  );
}
