import type { Environment } from "../domain/environment.ts";

export const reportVariables = [
  "METRICS_TABLE",
  "SUBSCRIPTIONS_FUNCTION",
  "CUBE_FUNCTION",
  "EXPORT_BUCKET",
  /** Signs the links in mails. */
  "CURSOR_SECRET",
  /** Address that mails come from; empty: no mail is sent. */
  "MAIL_FROM",
] as const;
export type ReportEnvironment = Environment<typeof reportVariables>;
