import { errorText, type Log } from "../aws/log.ts";
import type { MailContent } from "../aws/mail.ts";
import { type MetricsReader, queryMetrics } from "../counters/metrics.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { splitTenant } from "../domain/identity/identity.ts";
import { linkTo } from "../domain/links.ts";
import { MetricsQuery } from "../domain/metrics/query.ts";
import { type ReportPage, reportCsv, reportHtml, reportText } from "../domain/reports/page.ts";
import type { RunResult, TakenRun } from "../domain/reports/report.ts";
import { type Answered, type ReportRange, rangeOfReport, tilesOf, zoneOf } from "../domain/reports/tiles.ts";
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
  /** Signs links. */
  linkKey(): Promise<string>;
}

/** Two tiles are asked about at the same time: one may read a month. */
async function answered(ports: RunPorts, run: TakenRun, range: ReportRange): Promise<Answered[]> {
  const measured = { tenant: run.tenant, limit_per_second: run.limit_per_second };
  const all: Answered[] = [];
  for (const tile of tilesOf(run.definition, range)) {
    try {
      all.push({ tile, answer: await queryMetrics(ports.reader, measured, MetricsQuery.parse(tile.query)) });
    } catch (error) {
      ports.log("warn", "report.tile_failed", { run_id: run.run_id, tile: tile.title, error: errorText(error) });
      const why = error instanceof TriggersError ? error.message : "These numbers could not be read.";
      all.push({ tile, error: why });
    }
  }
  return all;
}

/** A range in words, by the days of the zone. */
function rangeInWords({ from, to }: ReportRange, zone: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "long", year: "numeric" });
  return `${format.formatRange(from, to - 1)}, ${zone}`;
}

const FOLDER = "reports";

/** @returns what became of it @throws where it could not be made at all; what can't be mailed is told in the result */
export async function makeRun(ports: RunPorts, run: TakenRun, now: Millis): Promise<RunResult> {
  const range = rangeOfReport(run.definition, Date.parse(run.created_at));
  const zone = zoneOf(run.definition);
  const page: ReportPage = {
    name: run.definition.name,
    range: rangeInWords(range, zone),
    tiles: await answered(ports, run, range),
    link: `${run.base_url}/console/reports`,
  };
  const made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "medium", timeStyle: "short" }).format(
    now,
  );
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
  { mail, log, linkKey }: RunPorts,
  run: TakenRun,
  page: ReportPage,
  pdf: Buffer,
  csv: Buffer,
): Promise<{ sent: string[]; failed?: string }> {
  const { recipients, base_url, report_id, tenant } = run;
  if (recipients.length === 0) return { sent: [] };
  if (mail === undefined) return { sent: [], failed: "Mail is not set up: the setting `mailFrom` is missing." };
  const key = await linkKey();
  const { customer_id } = splitTenant(tenant);
  const name = page.name.replaceAll(/[^\p{L}\p{N} ._-]+/gu, "").trim() || "report";
  const attachments = [
    { filename: `${name}.pdf`, contentType: "application/pdf", content: pdf },
    { filename: `${name}.csv`, contentType: "text/csv; charset=utf-8", content: csv },
  ];
  const sent: string[] = [];
  const failed: string[] = [];
  for (const address of recipients) {
    const unsubscribe = linkTo(key, base_url, { does: "unsubscribe", customer_id, report_id, address });
    try {
      await mail(address, {
        subject: `${page.name}: ${page.range}`,
        text: reportText(page, unsubscribe),
        html: reportHtml(page, unsubscribe),
        attachments,
        unsubscribe,
      });
      sent.push(address);
    } catch (error) {
      log("warn", "report.not_mailed", { run_id: run.run_id, error: errorText(error) });
      failed.push(`${address}: ${(error as Error).name}: ${(error as Error).message}`.slice(0, 300));
    }
  }
  return failed.length === 0 ? { sent } : { sent, failed: failed.join("; ") };
}
