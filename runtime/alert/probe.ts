import type { Table } from "../aws/tables.ts";
import { putProbe } from "../counters/alerts.ts";
import { MINUTE_MS, type Millis } from "../domain/time.ts";
import { type Elsewhere, here } from "./elsewhere.ts";

/** Whether the API answers where customers call it, asked once a minute and kept for those who watch it. */

const TIMEOUT_MS = 10_000;

/** @returns whether it answered 200. While a part of the platform is away it answers 503, which counts as not reached. */
async function reached(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      headers: { "user-agent": "triggers-probe/1" },
      // An answer of another server does not count.
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}

/**
 * Asks `GET /health` by the platform's public URL, so that everything before the API is checked, too: names, certificates, the
 * distribution, its functions.
 * @param url without a slash at the end
 * @returns whether the API could be reached; it is asked twice, because a cold start is no outage
 */
export async function probe(
  { counters, now, elsewhere }: { readonly counters: Table; readonly elsewhere?: Elsewhere | undefined; now(): Millis },
  url: string,
): Promise<boolean> {
  const minute = Math.floor(now() / MINUTE_MS) * MINUTE_MS;
  const health = `${here(url, elsewhere)}/health`;
  const up = (await reached(health)) || (await reached(health));
  await putProbe(counters, minute, !up);
  return up;
}
