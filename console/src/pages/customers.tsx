import { useQueryClient } from "@tanstack/react-query";
import { drawRanked } from "../../../runtime/domain/charts/ranked.ts";
import { plural } from "../../../runtime/domain/plural.ts";
import { call } from "../api.ts";
import { Chart } from "../charts/chart.tsx";
import { useDashboard } from "../dashboard.ts";
import { useFormDraft } from "../drafts.ts";
import { count, countOf, share } from "../format.ts";
import { limitTone, NEAR } from "../limit.ts";
import { useCustomers } from "../tiles/customers.tsx";
import { ShownViews, type Told, useShows } from "../told.tsx";
import { typedNumber } from "../typedNumber.ts";
import type { CustomerFigures } from "../types.ts";
import { Button, Empty, Failure, Loading, Page, TextField } from "../ui/basic.tsx";
import { Create, ShownOnce } from "../ui/create.tsx";
import { AutoRefresh, PresetsOnly, ViewAsTable } from "../ui/dashboardPage.tsx";
import { DownloadShown } from "../ui/download.tsx";
import { Ask } from "../ui/overlay.tsx";
import { Range } from "../ui/range.tsx";
import { Table } from "../ui/table.tsx";
import { Tile } from "../ui/tile.tsx";
import { maybeOneOf, presetOf, useUrl } from "../url.ts";

function NewCustomer() {
  const client = useQueryClient();
  const [{ name, limit }, change, drop] = useFormDraft("new customer", { name: "", limit: "1000" });
  const make = async () => {
    const body = { name, limit_per_second: typedNumber(limit) };
    const made = await call<{ api_key: string; sandbox_key: string }>("POST", "/customers", { body });
    drop();
    await client.invalidateQueries({ queryKey: ["customer figures"] });
    return made;
  };
  return (
    <Create
      label="New customer"
      title="New customer"
      make={make}
      made={({ api_key, sandbox_key }) => (
        <ShownOnce
          title="Both keys are shown this once."
          texts={[
            ["Live key", api_key],
            ["Sandbox key", sandbox_key],
          ]}
        />
      )}
    >
      <TextField label="Name" value={name} change={(name) => change({ name })} />
      <TextField label="Events a second" inputMode="numeric" value={limit} change={(limit) => change({ limit })} />
    </Create>
  );
}

const REFRESH_MS = 30_000;

/** How near to its limit a customer came, in a word and a colour. */
function Nearness({ use }: { use: number | null }) {
  const [tone, sign, word] =
    use === null || use < NEAR ? ["", "", ""] : use < 1 ? ["text-warn", "▲ ", " near"] : ["text-bad", "✕ ", " reached"];
  return (
    <span className={`font-medium whitespace-nowrap ${tone}`}>
      {sign}
      {use === null ? "–" : share(use)}
      {word}
    </span>
  );
}

const columns = [
  "Customer",
  "Limit",
  "Busiest second, of the limit",
  "Events",
  "Refused requests",
  "Delivered",
  "Dead-lettered",
  "Delivery success",
  "Keys",
  "Keys never used",
] as const;

const MOST_BARS = 10;

/** Who came nearest to its limit, as bars. @param customers the nearest first */
function LimitChart({ customers, of }: { customers: readonly CustomerFigures[]; of: ReturnType<typeof useCustomers> }) {
  const title = "Use of the limit";
  const known = customers.flatMap(({ name, limit_use }) => (limit_use === null ? [] : [{ name, use: limit_use }]));
  const [first] = known;
  if (first === undefined) return null;
  const told: Told = {
    columns: [{ name: "Customer" }, { name: "Busiest second, of the limit", show: (use) => share(Number(use)) }],
    rows: known.map(({ name, use }) => [name, use]),
  };
  return (
    <Tile title={title} asks="Who came nearest to its limit in any second?" of={of}>
      {() => (
        <Chart
          title={title}
          told={told}
          sentence={`${first.name} came nearest, with ${share(first.use)}.${known.length > MOST_BARS ? ` Drawn are the first ${MOST_BARS}.` : ""}`}
          draw={(width) =>
            drawRanked(
              known.slice(0, MOST_BARS).map(({ name, use }) => ({ name, value: use, paint: limitTone(use) })),
              width,
              share,
              1,
            )
          }
        />
      )}
    </Tile>
  );
}

const own = { near: maybeOneOf(["yes"]) };

export default function Customers() {
  const board = useDashboard();
  const [{ near }, set] = useUrl(own);
  const [{ range }] = useUrl(own);
  const [last] = presetOf(range);
  const client = useQueryClient();
  const list = useCustomers(last, board.every === false ? false : REFRESH_MS);
  const limit = (id: string) => async (value: string) => {
    await call("PATCH", `/customers/${id}`, { body: { limit_per_second: typedNumber(value) } });
    await client.invalidateQueries({ queryKey: ["customer figures"] });
  };
  const byUse = list.customers.toSorted((a, b) => (b.limit_use ?? -1) - (a.limit_use ?? -1));
  const close = byUse.filter(({ limit_use }) => (limit_use ?? 0) >= NEAR);
  const rows = near === undefined ? byUse : close;
  const told: Told = {
    columns: columns.map((name) => ({ name })),
    rows: rows.map((each) => [
      each.name,
      each.limit_per_second,
      each.limit_use,
      each.events,
      each.refused,
      each.delivered,
      each.dead_lettered,
      each.delivery_success_rate,
      each.keys,
      each.keys_never_used,
    ]),
  };
  return (
    <ShownViews>
      <Page
        title="Customers"
        actions={
          <>
            <AutoRefresh />
            <ViewAsTable />
            <ShownTable told={told} />
            <DownloadShown name="customers" title="Customers" about={`Live sides, the last ${last}`} />
            <NewCustomer />
          </>
        }
      >
        <Range />
        {range === "custom" ? <PresetsOnly /> : null}
        {list.isPending ? (
          <Loading />
        ) : list.isLoadingError ? (
          <Failure error={list.error} retry={() => void list.refetch()} />
        ) : list.customers.length === 0 ? (
          <Empty title="There is no customer yet.">Make one: it gets a live and a sandbox key at once.</Empty>
        ) : (
          <>
            <div className="flex flex-wrap items-center gap-3 text-sm">
              <p>
                {countOf(list.customers.length, "customer")}
                {list.hasNextPage ? " so far" : ""}, nearest to their limit first.{" "}
                {close.length === 0
                  ? "None used 80 % of its limit in any second."
                  : `${count(close.length)} used 80 % of ${plural(close.length, "its", "their")} limit or more in a second.`}
              </p>
              <Button
                aria-pressed={near !== undefined}
                className={near === undefined ? "" : "bg-accent-soft"}
                onPress={() => set({ near: near === undefined ? "yes" : undefined })}
              >
                Near a limit only
              </Button>
            </div>
            <LimitChart customers={rows} of={list} />
            {rows.length === 0 ? (
              <Empty title="No customer is near its limit.">Show all of them to see how much each uses.</Empty>
            ) : (
              <Table
                caption="Customers"
                rows={rows}
                rowKey={({ customer_id }) => customer_id}
                columns={[
                  {
                    name: "Customer",
                    named: true,
                    cell: ({ name, customer_id }) => (
                      <>
                        {name}
                        <span className="mono block text-muted">{customer_id}</span>
                      </>
                    ),
                  },
                  {
                    name: "Limit",
                    cell: ({ customer_id, name, limit_per_second }) => (
                      <span className="grid gap-1 md:whitespace-nowrap">
                        {count(limit_per_second)}/s
                        <Ask
                          label="Change limit"
                          title={`Limit of ${name}`}
                          field="Events a second"
                          draft={`limit ${customer_id}`}
                          action={limit(customer_id)}
                        />
                      </span>
                    ),
                  },
                  { name: "Busiest second", cell: ({ limit_use }) => <Nearness use={limit_use} /> },
                  { name: "Events", cell: ({ events }) => count(events) },
                  { name: "Refused", cell: ({ refused }) => count(refused) },
                  { name: "Delivered", cell: ({ delivered }) => count(delivered) },
                  { name: "Dead-lettered", cell: ({ dead_lettered }) => count(dead_lettered) },
                  {
                    name: "Success",
                    cell: ({ delivery_success_rate: rate }) => (rate === null ? "–" : share(rate)),
                  },
                  {
                    name: "Keys never used",
                    cell: ({ keys, keys_never_used, unused_keys }) =>
                      keys_never_used === 0 ? (
                        `none of ${count(keys)}`
                      ) : (
                        <details>
                          <summary className="min-h-6 cursor-pointer">
                            {count(keys_never_used)} of {count(keys)}
                          </summary>
                          <ul className="mono">
                            {unused_keys.map(({ key_id, environment }) => (
                              <li key={key_id}>
                                {key_id} ({environment})
                              </li>
                            ))}
                          </ul>
                        </details>
                      ),
                  },
                ]}
              />
            )}
            {list.hasNextPage ? (
              <Button isPending={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
                {list.isFetchingNextPage ? "Loading…" : "Show more"}
              </Button>
            ) : null}
          </>
        )}
      </Page>
    </ShownViews>
  );
}

/** Lets the page be taken along as it is. */
function ShownTable({ told }: { told: Told }) {
  useShows({ title: "Customers", sentence: "", told });
  return null;
}
