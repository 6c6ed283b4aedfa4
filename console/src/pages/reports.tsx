import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "../api.ts";
import type { Report } from "../reportForm.ts";
import { useMay } from "../session.tsx";
import type { Channel } from "../types.ts";
import { ActionLink, Empty, Loading, Note, Page, When } from "../ui/basic.tsx";
import { Listed, useList } from "../ui/list.tsx";
import { anyText, useHere, useUrl } from "../url.ts";
import { ReportEditor } from "./reportEditor.tsx";
import { ReportRuns } from "./reportRuns.tsx";

const own = { report: anyText };

const templates: Readonly<Record<string, string>> = { weekly: "Weekly summary", monthly: "Monthly summary" };

const scheduleText = ({ schedule }: Pick<Report, "schedule">): string =>
  schedule === null
    ? "Sent when somebody runs it"
    : `Sent every ${schedule.every} at ${schedule.at}, ${schedule.time_zone}`;

/** Mails of figures: what is in them, when they go, to whom, and what went. */
export default function Reports() {
  const [state, set] = useUrl(own);
  const may = useMay();
  const here = useHere();
  const { env, zone } = state;
  const list = useList<Report>({ path: "/reports", member: "reports", params: { limit: "1000" }, options: { env } });
  const channels = useQuery({
    queryKey: ["list", "/alert-channels", "all", env],
    queryFn: () => call<{ alert_channels: Channel[] }>("GET", "/alert-channels?limit=1000", { env }),
  });
  const addresses = (channels.data?.alert_channels ?? []).filter(({ kind }) => kind === "email");
  const opened = list.rows.find(({ report_id }) => report_id === state.report);
  if (state.report !== undefined)
    return (
      <Page title="Reports">
        <p>
          <Link href={here({ report: undefined })}>All reports</Link>
        </p>
        {state.report !== "new" && list.isPending ? (
          <Loading />
        ) : state.report !== "new" && opened === undefined ? (
          <Note tone="warn">There is no such report on this side.</Note>
        ) : (
          <>
            <ReportEditor
              key={state.report}
              report={opened}
              addresses={addresses}
              saved={(id) => set({ report: id }, false)}
              close={() => set({ report: undefined }, false)}
            />
            {opened === undefined ? null : <ReportRuns report={opened} />}
          </>
        )}
      </Page>
    );
  return (
    <Page
      title="Reports"
      actions={
        may("watch") ? (
          <ActionLink look="primary" href={here({ report: "new" })}>
            New report
          </ActionLink>
        ) : null
      }
    >
      <Listed
        list={list}
        empty={
          <Empty title={`There is no ${env} report yet.`}>
            A report is a mail of figures, with a PDF and a table: weekly, monthly, or of tiles that you choose.
          </Empty>
        }
      >
        {(rows) => (
          <ul className="grid gap-3 lg:grid-cols-2" aria-label="Reports">
            {rows.map((report) => (
              <li key={report.report_id}>
                <article className="card grid gap-1" aria-label={`Report ${report.name}`}>
                  <h2 className="font-semibold">
                    <Link href={here({ report: report.report_id })}>{report.name}</Link>
                  </h2>
                  <p className="text-sm">
                    {typeof report.template === "string"
                      ? templates[report.template]
                      : `${report.template.length} own tiles`}
                  </p>
                  <p className="text-sm text-muted">
                    {scheduleText(report)}
                    {report.next_run_at === null ? null : (
                      <>
                        {" "}
                        (next <When at={report.next_run_at} zone={zone} />)
                      </>
                    )}
                    , to {report.recipients.length === 0 ? "nobody yet" : report.recipients.join(", ")}.
                  </p>
                </article>
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </Page>
  );
}
