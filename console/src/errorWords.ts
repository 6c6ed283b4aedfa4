import type { ErrorClass } from "../../runtime/domain/metrics/names.ts";
import type { Delivery } from "./types.ts";

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

/** What came back for an attempt, in words. */
export function answerIn({ status_code, error }: Pick<Delivery["attempts"][number], "status_code" | "error">): string {
  const why = error === null || error === "http_error" ? "" : error.replaceAll("_", " ");
  if (status_code === null) return why === "" ? "no answer" : why;
  return why === "" ? `answered ${status_code}` : `answered ${status_code}, ${why}`;
}
