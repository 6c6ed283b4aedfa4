/** Two weeks of a shop in Berlin around the night in which its clocks go back, and what a run of a report makes of them. */
import type { SESv2Client } from "@aws-sdk/client-sesv2";
import PostalMime, { type Email } from "postal-mime";
import { type MailContent, sendMail } from "../../../runtime/aws/mail.ts";
import type { MetricsReader } from "../../../runtime/counters/metrics.ts";
import type { ReportDefinition, TakenRun } from "../../../runtime/domain/reports/report.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { reportPdf } from "../../../runtime/report/pdf.ts";
import { makeRun } from "../../../runtime/report/run.ts";
import { metricsTable } from "../../support/metricsTable.ts";
import { countUsage } from "../../support/usage.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const zone = "Europe/Berlin";
export const tenant = "cus_01JDGXS7G0ABCDEFGHJKMNPQRT";

/** Monday, 26 October 2026, 08:00 in Berlin, where clocks went back the night before. */
const NOW = Date.UTC(2026, 9, 26, 7);
/** Midnights of Berlin, from Monday 19 October to Monday 26 October: the last day has 25 hours. */
export const DAYS: readonly number[] = [
  ...[18, 19, 20, 21, 22, 23, 24].map((day) => Date.UTC(2026, 9, day, 22)),
  Date.UTC(2026, 9, 25, 23),
];
const WEEK_BEFORE = DAYS[0]! - 7 * 24 * HOUR;

/** Names as long as the contract lets them be, and one that spreadsheets would take for a formula. */
export const types = ["order.created", "order.paid", '=HYPERLINK("https://example.com";"x")', "a".repeat(128)];
const subscription = (place: number): string => `sub_01JDGXS7G0ABCDEFGHJKMNPQ${String(place).padStart(2, "0")}`;

const accepted = (at: number, events: number, type = types[0]!): UsageFact => ({
  kind: "accepted",
  tenant,
  at,
  routed_at: at + 5,
  key_id: "key_1",
  events: Array.from({ length: events }, () => ({ type, bytes: 100 })),
});
const attempted = (
  at: number,
  place: number,
  outcome: "delivered" | "failed" | "dead_lettered",
  error: "timeout" | "http_5xx" | null = null,
): UsageFact => ({
  kind: "attempted",
  tenant,
  at,
  subscription_id: subscription(place),
  outcome,
  error,
  latency_ms: 40,
  parts: [{ types: [types[0]!], ...(outcome === "delivered" ? { first_success_ms: 90 } : {}) }],
});

/** Events of each day of the week, in order: the first minute of a day and its last count for it. */
export const EVENTS: readonly number[] = [11, 21, 31, 41, 51, 61, 71];
/** Subscriptions that had attempts. */
export const SUBSCRIPTIONS = 18;

function facts(): UsageFact[] {
  const week = EVENTS.flatMap((events, day) => [
    accepted(DAYS[day]!, events - 1, types[day % types.length]),
    accepted(DAYS[day + 1]! - MINUTE, 1),
    ...Array.from({ length: SUBSCRIPTIONS }, (_, place) => attempted(DAYS[day]! + HOUR, place, "delivered")),
    attempted(DAYS[day]! + 2 * HOUR, 0, "failed", "http_5xx"),
  ]);
  return [
    ...week,
    attempted(DAYS[3]!, 1, "dead_lettered", "timeout"),
    // What lies a minute outside of the week counts for the week before, or for none.
    accepted(WEEK_BEFORE, 100),
    accepted(DAYS[0]! - MINUTE, 1),
    accepted(DAYS[7]!, 1_000),
  ];
}

export async function shop(): Promise<MetricsReader> {
  const table = metricsTable();
  await countUsage(table.counters.dynamodb, facts());
  return {
    ...table,
    now: () => NOW,
    workflows: async () => new Map(),
    cube: { ask: () => Promise.reject(new Error("no tile of these asks for joint numbers")) },
  };
}

export const weekly: ReportDefinition = {
  name: "Orders of the week",
  template: "weekly",
  schedule: { every: "week", at: "08:00", time_zone: zone },
  recipients: ["ada@example.com"],
};

export interface Made {
  readonly mails: readonly Email[];
  /** Of each mail, as they went to SES. */
  readonly mime: readonly Buffer[];
  readonly objects: ReadonlyMap<string, Buffer>;
  readonly result: Awaited<ReturnType<typeof makeRun>>;
}

/** @param refuses addresses that SES does not take */
export async function made(
  reader: MetricsReader,
  definition: ReportDefinition = weekly,
  refuses: readonly string[] = [],
): Promise<Made> {
  const mime: Buffer[] = [];
  const objects = new Map<string, Buffer>();
  const ses = {
    send: async ({
      input,
    }: {
      input: { Destination: { ToAddresses: string[] }; Content: { Raw: { Data: Buffer } } };
    }) => {
      if (input.Destination.ToAddresses.some((address) => refuses.includes(address)))
        throw Object.assign(new Error("Email address is not verified."), { name: "MessageRejected" });
      mime.push(input.Content.Raw.Data);
    },
  } as unknown as SESv2Client;
  const run: TakenRun = {
    run_id: "run_01JDGXS7G0ABCDEFGHJKMNPQRT",
    report_id: "rpt_01JDGXS7G0ABCDEFGHJKMNPQRT",
    tenant,
    definition,
    base_url: "https://api.example.com",
    recipients: definition.recipients,
    mailed: [],
    limit_per_second: 100,
    created_at: new Date(NOW).toISOString(),
  };
  const result = await makeRun(
    {
      log: () => undefined,
      reader,
      pdf: reportPdf,
      keep: async (key, _type, bytes) => void objects.set(key, bytes),
      mail: (to: string, content: MailContent) => sendMail(ses, "alerts@mail.example.com", to, content),
      mailed: async () => undefined,
      linkKey: async () => "a cursor secret",
    },
    run,
    NOW,
  );
  return { mime, mails: await Promise.all(mime.map((each) => PostalMime.parse(each))), objects, result };
}
