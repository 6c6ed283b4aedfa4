import type { Environment } from "../domain/environment.ts";

export const alertVariables = [
  "METRICS_TABLE",
  "EVENTS_TABLE",
  "SUBSCRIPTIONS_FUNCTION",
  "PUBLISH_FUNCTION",
  "DELIVER_FUNCTION",
  "NOTICE_QUEUE_URL",
  /** Address that mails come from; empty: no mail is sent. */
  "MAIL_FROM",
  /** ARN of the number, sender id or pool that SMS come from; empty: none is sent. */
  "SMS_FROM",
] as const;
export type AlertEnvironment = Environment<typeof alertVariables>;

export const probeVariables = [
  "METRICS_TABLE",
  /** Where customers call the platform, without a slash at the end; empty until the edge's stack has told it. */
  "PUBLIC_URL",
] as const;
export type ProbeEnvironment = Environment<typeof probeVariables>;
