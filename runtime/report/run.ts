import { errorText, type Log } from "../aws/log.ts";
import type { MailContent } from "../aws/mail.ts";
import type { MetricsReader } from "../counters/metrics.ts";
import { reportPage } from "../counters/reportPage.ts";
import { splitTenant } from "../domain/identity/identity.ts";
import { linkTo } from "../domain/links.ts";
import { type ReportPage, reportCsv, reportHtml, reportSubject, reportText } from "../domain/reports/page.ts";
import type { RunResult, TakenRun } from "../domain/reports/report.ts";
import { zoneOf } from "../domain/reports/tiles.ts";
import { type Millis, rfc3339 } from "../domain/time.ts";

/** Makes one run of a report: asks, draws, keeps, mails. */

export interface RunPorts {
  readonly log: Log;
  readonly reader: MetricsReader;
  /** Draws the PDF. @param made when, in words */
  pdf(page: ReportPage, made: string): Promise<Buffer>;
  /** Keeps an object in the bucket of exports. */
  keep(key: string, type: string, bytes: Buffer): Promise<void>;
  /** Undefined where no mail is sent. */
  readonly mail: ((to: string, content: MailContent) => Promise<void>) | undefined;
  /** Notes that the run was mailed to an address. */
  mailed(runId: string, address: string): Promise<unknown>;
  /** Signs links. */
  linkKey(): Promise<string>;
}

const FOLDER = "reports";

/** @returns what became of it @throws where it could not be made at all; a mail that failed is named in the result */
export async function makeRun(ports: RunPorts, run: TakenRun, now: Millis): Promise<RunResult> {
  const { page, range } = await reportPage(ports, { ...run, at: Date.parse(run.created_at) }, { run_id: run.run_id });
  const timeZone = zoneOf(run.definition);
  const made = new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "medium", timeStyle: "short" }).format(now);
  const pdf = await ports.pdf(page, made);
  const csv = Buffer.from(reportCsv(page.tiles));
  const folder = `${FOLDER}/${run.tenant}/${run.run_id}`;
  const objects = { html: `${folder}/report.html`, pdf: `${folder}/report.pdf`, csv: `${folder}/report.csv` };
  await ports.keep(objects.html, "text/html; charset=utf-8", Buffer.from(reportHtml(page)));
  await ports.keep(objects.pdf, "application/pdf", pdf);
  await ports.keep(objects.csv, "text/csv; charset=utf-8", csv);
  const { sent, failed } = await mailAll(ports, run, page, pdf, csv);
  const told = { from: rfc3339(range.from), to: rfc3339(range.to), sent_to: sent, objects };
  return failed === undefined ? told : { ...told, error: failed };
}

async function mailAll(
  { mail, mailed, log, linkKey }: RunPorts,
  run: TakenRun,
  page: ReportPage,
  pdf: Buffer,
  csv: Buffer,
): Promise<{ sent: string[]; failed?: string }> {
  const { run_id, recipients, base_url, report_id, tenant } = run;
  const sent = [...run.mailed];
  if (recipients.length === 0) return { sent };
  if (mail === undefined) return { sent, failed: "Mail is not set up: the setting `mailFrom` is missing." };
  const key = await linkKey();
  const { customer_id } = splitTenant(tenant);
  const name = page.name.replaceAll(/[^\p{L}\p{N} ._-]+/gu, "").trim() || "report";
  const attachments = [
    { filename: `${name}.pdf`, contentType: "application/pdf", content: pdf },
    { filename: `${name}.csv`, contentType: "text/csv; charset=utf-8", content: csv },
  ];
  const failed: string[] = [];
  for (const address of recipients) {
    const unsubscribe = linkTo(key, base_url, { does: "unsubscribe", customer_id, report_id, address });
    try {
      await mail(address, {
        subject: reportSubject(page),
        text: reportText(page, unsubscribe),
        html: reportHtml(page, unsubscribe),
        attachments,
        unsubscribe,
      });
    } catch (error) {
      log("warn", "report.not_mailed", { run_id, error: errorText(error) });
      failed.push(`${address}: ${(error as Error).name}: ${(error as Error).message}`.slice(0, 300));
      continue;
    }
    sent.push(address);
    // The note is only for who takes the run after a kill.
    await mailed(run_id, address).catch((error: unknown) =>
      log("warn", "report.mail_not_noted", { run_id, error: errorText(error) }),
    );
  }
  return failed.length === 0 ? { sent } : { sent, failed: failed.join("; ") };
}
