import { useDashboard } from "../dashboard.ts";
import { useMay } from "../session.tsx";
import { useStatus } from "../tiles/health.tsx";
import { Incidents, TellCustomers } from "../tiles/incidents.tsx";
import { Parts } from "../tiles/parts.tsx";
import { ShownViews } from "../told.tsx";
import { Failure, Loading, Page } from "../ui/basic.tsx";
import { aboutOf } from "../ui/dashboardPage.tsx";
import { DownloadShown } from "../ui/download.tsx";

/** How the platform is, part by part, and what is planned or going on. */
export default function Health() {
  const query = useStatus();
  const board = useDashboard();
  const may = useMay();
  return (
    <ShownViews>
      <Page
        title="System health"
        actions={<DownloadShown name="system-health" title="System health" about={aboutOf(board)} />}
      >
        {query.isPending ? (
          <Loading />
        ) : query.isError ? (
          <Failure error={query.error} retry={() => void query.refetch()} />
        ) : (
          <>
            <Parts answer={query.data} at={query.dataUpdatedAt} />
            <Incidents incidents={query.data.incidents} />
          </>
        )}
        {may("customers") ? <TellCustomers /> : null}
      </Page>
    </ShownViews>
  );
}
