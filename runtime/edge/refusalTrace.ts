import { defined } from "../domain/defined.ts";
import { MINUTE_MS, type Millis } from "../domain/time.ts";

/**
 * A trace of failed authentications that can't fill a log: in each minute an instance logs its first, tenth, hundredth …
 * refusal. So it writes a few lines for any number of refusals, and their order of magnitude is always known.
 */
export interface RefusalLine {
  /** Refusals of this instance in this minute, this one among them. */
  readonly refused: number;
  readonly request_id: string;
  readonly source_ip: string;
  /** The key that was tried, where the text named one. */
  readonly key_id?: string;
}

export interface Refused {
  readonly request_id: string;
  readonly source_ip: string;
  readonly key_id?: string | undefined;
}

/** @returns what notes a refusal at a time, milliseconds since the epoch */
export function refusalTrace(say: (line: RefusalLine) => void): (at: Millis, refused: Refused) => void {
  let minute = Number.NaN;
  let count = 0;
  let next = 1;
  return (at, { request_id, source_ip, key_id }) => {
    const now = Math.floor(at / MINUTE_MS);
    if (now !== minute) {
      minute = now;
      count = 0;
      next = 1;
    }
    count += 1;
    if (count < next) return;
    next *= 10;
    say({ refused: count, request_id, source_ip, ...defined({ key_id }) });
  };
}
