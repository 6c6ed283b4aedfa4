import type { ErrorClass } from "../../runtime/domain/metrics/names.ts";

/** What each kind of failure is called on a dashboard. */
export const errorWords: Readonly<Record<ErrorClass, string>> = {
  timeout: "Timeout",
  dns: "Host unknown",
  connect: "No connection",
  tls: "Certificate",
  redirect: "Redirect",
  http_4xx: "4xx response",
  http_5xx: "5xx response",
  gone: "410 Gone",
  forbidden_address: "Private address",
  other: "Malformed payload or other",
};
