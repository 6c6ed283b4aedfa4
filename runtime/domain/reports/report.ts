import type { Tenant } from "../identity/identity.ts";
import type { MetricsQueryInput } from "../metrics/query.ts";

/** Reports: numbers that are sent by mail, once or again and again. */

export const periods = ["day", "week", "month"] as const;
export type Period = (typeof periods)[number];

/** One picture of a report: what it is called, and the query that it shows. */
export interface Tile {
  readonly title: string;
  readonly query: MetricsQueryInput;
  /** How it is drawn. @default lines over time, bars without it */
  readonly chart?: "line" | "bar" | "number" | "table";
}

export interface Schedule {
  readonly every: Period;
  /** `HH:MM`, by the clock of the zone. */
  readonly at: string;
  readonly time_zone: string;
}

export interface ReportDefinition {
  readonly name: string;
  readonly template: "weekly" | "monthly" | readonly Tile[];
  readonly schedule: Schedule | null;
  readonly recipients: readonly string[];
}

export interface RunResult {
  readonly from?: string;
  readonly to?: string;
  /** Addresses that it was sent to. */
  readonly sent_to?: readonly string[];
  /** Where the mail and its attachments lie in the bucket of exports. */
  readonly objects?: Readonly<Record<"html" | "pdf" | "csv", string>>;
  readonly error?: string;
}

/** A run that somebody has taken to render it. */
export interface TakenRun {
  readonly run_id: string;
  readonly report_id: string;
  readonly tenant: Tenant;
  readonly definition: ReportDefinition;
  readonly base_url: string;
  /** Verified addresses that have not unsubscribed, and have not got it yet. */
  readonly recipients: readonly string[];
  /** Addresses that a former taker of the run has sent it to. */
  readonly mailed: readonly string[];
  readonly limit_per_second: number;
  /** When it was asked for, or due; RFC 3339. */
  readonly created_at: string;
}
