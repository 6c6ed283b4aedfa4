import { errorText, type Log } from "../aws/log.ts";
import { defined, mapDefined } from "../domain/defined.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { MetricsAnswer } from "../domain/metrics/answer.ts";
import { MetricsQuery } from "../domain/metrics/query.ts";
import { floorIn } from "../domain/metrics/zones.ts";
import type { ReportPage } from "../domain/reports/page.ts";
import type { ReportDefinition } from "../domain/reports/report.ts";
import { type Answered, type ReportRange, rangeOfReport, tilesOf, zoneOf } from "../domain/reports/tiles.ts";
import type { Millis } from "../domain/time.ts";
import { type MetricsReader, queryMetrics } from "./metrics.ts";

/** A report with its numbers: asked for here by the run that is mailed and by the preview alike, so that the two say the same. */

export interface AskedReport {
  readonly definition: ReportDefinition;
  readonly tenant: Tenant;
  readonly limit_per_second: number;
  /** Where the platform is reached, without a slash at the end. */
  readonly base_url: string;
  /** Its ranges end before this. */
  readonly at: Millis;
}

/** Tiles are asked about one after another: one may read a month. @param about what log lines name */
export async function reportPage(
  { reader, log }: { readonly reader: MetricsReader; readonly log: Log },
  { definition, tenant, limit_per_second, base_url, at }: AskedReport,
  about: Readonly<Record<string, string>> = {},
): Promise<{ readonly page: ReportPage; readonly range: ReportRange }> {
  const asked = rangeOfReport(definition, at);
  const zone = zoneOf(definition);
  const tiles: Answered[] = [];
  for (const tile of tilesOf(definition, asked)) {
    try {
      const answer = await queryMetrics(reader, { tenant, limit_per_second }, MetricsQuery.parse(tile.query));
      tiles.push({ tile, answer });
    } catch (error) {
      log("warn", "report.tile_failed", { ...about, tile: tile.title, error: errorText(error) });
      tiles.push({
        tile,
        error: error instanceof TriggersError ? error.message : "These numbers could not be read.",
      });
    }
  }
  // Of tiles with ranges of their own, the report is about all of these.
  const ranges = tiles.flatMap(({ answer }) => (answer === undefined ? [] : [rangeOfAnswer(answer)]));
  const range =
    ranges.length === 0
      ? asked
      : { from: Math.min(...ranges.map(({ from }) => from)), to: Math.max(...ranges.map(({ to }) => to)) };
  const words = rangeInWords(range, zone);
  const page = {
    name: definition.name,
    range: words,
    // A tile says its own range where the report's is another.
    tiles: tiles.map((answered) => {
      const own = mapDefined(answered.answer, (answer) => rangeInWords(rangeOfAnswer(answer), answer.time_zone));
      return own === words ? answered : { ...answered, ...defined({ range: own }) };
    }),
    link: `${base_url}/console/reports`,
  };
  return { page, range };
}

const rangeOfAnswer = ({ from, to }: MetricsAnswer): ReportRange => ({ from: Date.parse(from), to: Date.parse(to) });

/** A range in words, by the clocks of the zone: with times, unless it is of whole days. */
function rangeInWords({ from, to }: ReportRange, zone: string): string {
  const whole = [from, to].every((time) => floorIn(zone, "day", time) === time);
  const day = { timeZone: zone, day: "numeric", month: "long", year: "numeric" } as const;
  const format = new Intl.DateTimeFormat("en-GB", whole ? day : { ...day, hour: "2-digit", minute: "2-digit" });
  return `${format.formatRange(from, whole ? to - 1 : to)}, ${zone}`;
}
