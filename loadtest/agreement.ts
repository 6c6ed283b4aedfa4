import type { Ledger } from "./ledger.ts";

/** Whether the platform's own numbers agree with the ledger of a run, to the event. */

/** What a run knows, of all its customers together. */
export interface Known {
  /** Requests that were answered 202. */
  readonly requests: number;
  /** Requests that were answered 4xx or 503. */
  readonly refused: number;
  readonly ledger: Pick<Ledger, "accepted" | "delivered" | "pending" | "dead_lettered" | "duplicates">;
}

export interface Figure {
  /** Where it is told, and what. */
  readonly figure: string;
  readonly ledger: number;
  readonly platform: number;
}

interface Answer {
  readonly totals: Readonly<Record<string, number>>;
  readonly series: readonly {
    readonly key: Readonly<Record<string, string | null>>;
    readonly totals: Readonly<Record<string, number>>;
  }[];
}

/** Rounds without a change after which figures that differ are final, and the pause between them: counts come within seconds. */
const FINAL_AFTER = 5;
const PAUSE_MS = 3_000;

/**
 * Asks `/metrics/query` and `/usage` of each customer until they agree, or until they no longer change.
 * @param from when the first request was sent
 */
export async function agreement(
  url: string,
  keys: readonly string[],
  from: Date,
  known: () => Promise<Known>,
  pauseMs = PAUSE_MS,
): Promise<readonly Figure[]> {
  let figures = await compared(url, keys, from, await known());
  for (let idle = 0; figures.some(differs) && idle < FINAL_AFTER; ) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const next = await compared(url, keys, from, await known());
    idle = JSON.stringify(next) === JSON.stringify(figures) ? idle + 1 : 0;
    figures = next;
  }
  return figures;
}

export const differs = ({ ledger, platform }: Figure): boolean => ledger !== platform;

export const agreementText = (figures: readonly Figure[]): string => {
  const wrong = figures.filter(differs);
  if (figures.length === 0) return "  numbers not compared: the customers were there before";
  if (wrong.length === 0)
    return `  numbers agree with the ledger: ${figures.map(({ figure, platform }) => `${figure} ${platform.toLocaleString("en")}`).join(", ")}`;
  return wrong
    .map(({ figure, ledger, platform }) => `  numbers DIFFER: ${figure} is ${platform}, by the ledger ${ledger}`)
    .join("\n");
};

async function ask<T>(url: string, key: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}

async function compared(url: string, keys: readonly string[], from: Date, known: Known): Promise<Figure[]> {
  const sums = new Map<string, number>();
  const add = (figure: string, n: number) => sums.set(figure, (sums.get(figure) ?? 0) + n);
  const range = { from: from.toISOString(), to: new Date(Date.now() + 60_000).toISOString() };
  for (const key of keys) {
    const query = (more: object) =>
      ask<Answer>(`${url}/metrics/query`, key, { ...range, interval: "none", top: 100, ...more });
    const measures = ["requests", "events", "unmatched", "refused", "delivered"];
    const { totals } = await query({ measures });
    for (const name of measures) add(name, totals[name]!);
    const { series } = await query({ measures: ["events"], group_by: ["status"] });
    for (const { key: of, totals: own } of series) add(`status ${of.status}`, own.events!);
    const usage = await ask<Answer>(
      `${url}/usage?${new URLSearchParams({ ...range, interval: "minute" }).toString()}`,
      key,
    );
    for (const name of ["requests", "events", "delivered"]) add(`usage ${name}`, usage.totals[name]!);
  }
  const of = (figure: string) => sums.get(figure) ?? 0;
  const { accepted, delivered, pending, dead_lettered, duplicates } = known.ledger;
  /** An event that came twice may have been counted twice, or once: its first post may have failed after it came. */
  const posted = (figure: string) => Math.min(Math.max(of(figure), delivered), delivered + duplicates);
  const rows: readonly (readonly [figure: string, ledger: number])[] = [
    ["requests", known.requests],
    ["events", accepted],
    ["unmatched", 0],
    ["refused", known.refused],
    ["delivered", posted("delivered")],
    ["usage requests", known.requests],
    ["usage events", accepted],
    ["usage delivered", posted("usage delivered")],
    ["status delivered", delivered],
    ["status dead_lettered", dead_lettered],
  ];
  return [
    ...rows.map(([figure, ledger]): Figure => ({ figure, ledger, platform: of(figure) })),
    { figure: "status waiting", ledger: pending, platform: of("status pending") + of("status failed") },
  ];
}
