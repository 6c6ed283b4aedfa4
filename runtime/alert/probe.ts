import type { Table } from "../aws/tables.ts";
import { putProbe } from "../counters/alerts.ts";
import { type Elsewhere, here } from "./elsewhere.ts";

/** Whether the API answers where customers call it, asked once a minute and kept for those who watch it. */

const TIMEOUT_MS = 10_000;
const MINUTE_MS = 60_000;

/** @returns whether it was reached. A part that is away makes it answer 503, and then what needs that part can't be done. */
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
 * @returns whether the API could be reached, at the second try at least: one that starts cold is not down
 */
export async function probe(
  { counters, now, elsewhere }: { readonly counters: Table; readonly elsewhere?: Elsewhere | undefined; now(): number },
  url: string,
): Promise<boolean> {
  const minute = Math.floor(now() / MINUTE_MS) * MINUTE_MS;
  const health = `${here(url, elsewhere)}/health`;
  const up = (await reached(health)) || (await reached(health));
  await putProbe(counters, minute, !up);
  return up;
}
