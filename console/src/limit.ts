/** The rate limit as the platform's answers tell it, and how near to it is near. Pure. */

export interface Limit {
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until all of it is free again. */
  readonly reset: number;
  /** When the answer came, milliseconds by the browser's clock. */
  readonly at: number;
}

/** @returns undefined where the headers tell none */
export function limitIn(headers: Headers, at: number): Limit | undefined {
  const number = (name: string): number | undefined => {
    const text = headers.get(`ratelimit-${name}`);
    return text === null || text === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
  };
  const [limit, remaining, reset] = [number("limit"), number("remaining"), number("reset")];
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined;
  return { limit, remaining, reset, at };
}

/** From this share of the limit on it is said that it is near. */
export const NEAR = 0.8;

/** How a share of the limit is to be taken. */
export const limitTone = (share: number): "good" | "warn" | "bad" =>
  share >= 1 ? "bad" : share >= NEAR ? "warn" : "good";

/** How it stands now: what was used is free again once its window has passed. */
export function limitNow({ limit, remaining, reset, at }: Limit, now: number) {
  const left = Math.max(0, reset - (now - at) / 1_000);
  const free = left === 0 ? limit : remaining;
  const used = limit === 0 ? 1 : 1 - free / limit;
  return {
    remaining: free,
    /** Whole seconds until it is free again. */
    seconds: Math.ceil(left),
    tone: limitTone(used),
  };
}
