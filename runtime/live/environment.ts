import type { Environment } from "../domain/environment.ts";

/** Of the function that decides who may open a socket. */
export const admitVariables = ["LIVE_TABLE", "SESSIONS_TABLE"] as const;
export type AdmitEnvironment = Environment<typeof admitVariables>;

/** Of the one that sockets talk to. */
export const liveVariables = ["LIVE_TABLE", "SUBSCRIPTIONS_FUNCTION", "PUBLISH_FUNCTION"] as const;
export type LiveEnvironment = Environment<typeof liveVariables>;

/** Of the one that sends. */
export const publishVariables = [
  "LIVE_TABLE",
  /** Id of the WebSocket API, and the stage of it that sockets are at. */
  "LIVE_API",
  "LIVE_STAGE",
  "EVENTS_TABLE",
  /** Over how many partitions of it customers are spread: runtime/domain/shards.ts. */
  "EVENT_SHARDS",
  "METRICS_TABLE",
  "KEYS_TABLE",
  "SUBSCRIPTIONS_FUNCTION",
] as const;
export type PublishEnvironment = Environment<typeof publishVariables>;
