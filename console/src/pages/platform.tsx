import { drawRanked } from "../../../runtime/domain/charts/ranked.ts";
import { Chart } from "../charts/chart.tsx";
import { useDashboard } from "../dashboard.ts";
import { count, countOf, share } from "../format.ts";
import { NEAR } from "../limit.ts";
import { useCustomers } from "../tiles/customers.tsx";
import { useStatus } from "../tiles/health.tsx";
import { Incidents, TellCustomers } from "../tiles/incidents.tsx";
import { Parts } from "../tiles/parts.tsx";
import { ShownViews, type Told } from "../told.tsx";
import { Failure, Loading, Page } from "../ui/basic.tsx";
import { AutoRefresh, PresetsOnly, ViewAsTable } from "../ui/dashboardPage.tsx";
import { DownloadShown } from "../ui/download.tsx";
import { Range } from "../ui/range.tsx";
import { Figure, Tile } from "../ui/tile.tsx";
import { presetOf, useCommon } from "../url.ts";

const REFRESH_MS = 30_000;
const TOP = 8;

/** What all customers did together, and who did most of it. */
function AllCustomers() {
  const [{ range }] = useCommon();
  const board = useDashboard();
  const [last, lastName] = presetOf(range);
  const list = useCustomers(last, board.every === false ? false : REFRESH_MS);
  const { customers } = list;
  const sum = (name: "events" | "requests" | "refused" | "delivered" | "dead_lettered" | "keys_never_used") =>
    customers.reduce((total, each) => total + each[name], 0);
  const ended = sum("delivered") + sum("dead_lettered");
  const near = customers.filter(({ limit_use }) => (limit_use ?? 0) >= NEAR).length;
  const busiest = customers.toSorted((a, b) => b.events - a.events).slice(0, TOP);
  const told: Told = {
    columns: [{ name: "Customer" }, { name: "Events", show: (value) => count(Number(value)) }],
    rows: busiest.map(({ name, events }) => [name, events]),
  };
  const these = countOf(customers.length, "customer");
  const beside = `of ${list.hasNextPage ? "the first " : ""}${these}, last ${lastName}`;
  const figures = [
    ["Events", count(sum("events")), beside],
    [
      "Delivered",
      count(sum("delivered")),
      ended === 0 ? "nothing ended" : `${share(sum("delivered") / ended)} of what ended`,
    ],
    ["Refused requests", count(sum("refused")), `of ${count(sum("requests") + sum("refused"))}`],
    ["Customers near a limit", count(near), "used 80 % of it in a second"],
    ["Dead-lettered", count(sum("dead_lettered")), beside],
    ["Keys never used", count(sum("keys_never_used")), "active ones"],
  ] as const;
  return (
    <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4">
      {figures.map(([name, value, says]) => (
        <Tile key={name} title={name} of={list}>
          {() => <Figure value={value} beside={says} />}
        </Tile>
      ))}
      <Tile title="Busiest customers" asks="Who sends most?" of={list} width="wide">
        {() => (
          <Chart
            title="Busiest customers"
            told={told}
            sentence={
              busiest[0] === undefined
                ? "There is no customer yet."
                : `${busiest[0].name} sent most: ${countOf(busiest[0].events, "event")}.`
            }
            draw={(width) =>
              drawRanked(
                busiest.map(({ name, events }) => ({ name, value: events })),
                width,
                count,
              )
            }
          />
        )}
      </Tile>
    </div>
  );
}

/** For the operator's own people: how the platform is for all customers together, and what to tell them. */
export default function Platform() {
  const query = useStatus();
  const [{ range }] = useCommon();
  const [last] = presetOf(range);
  return (
    <ShownViews>
      <Page
        title="Platform"
        actions={
          <>
            <AutoRefresh />
            <ViewAsTable />
            <DownloadShown name="platform" title="Platform" about={`All customers, the last ${last}`} />
          </>
        }
      >
        <Range />
        {range === "custom" ? <PresetsOnly /> : null}
        {query.isPending ? (
          <Loading />
        ) : query.isError ? (
          <Failure error={query.error} retry={() => void query.refetch()} />
        ) : (
          <>
            <AllCustomers />
            <Parts answer={query.data} at={query.dataUpdatedAt} />
            <Incidents incidents={query.data.incidents} />
          </>
        )}
        <TellCustomers />
      </Page>
    </ShownViews>
  );
}
