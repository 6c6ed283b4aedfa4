import type { Invoke } from "../aws/clients.ts";
import type { Table } from "../aws/tables.ts";
import { putProbe } from "../counters/alerts.ts";

/** Whether the API answers, asked once a minute and kept for those who watch it. */

const TIMEOUT_MS = 10_000;
const MINUTE_MS = 60_000;

/** `GET /health` as a Function URL would hand it over. */
const health = {
  version: "2.0",
  rawPath: "/health",
  rawQueryString: "",
  headers: {},
  requestContext: { domainName: "probe", http: { method: "GET", path: "/health", sourceIp: "127.0.0.1" } },
  isBase64Encoded: false,
};

/** @returns whether it was reached. A part that is away makes it answer 503, and then what needs that part can't be done. */
async function reached(invoke: Invoke, apiFunction: string): Promise<boolean> {
  try {
    const answer = await invoke(apiFunction, JSON.stringify(health), TIMEOUT_MS);
    return (JSON.parse(answer.toString("utf8")) as { statusCode?: number }).statusCode === 200;
  } catch {
    return false;
  }
}

/** @returns whether the API could be reached, at the second try at least: one that starts cold is not down */
export async function probe(
  { counters, invoke, now }: { readonly counters: Table; readonly invoke: Invoke; now(): number },
  apiFunction: string,
): Promise<boolean> {
  const minute = Math.floor(now() / MINUTE_MS) * MINUTE_MS;
  const up = (await reached(invoke, apiFunction)) || (await reached(invoke, apiFunction));
  await putProbe(counters, minute, !up);
  return up;
}
