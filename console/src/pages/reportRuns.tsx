import { useQueryClient } from "@tanstack/react-query";
import { call } from "../api.ts";
import { useKeyNames } from "../keyNames.ts";
import { paceOfWork } from "../pace.ts";
import type { Report } from "../reportForm.ts";
import { useMay } from "../session.tsx";
import type { ReportRun } from "../types.ts";
import { Button, Empty, Failure, Status, When } from "../ui/basic.tsx";
import { List } from "../ui/list.tsx";
import { useCommon } from "../url.ts";
import { useWork } from "../work.ts";

/** The runs of a report, to read as mail, PDF or table; and one more now. */
export function ReportRuns({ report }: { report: Report }) {
  const [{ env, zone }] = useCommon();
  const may = useMay();
  const client = useQueryClient();
  const work = useWork();
  const names = useKeyNames();
  const path = `/reports/${report.report_id}/runs`;
  const run = async () => {
    await work.run(() => call("POST", `/reports/${report.report_id}/run`, { env, body: {} }));
    await client.invalidateQueries({ queryKey: ["list", path] });
  };
  return (
    <section aria-label="Past runs" className="grid gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-lg font-semibold">Past runs</h2>
        {may("watch") ? (
          <Button look="primary" isPending={work.busy} onPress={() => void run()}>
            Run now
          </Button>
        ) : null}
      </div>
      {work.error === undefined ? null : <Failure error={work.error} />}
      <List<ReportRun>
        caption="Past runs, newest first"
        source={{ path, member: "runs", params: { limit: "20" }, options: { env }, every: paceOfWork }}
        rowKey={({ run_id }) => run_id}
        empty={
          <Empty title="It has not run yet.">
            Run now makes it, keeps it here for 7 days, and mails it to its recipients.
          </Empty>
        }
        columns={[
          { name: "Made", cell: ({ created_at }) => <When at={created_at} zone={zone} /> },
          { name: "Asked by", cell: ({ asked_by }) => (asked_by === "schedule" ? "its schedule" : names(asked_by)) },
          { name: "Status", cell: ({ status }) => <Status status={status} /> },
          {
            name: "Sent to",
            cell: ({ sent_to, error: why }) => (
              <>
                {sent_to.length === 0 ? "nobody" : sent_to.join(", ")}
                {why === null ? "" : ` · ${why}`}
              </>
            ),
          },
          {
            name: "Read",
            cell: ({ html_url, pdf_url, csv_url, status }) =>
              html_url === null || pdf_url === null || csv_url === null ? (
                <span className="text-muted">{status === "succeeded" ? "no longer kept" : ""}</span>
              ) : (
                <span className="flex gap-3">
                  {(
                    [
                      ["HTML", html_url],
                      ["PDF", pdf_url],
                      ["CSV", csv_url],
                    ] as const
                  ).map(([name, url]) => (
                    <a key={name} href={url} target="_blank" rel="noreferrer">
                      {name}
                    </a>
                  ))}
                </span>
              ),
          },
        ]}
      />
    </section>
  );
}
